from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from endface import embedded
from endface.embedded import EmbeddedServer
from endface.errors import ServerMissingError, ServerStartError
from endface.triton_settings import Settings

FAKE_TRITON = """#!{python}
import http.server, json, os, signal, subprocess, sys
flags = dict(flag[2:].split("=", 1) for flag in sys.argv[1:] if "=" in flag)
print("flags", json.dumps(flags), flush=True)
print("environment", os.environ.get("ENDFACE_PROFILE"), os.environ.get("ENDFACE_ENGINE"), flush=True)
{behaviour}
states = ["READY"]
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/die":
            os._exit(3)
        self.send_response(200 if self.path == "/v2/models/endface/ready" else 404)
        self.end_headers()
    def do_POST(self):
        path = self.path.removeprefix("/v2/repository/")
        print("asked", path, self.headers["endface-control"], flush=True)
        self.send_response(200)
        self.end_headers()
        states.append({{"models/endface/unload": "UNLOADING"}}.get(path, "UNAVAILABLE"))
        self.wfile.write(json.dumps([{{"name": "endface", "state": states[-2]}}]).encode())
    def log_message(self, *_):
        pass
stub = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print("stub", stub.pid, flush=True)
def leave(*_):
    print("leaving", flush=True)
    stub.kill()
    sys.exit(0)
signal.signal(signal.SIGTERM, {on_sigterm})
http.server.HTTPServer(("127.0.0.1", int(flags["http-port"])), Ready).serve_forever()
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a tritonserver on PATH that behaves as told: ready at once, with one stub process."""

    def fake(behaviour: str = "", on_sigterm: str = "leave") -> None:
        server = tmp_path / "bin" / "tritonserver"
        server.parent.mkdir()
        server.write_text(FAKE_TRITON.format(python=sys.executable, behaviour=behaviour, on_sigterm=on_sigterm))
        server.chmod(0o755)
        monkeypatch.setenv("PATH", str(server.parent))

    return fake


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def logged(server: EmbeddedServer, word: str) -> str:
    """The rest of the log's line that starts with a word."""
    return next(line.partition(" ")[2] for line in server.log if line.startswith(word))


def test_starts_and_leaves_nothing_behind(settings: Settings, install: Install) -> None:
    """On the way out of the block the server and its stub are gone."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        stub = int(logged(server, "stub"))
        assert server.is_ready()
        assert alive(stub)

    assert not server.is_ready()
    assert not alive(stub)


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
    assert {f"model-repository:endface-control={word[2]}" for word in words[:-1]} == {flags["http-restricted-api"]}
    assert flags["grpc-restricted-protocol"] == flags["http-restricted-api"]


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


def test_kills_a_server_that_does_not_drain(
    settings: Settings, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ignores SIGTERM is killed after a grace period, its stub with it."""
    install(on_sigterm="signal.SIG_IGN")
    monkeypatch.setattr(embedded, "_KILL_AFTER_S", 0.2)
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        stub = int(logged(server, "stub"))

    assert not alive(stub)


def test_death_of_a_stub_is_noticed(settings: Settings, install: Install) -> None:
    """A stub that died is never restarted by Triton, so watching ends with a sentence."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        os.kill(int(logged(server, "stub")), 9)

        with pytest.raises(ServerStartError, match="1 of Triton's model processes died"):
            server.watch()


def test_new_version_is_loaded_once(settings: Settings, install: Install) -> None:
    """A version of the network that comes into the repository while the server runs is loaded with the server's key."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        stub = int(logged(server, "stub"))
        (settings.repository / "segment" / "2").mkdir()

        def end_on_load(line: str) -> None:
            if line.startswith("asked models/segment/load"):
                os.kill(stub, 9)

        with pytest.raises(ServerStartError, match="1 of Triton's model processes died"):
            server.watch(end_on_load)
        asked = [line for line in server.log if line.startswith("asked")]
        key = json.loads(logged(server, "flags"))["http-restricted-api"].rpartition("=")[2]

    assert asked == [f"asked models/segment/load {key}"]


def test_repository_without_versions_ends_nothing(settings: Settings, install: Install) -> None:
    """What is loaded goes on serving where somebody takes all versions away."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        (settings.repository / "segment" / "1").rmdir()
        os.kill(int(logged(server, "stub")), 9)

        with pytest.raises(ServerStartError, match="model processes died"):
            server.watch()


def test_end_of_the_server_is_noticed(settings: Settings, install: Install) -> None:
    """A server that ends by itself ends the watching."""
    install()
    with EmbeddedServer(settings) as server:
        server.wait_ready()
        with socket.create_connection(("127.0.0.1", settings.http_port)) as connection:
            connection.sendall(b"GET /die HTTP/1.0\r\n\r\n")

        with pytest.raises(ServerStartError, match="exit status 3"):
            server.watch()


def test_failed_start_says_why(settings: Settings, install: Install) -> None:
    """The reason comes out of the server's own log."""
    install(behaviour="sys.exit('error: failed to load all models')")
    with EmbeddedServer(settings) as server, pytest.raises(ServerStartError, match="failed to load all models"):
        server.wait_ready()


def test_slow_start_is_given_up(settings: Settings, install: Install) -> None:
    """Waiting has an end, and the server is then stopped."""
    install(behaviour="signal.pause()")
    with EmbeddedServer(settings) as server, pytest.raises(ServerStartError, match="not ready within"):
        server.wait_ready(timeout_s=0.3)


def test_stop_is_harmless_when_not_running(settings: Settings) -> None:
    """Stopping twice, or without a start, does nothing."""
    server = EmbeddedServer(settings)
    server.stop()
    server.stop()

    assert server.log == []
