from __future__ import annotations

import pytest

from endface.errors import PortTakenError, RepositoryError, ServerStartError
from endface.server.log import Sieve, explain

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
LAST = "error: creating server: Internal - failed to load all models"


@pytest.mark.parametrize(
    ("lines", "kind", "message"),
    [
        (
            [HASH, LAST],
            RepositoryError,
            "Triton cannot load 'segment': ConfigurationError: the network is not the file",
        ),
        (
            [HASH, HASH, LAST],
            RepositoryError,
            "Triton cannot load 'segment': ConfigurationError: the network is not the file",
        ),
        ([FOLDER], RepositoryError, "Triton cannot load 'stray': Could not determine backend for model 'stray'"),
        ([TAKEN], PortTakenError, "port 8000 is taken by another process; choose another one with --http-port"),
        ([LAST, "bye"], ServerStartError, f"Triton ended by itself with exit status 1; the last that it said: {LAST}"),
        (
            ["no such library"],
            ServerStartError,
            "Triton ended by itself with exit status 1; the last that it said: no such library",
        ),
        (
            ["terminate called after throwing an instance of 'X'", "  what():  no thread", "I stub ends"],
            ServerStartError,
            "Triton ended by itself with exit status 1; the last that it said: what():  no thread",
        ),
        ([], ServerStartError, "Triton ended by itself with exit status 1; its log is empty"),
    ],
    ids=["model", "model, twice", "folder", "port", "other", "no error", "abort", "silence"],
)
def test_failure_is_one_sentence(lines: list[str], kind: type[ServerStartError], message: str) -> None:
    """Out of a log come the few words that a person needs, without its traceback."""
    error = explain(lines, PORTS, 1)

    assert type(error) is kind
    assert str(error) == message


def test_every_refused_model_is_named() -> None:
    """Two broken models are mended in one go."""
    assert str(explain([HASH, FOLDER], PORTS, 1)).count("Triton cannot load") == 2


LINE_WITHOUT_GPU = 'E1122 server.cc:241] "CudaDriverHelper has not been initialized."'
LOST = "no traces: http://c:4318/v1/traces takes no spans"


@pytest.mark.parametrize("has_gpu", [False, True])
def test_lines_that_mean_nothing_are_held_back(has_gpu: bool) -> None:
    """What Triton writes at every start without a GPU is an error only where there is one."""
    sieve = Sieve(has_gpu=has_gpu)

    assert sieve.passes(LINE_WITHOUT_GPU) is has_gpu
    assert sieve.passes(HASH)


def test_lost_traces_are_said_once() -> None:
    """Each process of a stage misses the same collector; not every line that speaks of traces is about ours."""
    sieve = Sieve(has_gpu=False)

    assert [sieve.passes(line) for line in (LOST, LOST, LOST)] == [True, False, False]
    assert sieve.passes('E1122 15:47:46.927010 11048 grpc_server.cc:1] "there are no traces: none"')
