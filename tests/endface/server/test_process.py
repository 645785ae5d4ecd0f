from __future__ import annotations

import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from endface.errors import ConfigurationError, ServerMissingError, ServerStartError
from endface.server import process
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings

from .conftest import runs

Install = Callable[..., None]


def logged(server: EmbeddedServer, word: str) -> str:
    """The rest of the log's first line that starts so."""
    return next(line.removeprefix(word).strip() for line in server.log if line.startswith(word))


def test_starts_and_leaves_nothing_behind(settings: Settings, install: Install) -> None:
    """On the way out of the block the server and its stub are gone."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        stub = int(logged(server, "stub segment"))
        assert server.is_ready()
        assert runs(stub)

    assert not server.is_ready()
    assert not runs(stub)


def test_lets_requests_finish_before_the_end(settings: Settings, install: Install) -> None:
    """The ensemble is unloaded with the server's own key, and only when that is done the server is told to leave."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
    flags = json.loads(logged(server, "flags"))

    words = [line.split() for line in server.log if line.startswith(("asked", "leaving"))]
    assert [word[:2] for word in words] == [
        ["asked", "models/endface/unload"],
        ["asked", "index"],  # still unloading
        ["asked", "index"],
        ["leaving"],
    ]
    locks = {flags[name].partition(":")[2] for name in ("http-restricted-api", "grpc-restricted-protocol")}
    assert {f"endface-control={word[2]}" for word in words[:-1]} == locks


def test_descriptors_are_raised(settings: Settings, install: Install) -> None:
    """Each connection takes one, and systemd's default of 1024 is only what a process begins with."""
    install("import resource\nsay('limit', resource.getrlimit(resource.RLIMIT_NOFILE)[0])")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    try:
        with EmbeddedServer(settings) as server:
            server.wait_ready()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert int(logged(server, "limit")) == (min(hard, 65536) if hard >= 0 else 65536)


@pytest.mark.parametrize(
    ("limit", "sentence"),
    [
        (300, "a process may have 300 file descriptors here, Triton needs 512"),
        (1024, "only some 512 clients can be connected at a time"),
    ],
)
def test_too_few_descriptors_are_named(settings: Settings, install: Install, limit: int, sentence: str) -> None:
    """Triton would call its ports taken, which they are not, or fill the log when stations come."""
    install("sys.exit('error: enough')")
    start = f"""
from pathlib import Path
from endface.errors import ServerStartError
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
server = EmbeddedServer(Settings(Path({str(settings.repository)!r}), "127.0.0.1", *{tuple(settings.ports.values())}))
server.listen(print)
try:
    server.start()
    server.stop()
except ServerStartError as exc:
    print(exc)
"""
    limited = ["/bin/sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", sys.executable, "-c", start]

    assert subprocess.run(limited, capture_output=True, text=True, check=True).stdout.startswith(sentence)


def test_passes_settings_on(settings: Settings, install: Install) -> None:
    """Ports, host and the default profile reach the server; what is not set here is not inherited."""
    install()
    with EmbeddedServer(replace(settings, profile="sm-apc")) as server:
        server.wait_ready()
        flags = json.loads(logged(server, "flags"))

    assert flags["model-repository"] == str(settings.repository)
    assert flags["http-address"] == flags["grpc-address"] == flags["metrics-address"] == "127.0.0.1"
    assert flags["grpc-port"] == str(settings.grpc_port)
    assert "model-config-name" not in flags
    assert logged(server, "environment") == "sm-apc onnxruntime"


def test_engine_without_its_backend_starts_nothing(settings: Settings, install: Install) -> None:
    """What Triton would say in a riddle is said before it is started."""
    install()
    configs = settings.repository / "segment" / "configs"
    configs.mkdir()
    (configs / "onnxruntime_native.pbtxt").touch()
    server = EmbeddedServer(replace(settings, engine="onnxruntime_native"))

    with pytest.raises(ServerMissingError, match=r"onnxruntime_native needs Triton's own backend 'onnxruntime'"):
        server.start()
    assert server.log == []


def test_network_of_an_older_contract_starts_nothing(
    settings: Settings, install: Install, write_network: Callable[..., Path]
) -> None:
    """Whatever the engine, a network whose outputs would be misread is refused before Triton is started."""
    install()
    version = settings.repository / "segment" / "1"
    version.rmdir()
    write_network(version.parent, properties={"contract": "endface.segment/1"})
    server = EmbeddedServer(settings)

    with pytest.raises(ConfigurationError, match=rf"endface\.segment/1, .* `endface-build convert {version}`"):
        server.start()
    assert server.log == []


def test_kills_a_server_that_does_not_drain(
    settings: Settings, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ignores SIGTERM is killed after a grace period, its stub with it."""
    install("ON_SIGTERM[0] = signal.SIG_IGN")
    monkeypatch.setattr(process, "_KILL_AFTER_S", 0.2)
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        stub = int(logged(server, "stub segment"))

    assert not runs(stub)


def test_own_end_of_the_server_is_noticed(settings: Settings, install: Install) -> None:
    """A server that ended by itself leaves no stub either, and says with which status it ended."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        stub = int(logged(server, "stub segment"))
        with socket.create_connection(("127.0.0.1", settings.http_port)) as connection:
            connection.sendall(b"GET /die HTTP/1.0\r\n\r\n")
            connection.recv(1)
        while not server.has_ended():
            time.sleep(0.01)

        assert "exit status 3" in str(server.failure())
        assert not runs(stub)


def test_killed_server_can_be_started_again(settings: Settings, install: Install) -> None:
    """Killing leaves nothing, and the same object serves again on the same ports with a log of its own."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        first = int(logged(server, "stub segment"))
        server.kill()
        assert not runs(first)
        server.start()
        server.wait_ready()

        assert int(logged(server, "stub segment")) != first
        assert len([line for line in server.log if line.startswith("stub")]) == 1


def test_no_line_of_the_log_is_lost(settings: Settings, install: Install) -> None:
    """Whoever listens gets each line, those before included: a station may be faster than the command that listens."""
    install()
    heard: list[str] = []
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        server.listen(heard.append)

    assert heard == server.log
    assert [line.split()[0] for line in heard] == ["flags", "environment", "stub", "asked", "asked", "asked", "leaving"]


def test_failed_start_says_why(settings: Settings, install: Install) -> None:
    """The reason comes out of the server's own log."""
    install("sys.exit('error: failed to load all models')")
    with EmbeddedServer(settings) as server, pytest.raises(ServerStartError, match="failed to load all models"):
        server.wait_ready()


def test_aborted_start_is_repeated(settings: Settings, install: Install, tmp_path: Path) -> None:
    """Triton aborts now and then on a busy machine, and nobody needs to know; four times in a row are no chance."""
    rest = tmp_path / "rest"
    install(
        f"rest = Path({str(rest)!r})\nif rest.read_text():\n    rest.write_text(rest.read_text()[1:])\n    os.abort()"
    )
    rest.write_text("xxx")
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        assert server.is_ready()

    rest.write_text("xxxx")
    with EmbeddedServer(settings) as server, pytest.raises(ServerStartError, match="exit status -6"):
        server.wait_ready()


def test_stub_that_ends_while_it_is_started_is_told(
    settings: Settings, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Triton would wait for it for two minutes without a word; its own last words are the reason."""
    monkeypatch.setattr(process, "_DEAD_STUB_S", 0.2)
    install(
        "stub = Path(sys.argv[0]).parent / 'triton_python_backend_stub'\n"
        "stub.write_text('#!/bin/sh\\necho Fatal Python error: no codec >&2\\nexit 1')\n"
        "stub.chmod(0o755)\n"
        "waiting = subprocess.Popen([stub])\n"
        "signal.pause()"
    )
    with EmbeddedServer(settings) as server, pytest.raises(ServerStartError, match="message: Fatal Python error"):
        server.wait_ready()


def test_slow_start_is_given_up(settings: Settings, install: Install) -> None:
    """Waiting has an end, and the server is then stopped."""
    install("signal.pause()")
    with EmbeddedServer(settings) as server, pytest.raises(ServerStartError, match="not ready within"):
        server.wait_ready(timeout_s=0.3)


def test_kill_that_is_broken_off_is_finished_by_the_stop(
    settings: Settings, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signal that comes in the middle of a repair ends the command, which must leave nothing."""
    install()
    server = EmbeddedServer(settings)
    server.start()
    server.wait_ready()
    processes, workspace = server.processes, server.running.workspace
    kill = processes.kill

    def break_off() -> None:
        monkeypatch.setattr(processes, "kill", kill)
        raise SystemExit

    monkeypatch.setattr(processes, "kill", break_off)
    with pytest.raises(SystemExit):
        server.kill()
    server.stop()

    assert processes.members() == set()
    assert not workspace.path.exists()


def test_stop_is_harmless_when_not_running(settings: Settings) -> None:
    """Stopping twice, or without a start, does nothing."""
    server = EmbeddedServer(settings)
    server.stop()
    server.stop()

    assert server.log == []
