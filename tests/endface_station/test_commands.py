"""``endface station`` and ``endface watch`` as they are started."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import httpx
import pytest
from typer.testing import CliRunner

from endface.review.cases import Cases
from endface_client.__main__ import app
from endface_client.testing import Failure, FakeServer
from endface_station.commands import register
from endface_station.settings import PageOptions
from endface_station.texts import ENGLISH
from tests.endface_station.conftest import by_name, entries_of, picture
from tests.servers import free_ports
from tests.waiting import WITHIN_S, wait_until

Start = Callable[..., subprocess.Popen[str]]

COMMAND = "import endface_commands; endface_commands.endface()"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the command in a folder of its own: ``start("watch", "in")``."""
    with ExitStack() as stack:

        def started(*arguments: str | Path, **env: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-c", COMMAND, *map(str, arguments)],
                cwd=tmp_path,
                env=os.environ | env,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield started


def station(start: Start, server: str, *options: str) -> tuple[subprocess.Popen[str], str]:
    """A station that shows its page, and the page's address."""
    port = free_ports()["http_port"]
    process = start("station", "--server", server, "--profile", "mm-pc", "--port", str(port), *options)
    assert process.stdout
    line = process.stdout.readline()
    assert f"http://127.0.0.1:{port}/" in line, process.stderr and process.stderr.read()
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: answers(url))
    return process, url


def answers(url: str) -> bool:
    """Whether the page is there."""
    try:
        return httpx.get(f"{url}/state").status_code == 200
    except httpx.TransportError:
        return False


def test_killed_station_loses_no_picture(start: Start, tmp_path: Path) -> None:
    """SIGKILL while the server is away: the next start inspects what waits, in its order, each once."""
    with FakeServer(by_name) as server:
        address = server.address
    process, url = station(start, address)
    for number in range(8):
        query = {"serial": f"A{number}", "name": f"{number}.png"}
        assert httpx.post(f"{url}/pictures", params=query, content=picture(number)).status_code == 202
    process.send_signal(signal.SIGKILL)
    process.wait()
    with FakeServer(by_name, address=address):
        _, url = station(start, address)
        wait_until(lambda: httpx.get(f"{url}/state").json()["waiting"] == 0)
        httpx.post(f"{url}/pictures", params={"serial": "A8"}, content=picture(8))
        wait_until(lambda: len(entries_of(tmp_path / "station" / "record")) == 9)

    found = [entry.values["serial"] for entry in entries_of(tmp_path / "station" / "record")]
    assert found == [f"A{number}" for number in range(9)]


def test_killed_station_keeps_the_serial_number_that_was_scanned(start: Start, fake_server: FakeServer) -> None:
    """Without a picture; the next start goes on with it."""
    process, url = station(start, fake_server.address, "--fibers", "12")
    assert httpx.post(f"{url}/begin", data={"serial": "A1"}).status_code == 204
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, url = station(start, fake_server.address, "--fibers", "12")
    assert httpx.get(f"{url}/state").json()["serial"] == "A1"


def test_station_asks_for_the_scan_first(start: Start, fake_server: FakeServer) -> None:
    """Of connectors, and of all parts where it is told so."""
    for number, options in enumerate((("--fibers", "2"), ("--scan-first",))):
        _, url = station(start, fake_server.address, "--data", str(number), *options)
        assert httpx.post(f"{url}/pictures", content=picture(1)).status_code == 422


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_the_station_though_a_page_is_open(
    start: Start, fake_server: FakeServer, number: signal.Signals
) -> None:
    """Without a traceback, with the shells' exit code."""
    process, url = station(start, fake_server.address)
    with httpx.stream("GET", f"{url}/events") as events:
        next(events.iter_lines())
        process.send_signal(number)
        _, stderr = process.communicate(timeout=WITHIN_S)

    assert (process.returncode, stderr) == (128 + number, "")


def test_watch_inspects_a_folder_without_a_page(start: Start, fake_server: FakeServer, tmp_path: Path) -> None:
    """One line for each picture, and an entry in the record."""
    (tmp_path / "in").mkdir()
    options = ("--server", fake_server.address, "--profile", "mm-pc", "--serial-from-name", r"(\w+)_")
    process = start("watch", "in", *options)
    assert process.stdout
    assert "watching in" in process.stdout.readline()
    for at, name in enumerate(("A1_clean.png", "A2_fail.png")):
        (tmp_path / name).write_bytes(picture(at))
        (tmp_path / name).rename(tmp_path / "in" / name)
    lines = [process.stdout.readline() for _ in range(2)]
    process.terminate()
    _, stderr = process.communicate(timeout=WITHIN_S)

    assert lines == [
        "pass A1 A1_clean.png\n",
        "fail A2 A2_fail.png: zone B: scratch 2 is 5.0 um wide, limit 3 um (mm-pc)\n",
    ]
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in stderr
    assert [entry.word for entry in entries_of(tmp_path / "station" / "record")] == ["pass", "fail"]
    assert len(list((tmp_path / "in" / "done").iterdir())) == 2


def test_station_and_watch_keep_cases(start: Start, fake_server: FakeServer, tmp_path: Path) -> None:
    """As ``endface inspect --review`` does; with ``--review-all`` clear passes too."""
    (tmp_path / "in").mkdir()
    cases = tmp_path / "cases"
    process, url = station(start, fake_server.address, "--review", "cases", "--watch", "in", "--data", "one")
    for at, name in enumerate(("clean.png", "fail.png")):
        httpx.post(f"{url}/pictures", params={"name": name}, content=picture(at))
    wait_until(lambda: ">Review <b>1</b>" in httpx.get(url).text)
    assert httpx.get(f"{url}/review/").status_code == 200
    process.terminate()
    process.communicate(timeout=WITHIN_S)
    kept = len(Cases(cases))
    options = ("--server", fake_server.address, "--profile", "mm-pc", "--review", "cases", "--review-all")
    watching = start("watch", "in", *options)
    (tmp_path / "clean.png").write_bytes(picture(7))
    (tmp_path / "clean.png").rename(tmp_path / "in" / "clean.png")
    wait_until(lambda: len(Cases(cases)) == 2)
    watching.terminate()
    _, stderr = watching.communicate(timeout=WITHIN_S)

    assert kept == 1
    assert "Traceback" not in stderr


@pytest.mark.parametrize("option", [("--review-all",), ("--shadow", "model.onnx")])
def test_option_about_cases_needs_their_folder(refused: Callable[..., str], option: tuple[str, ...]) -> None:
    """For both commands."""
    assert "this needs --review" in refused("station", *option)
    assert "this needs --review" in refused("watch", ".", *option)


def test_candidate_that_is_none_is_a_sentence(refused: Callable[..., str], tmp_path: Path) -> None:
    """Before the first picture."""
    (tmp_path / "model.onnx").write_text("no network")
    assert "network's manifest" in refused("station", "--review", "cases", "--shadow", "model.onnx")


@pytest.fixture
def refused(tmp_path: Path, fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command line that is refused, in this process; give what it says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ENDFACE_SERVER", fake_server.address)
    if not any(command.name == "watch" or command.callback.__name__ == "watch" for command in app.registered_commands):
        register(app)

    def ran(*arguments: str | Path) -> str:
        done = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert done.exit_code == 2, done.output
        return done.stderr

    return ran


def test_page_for_other_machines_needs_a_certificate(refused: Callable[..., str], certificates: Path) -> None:
    """Pictures and secrets never travel in clear."""
    assert "give --page-certificate and --page-key" in refused("station", "--host", "0.0.0.0")
    one = ("--page-certificate", certificates / "server.pem")
    assert "go together" in refused("station", "--host", "0.0.0.0", *one)
    strange = ("--page-certificate", certificates / "server.pem", "--page-key", certificates / "stranger.key")
    assert "server.pem" in refused("station", *strange)


def test_secret_needs_a_certificate(refused: Callable[..., str], tmp_path: Path) -> None:
    """On this machine as well: the browser keeps its cookie for encrypted pages."""
    (tmp_path / "secret").write_text("a secret of sixteen letters")
    assert "travels encrypted only" in refused("station", "--secret-file", "secret")


def test_secret_that_can_be_guessed_is_refused(refused: Callable[..., str], certificates: Path, tmp_path: Path) -> None:
    """A word is too short."""
    (tmp_path / "secret").write_text("fiber")
    both = ("--page-certificate", certificates / "server.pem", "--page-key", certificates / "server.key")
    assert "at least 16 are needed" in refused("station", "--host", "0.0.0.0", *both, "--secret-file", "secret")


def test_port_that_is_taken_is_a_sentence(refused: Callable[..., str]) -> None:
    """It names another way."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert re.search(rf"127\.0\.0\.1:{port}: .*name another --port", refused("station", "--port", str(port)))


def test_folder_that_is_none_is_a_sentence(refused: Callable[..., str]) -> None:
    """For both commands."""
    assert "nowhere is no folder" in refused("watch", "nowhere")
    assert "nowhere is no folder" in refused("station", "--watch", "nowhere")


def test_texts_are_checked_at_the_start(refused: Callable[..., str], tmp_path: Path) -> None:
    """Before the first operator reads them."""
    text = ENGLISH.read_text(encoding="utf-8").replace('language = "en"\n', "")
    (tmp_path / "de.toml").write_text(text, encoding="utf-8")
    assert "has no text for language" in refused("station", "--texts", "de.toml")


@pytest.mark.parametrize(("command", "missing"), [("station", "uvicorn"), ("watch", "watchdog")])
def test_missing_extra_is_named_with_its_command(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, command: str, missing: str
) -> None:
    """Whoever has installed the client alone reads what to install."""
    for name in [
        name
        for name in sys.modules
        if name.startswith(("endface_station.running", "endface_station.intake", "endface_station.web"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setitem(sys.modules, f"{missing}.events", None)
    said = refused(command, *(["."] if command == "watch" else []))
    assert re.search(rf"endface {command} needs {missing}.*: pip install 'endface\[station\]'", said)


def test_commands_that_need_no_station_import_none() -> None:
    """``endface --version`` is as quick as before."""
    program = (
        "import sys; sys.argv = ['endface', '--version']; import endface_commands\n"
        "try: endface_commands.endface()\n"
        "except SystemExit: print(sorted({'starlette', 'uvicorn', 'watchdog'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize(
    ("host", "names", "addresses"),
    [
        ("127.0.0.1", (), ["http://127.0.0.1:8080/"]),
        ("::1", ("line-3.example",), ["http://[::1]:8080/"]),
        ("0.0.0.0", ("line-3.example", "line-3"), ["http://line-3.example:8080/", "http://line-3:8080/"]),
        ("::", (), ["http://localhost:8080/"]),
    ],
)
def test_address_that_is_printed_can_be_opened(host: str, names: tuple[str, ...], addresses: list[str]) -> None:
    """Where the page listens on every address, it is opened by its host names."""
    page = PageOptions(host=host, host_name=list(names))
    assert list(page.addresses) == addresses


def test_settings_that_the_server_refuses_are_said_on_the_terminal(start: Start, fake_server: FakeServer) -> None:
    """Before any picture, and not on the page alone."""
    fake_server.answer = Failure(grpc.StatusCode.INVALID_ARGUMENT, "unknown_profile: no such thing")
    process, url = station(start, fake_server.address)
    wait_until(lambda: httpx.get(f"{url}/state").json()["server"] == "refusing")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=WITHIN_S)
    assert "server refusing: no such thing" in stderr
