from __future__ import annotations

import pytest

from endface.errors import PortTakenError, RepositoryError, ServerMissingError, ServerStartError
from endface.server.log import LogFilter, explain, stub_failure

PORTS = {"--http-port": 8000, "--grpc-port": 8001}

HASH = (
    "E1122 15:47:46.927010 11048 model_lifecycle.cc:642] \"failed to load 'segment' version 1: Internal: "
    'ConfigurationError: the network is not the file\\n\\nAt:\\n  network.py(109): _verified\\n"'
)
FOLDER = (
    "E1122 15:48:01.846141 11566 model_repository_manager.cc:1460] \"Poll failed for model directory 'stray': "
    "Could not determine backend for model 'stray'\""
)
TAKEN = "error: failed to start HTTP service: Unavailable - Socket '127.0.0.1:8000' already in use"
LIBRARY = "/x/triton_python_backend_stub: error while loading shared libraries: libpython3.11.so.1.0: cannot open it"
NAMED = "Triton cannot load 'segment': ConfigurationError: the network is not the file"
QUOTED = "Triton ended by itself with exit status 1; its last message: "
LAST = "error: creating server: Internal - failed to load all models"


def taken(option: str, port: int) -> None:
    """Every port is taken."""
    raise PortTakenError(f"port {port} {option}")


@pytest.mark.parametrize(
    ("lines", "kind", "message"),
    [
        ([HASH, LAST], RepositoryError, NAMED),
        ([HASH, HASH, LAST], RepositoryError, NAMED),
        ([FOLDER], RepositoryError, "Triton cannot load 'stray': Could not determine backend for model 'stray'"),
        ([TAKEN], PortTakenError, "port 8000 --http-port"),
        (
            [LIBRARY, HASH],
            ServerMissingError,
            "Triton's Python backend needs the library libpython3.11.so.1.0 (cannot open it); "
            "`apt install libpython3.11`, or use a Python that comes with its shared library",
        ),
        ([LAST, "bye"], ServerStartError, QUOTED + LAST),
        (["no such library"], ServerStartError, QUOTED + "no such library"),
        (
            ["terminate called after throwing an instance of 'X'", "  what():  no thread", "I stub ends"],
            ServerStartError,
            QUOTED + "what():  no thread",
        ),
        ([], ServerStartError, "Triton ended by itself with exit status 1; its log is empty"),
    ],
    ids=["model", "model, twice", "folder", "port", "library", "other", "no error", "abort", "silence"],
)
def test_failure_is_one_sentence(lines: list[str], kind: type[ServerStartError], message: str) -> None:
    """Out of a log come the few words that a person needs, without its traceback."""
    error = explain(lines, PORTS, 1, taken)

    assert type(error) is kind
    assert str(error) == message


def test_every_refused_model_is_named() -> None:
    """Two broken models are mended in one go."""
    assert str(explain([HASH, FOLDER], PORTS, 1, taken)).count("Triton cannot load") == 2


def test_free_port_is_not_called_taken() -> None:
    """Triton says so of every failure to listen, the want of file descriptors included."""
    error = explain([TAKEN], PORTS, 1, lambda _option, _port: None)

    assert type(error) is ServerStartError
    assert "port 8000, which is free; it may have too few file descriptors" in str(error)


def test_stub_that_ended_is_quoted() -> None:
    """What is in the log beside Triton's own lines comes from the stub."""
    assert str(stub_failure([HASH, "Fatal Python error: init_fs_encoding", HASH])).endswith(
        "ended while it was started; its last message: Fatal Python error: init_fs_encoding"
    )


WITHOUT_GPU = [
    'E1122 server.cc:241] "CudaDriverHelper has not been initialized."',
    'W1128 22:10:42.750038 20239 pinned_memory_manager.cc:170] "failed to allocate pinned system memory: no pinned '
    'memory pool, falling back to non-pinned system memory"',
]
FAREWELLS = [
    "Signal (15) received.",
    'E1128 main.cc:535] "failed to stop server: Internal - Exit timeout expired. Exiting immediately."',
]
LOST = "no traces: http://c:4318/v1/traces takes no spans"


@pytest.mark.parametrize("has_gpu", [False, True])
@pytest.mark.parametrize("line", WITHOUT_GPU)
def test_lines_that_mean_nothing_are_held_back(line: str, has_gpu: bool) -> None:
    """What Triton writes at every start without a GPU is an error only where there is one."""
    log_filter = LogFilter(has_gpu=has_gpu)

    assert log_filter.filter(line) == ([line] if has_gpu else [])
    assert log_filter.filter(HASH) == [HASH]


@pytest.mark.parametrize("line", FAREWELLS)
def test_stop_that_was_asked_for_is_no_error(line: str) -> None:
    """What Triton says of every stop is held back from a stop on; where nobody asked, it is the reason of an end."""
    log_filter = LogFilter(has_gpu=True)
    before = log_filter.filter(line)
    log_filter.stops()

    assert (before, log_filter.filter(line), log_filter.filter(HASH)) == ([line], [], [HASH])


def test_lost_traces_are_said_once() -> None:
    """Each process of a stage misses the same collector; not every line that speaks of traces is about ours."""
    log_filter, other = (
        LogFilter(has_gpu=False),
        'E1122 15:47:46.927010 11048 grpc_server.cc:1] "there are no traces: none"',
    )

    assert [log_filter.filter(line) for line in (LOST, LOST, LOST)] == [[LOST], [], []]
    assert log_filter.filter(other) == [other]


@pytest.mark.parametrize(
    "line",
    [
        "E1128 19:27:2{0}.05 {0} tcp.cc:77] accept failed: fd {0}",
        "[warn] Error from accept() call: Too many open files",
    ],
    ids=["gRPC", "libevent"],
)
def test_repeated_line_is_counted(line: str) -> None:
    """A flood of one error, whatever its time and numbers, is three lines in ten seconds and a count."""
    clock = [0.0]
    log_filter = LogFilter(has_gpu=False, clock=lambda: clock[0])
    said = [text for number in range(1000) for text in log_filter.filter(line.format(number))]
    clock[0] = 11

    assert said == [line.format(number) for number in range(3)]
    assert log_filter.filter("another") == [f"{line.format(999)} (997 more like this)", "another"]
    assert log_filter.filter(line.format(7)) == [line.format(7)]


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(["x" * length for length in range(1, 2000)], id="different lines"),
        pytest.param([f'{{"event":"inspection","name":"{number}.png"}}' for number in range(9)], id="inspections"),
    ],
)
def test_what_is_no_repetition_is_said(lines: list[str]) -> None:
    """A flood of different lines; and a frozen camera's, which differ in their numbers only, and each is a part."""
    log_filter = LogFilter(has_gpu=False, clock=lambda: 0.0)

    assert [text for line in lines for text in log_filter.filter(line)] == lines
