from __future__ import annotations

import http.client
import http.server
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from endface.errors import RepositoryError, ServerStartError
from endface.server.control import Control

Answer = Callable[[str], tuple[int, bytes]]


@pytest.fixture
def bodies() -> list[bytes]:
    """What the requests contained."""
    return []


@pytest.fixture
def serve(bodies: list[bytes]) -> Iterator[Callable[[Answer], Control]]:
    """Answer HTTP requests as told, by their paths; give the control of that server."""
    servers: list[http.server.HTTPServer] = []

    def start(answer: Answer) -> Control:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bodies.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
                status, body = answer(self.path)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 - http.server's own spelling

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return Control("127.0.0.1", server.server_port)

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def index(state: str) -> bytes:
    """Triton's list of models, with the ensemble in a state."""
    return json.dumps([{"name": "segment", "state": "READY"}, {"name": "endface", "state": state}]).encode()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (400, False), (404, False)])
def test_readiness_is_the_ensembles(serve: Callable[[Answer], Control], status: int, *, ready: bool) -> None:
    """Only the ensemble's own answer counts."""
    paths: list[str] = []

    def answer(path: str) -> tuple[int, bytes]:
        paths.append(path)
        return status, b""

    assert serve(answer).is_ready() is ready
    assert paths == ["/v2/models/endface/ready"]


def test_draining_waits_until_the_ensemble_is_unloaded(serve: Callable[[Answer], Control]) -> None:
    """As long as requests are under way the ensemble is unloading."""
    states = iter(["UNLOADING", "UNLOADING", "UNAVAILABLE"])
    paths: list[str] = []

    def answer(path: str) -> tuple[int, bytes]:
        paths.append(path)
        return 200, index(next(states)) if path.endswith("index") else b""

    serve(answer).drain(timeout_s=60)

    assert paths == ["/v2/repository/models/endface/unload", *["/v2/repository/index"] * 3]


def test_draining_has_an_end(serve: Callable[[Answer], Control]) -> None:
    """A request that never ends does not keep the server."""
    serve(lambda _: (200, index("UNLOADING"))).drain(timeout_s=0.1)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]"])
def test_draining_what_is_no_triton_does_nothing(serve: Callable[[Answer], Control], body: bytes) -> None:
    """An answer that nobody understands does not keep the server from being stopped."""
    serve(lambda _: (200, body)).drain(timeout_s=60)


def test_nobody_there(free_ports: Callable[[], dict[str, int]]) -> None:
    """A server that is not up is not ready and has nothing to drain."""
    control = Control("127.0.0.1", free_ports()["http_port"])

    control.drain(timeout_s=60)

    assert not control.is_ready()


def test_every_server_has_a_key_of_its_own() -> None:
    """Clients of the same port cannot unload a model, and one server's key does not open another."""
    first, second = Control("127.0.0.1", 8000).flags, Control("127.0.0.1", 8000).flags

    assert first != second
    assert sum("restricted" in flag for flag in first) == 2


def test_named_key_is_the_key() -> None:
    """An administrator's own secret opens the server, on both ways."""
    flags = Control("127.0.0.1", 8000, "a-secret").flags

    assert [flag.endswith(":endface-control=a-secret") for flag in flags if "restricted" in flag] == [True, True]


@pytest.mark.parametrize("is_exposed", [False, True])
def test_what_is_locked(*, is_exposed: bool) -> None:
    """Programs on the machine may share memory with a server that no other machine reaches; all else is ours."""
    always = {"model-repository", "trace", "logging"}
    flags = dict(flag[2:].split("=", 1) for flag in Control("127.0.0.1", 8000, is_exposed=is_exposed).flags)
    locked = {name: set(flags[name].split(":")[0].split(",")) for name in flags if "restricted" in name}

    assert locked["http-restricted-api"] == always | {"shared-memory", "statistics"}
    assert locked["grpc-restricted-protocol"] == (locked["http-restricted-api"] if is_exposed else always)


def test_load_asks_for_one_model(serve: Callable[[Answer], Control]) -> None:
    """A model is loaded by its name; Triton takes the newest version itself."""
    paths: list[str] = []

    def answer(path: str) -> tuple[int, bytes]:
        paths.append(path)
        return 200, b""

    serve(answer).load("segment")

    assert paths == ["/v2/repository/models/segment/load"]


def test_refused_load_says_why(serve: Callable[[Answer], Control]) -> None:
    """Triton's own reason is kept."""
    control = serve(lambda _: (400, b'{"error":"version 2 is at UNAVAILABLE state"}'))

    with pytest.raises(RepositoryError, match=r"cannot load 'segment'.*version 2 is at UNAVAILABLE state"):
        control.load("segment")


def test_reload_marks_the_configuration(serve: Callable[[Answer], Control], bodies: list[bytes]) -> None:
    """Triton ignores a load without a change, so each reload changes a mark, and nothing else, in what runs."""
    config = json.dumps({"name": "segment", "parameters": {"engine": {"string_value": "litert"}}}).encode()
    control = serve(lambda _: (200, config))
    control.reload("segment", timeout_s=60)
    control.reload("segment", timeout_s=60)

    configs = [json.loads(json.loads(body)["parameters"]["config"]) for body in bodies if body]
    assert [config["name"] for config in configs] == ["segment"] * 2
    assert configs[0]["parameters"]["engine"] == {"string_value": "litert"}
    assert configs[0] != configs[1]


def test_reload_of_what_nobody_knows(serve: Callable[[Answer], Control]) -> None:
    """Without a configuration there is nothing to reload."""
    with pytest.raises(ServerStartError, match="did not give the configuration of 'segment'"):
        serve(lambda _: (400, b"")).reload("segment", timeout_s=60)


def test_successes_of_all_versions(serve: Callable[[Answer], Control]) -> None:
    """The ensemble's requests that ended well."""
    versions = [{"inference_stats": {"success": {"count": count}}} for count in (3, 4)]

    assert serve(lambda _: (200, json.dumps({"model_stats": versions}).encode())).successes() == 7


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}"])
def test_unknown_successes(serve: Callable[[Answer], Control], body: bytes) -> None:
    """An answer that nobody understands says nothing."""
    assert serve(lambda _: (400, body)).successes() is None


def test_load_without_an_answer(serve: Callable[[Answer], Control], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that breaks off the conversation has not loaded anything."""
    control = serve(lambda _: (200, b""))
    monkeypatch.setattr(Control, "_call", lambda *_: (_ for _ in ()).throw(http.client.RemoteDisconnected()))

    with pytest.raises(ServerStartError, match="did not say"):
        control.load("segment")
