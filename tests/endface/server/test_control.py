from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable

import pytest

from endface.errors import RepositoryError, ServerStartError
from endface.server.control import Control
from tests.endface.conftest import Answer, HttpServer

Serve = Callable[[Answer], HttpServer]


def control(server: HttpServer) -> Control:
    """The control of a server."""
    return Control("127.0.0.1", server.port)


def _hang_up(server: socket.socket) -> None:
    server.accept()[0].close()


def index(state: str) -> bytes:
    """Triton's list of models, with the ensemble in a state."""
    return json.dumps([{"name": "segment", "state": "READY"}, {"name": "endface", "state": state}]).encode()


@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:9"])
@pytest.mark.parametrize(("status", "ready"), [(200, True), (400, False), (404, False)])
def test_readiness_is_the_ensembles(
    serve_http: Serve, monkeypatch: pytest.MonkeyPatch, proxy: str, status: int, *, ready: bool
) -> None:
    """Only the ensemble's own answer counts, and no proxy in the environment is asked for it."""
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    server = serve_http(lambda _: (status, b""))

    assert control(server).is_ready() is ready
    assert server.paths == ["/v2/models/endface/ready"]


def test_draining_waits_until_the_ensemble_is_unloaded(serve_http: Serve) -> None:
    """As long as requests are under way the ensemble is unloading."""
    states = iter(["UNLOADING", "UNLOADING", "UNAVAILABLE"])
    server = serve_http(lambda path: (200, index(next(states)) if path.endswith("index") else b""))

    control(server).drain(timeout_s=60)

    assert server.paths == ["/v2/repository/models/endface/unload", *["/v2/repository/index"] * 3]


@pytest.mark.parametrize(("body", "timeout_s"), [(index("UNLOADING"), 0.1), (b"", 60), (b"<html>", 60), (b"[]", 60)])
def test_draining_has_an_end(serve_http: Serve, body: bytes, timeout_s: float) -> None:
    """Neither a request that never ends, nor an answer that is none of Triton's, keeps the server."""
    control(serve_http(lambda _: (200, body))).drain(timeout_s)


def test_nobody_there(free_ports: Callable[[], dict[str, int]]) -> None:
    """A server that is not up is not ready and has nothing to drain."""
    absent = Control("127.0.0.1", free_ports()["http_port"])

    absent.drain(timeout_s=60)

    assert not absent.is_ready()


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


def test_load_asks_for_one_model(serve_http: Serve) -> None:
    """A model is loaded by its name; Triton takes the newest version itself."""
    server = serve_http(lambda _: (200, b""))

    control(server).load("segment")

    assert server.paths == ["/v2/repository/models/segment/load"]


def test_scaled_model_keeps_its_number_of_processes(serve_http: Serve) -> None:
    """It is loaded with its own configuration but for the number, and so is the next version."""
    config = json.dumps({"name": "segment", "instance_group": [{"kind": "KIND_CPU", "count": 2}]}).encode()
    server = serve_http(lambda path: (200, config if path.endswith("config") else b""))
    scaled = control(server)

    scaled.scale("segment", 8)
    scaled.load("segment")

    asked, loaded = "/v2/models/segment/config", "/v2/repository/models/segment/load"
    assert server.paths == [asked, loaded, asked, loaded]
    for body in server.bodies[1::2]:
        sent = json.loads(json.loads(body)["parameters"]["config"])
        assert sent == {"name": "segment", "instance_group": [{"kind": "KIND_CPU", "count": 8}]}


def test_queue_grows_with_the_processes(serve_http: Serve) -> None:
    """A bounded queue keeps its length for each process, so the last in it waits as long as before."""
    bounded = {"timeout_action": "REJECT", "max_queue_size": 64}
    config = {
        "instance_group": [{"kind": "KIND_CPU", "count": 2}],
        "dynamic_batching": {"preferred_batch_size": [1], "default_queue_policy": bounded},
    }
    server = serve_http(lambda path: (200, json.dumps(config).encode() if path.endswith("config") else b""))

    control(server).scale("preprocess", 8)

    sent = json.loads(json.loads(server.bodies[-1])["parameters"]["config"])
    assert sent["dynamic_batching"] == {
        "preferred_batch_size": [1],
        "default_queue_policy": {"timeout_action": "REJECT", "max_queue_size": 256},
    }


def test_refused_load_says_why(serve_http: Serve) -> None:
    """Triton's own reason is kept."""
    server = serve_http(lambda _: (400, b'{"error":"version 2 is at UNAVAILABLE state"}'))

    with pytest.raises(RepositoryError, match=r"cannot load 'segment'.*version 2 is at UNAVAILABLE state"):
        control(server).load("segment")


def test_load_without_an_answer() -> None:
    """A server that breaks off the connection has not loaded anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_hang_up, args=(server,)).start()

        with pytest.raises(ServerStartError, match="did not say"):
            Control("127.0.0.1", server.getsockname()[1]).load("segment")


def test_reload_marks_the_configuration(serve_http: Serve) -> None:
    """Triton ignores a load without a change, so each reload changes a mark, and nothing else, in what runs."""
    config = json.dumps({"name": "segment", "parameters": {"engine": {"string_value": "litert"}}}).encode()
    server = serve_http(lambda _: (200, config))
    control(server).reload("segment", timeout_s=60)
    control(server).reload("segment", timeout_s=60)

    configs = [json.loads(json.loads(body)["parameters"]["config"]) for body in server.bodies if body]
    assert [config["name"] for config in configs] == ["segment"] * 2
    assert configs[0]["parameters"]["engine"] == {"string_value": "litert"}
    assert configs[0] != configs[1]


def test_reload_of_an_unknown_model(serve_http: Serve) -> None:
    """Without a configuration there is nothing to reload."""
    with pytest.raises(ServerStartError, match="did not give the configuration of 'segment'"):
        control(serve_http(lambda _: (400, b""))).reload("segment", timeout_s=60)


COUNTS = [{"inference_stats": {"success": {"count": count}}} for count in (3, 4)]


@pytest.mark.parametrize(
    ("body", "successes"),
    [(json.dumps({"model_stats": COUNTS}).encode(), 7), (b"", None), (b"<html>", None), (b"{}", None)],
)
def test_successes_of_all_versions(serve_http: Serve, body: bytes, successes: int | None) -> None:
    """The ensemble's requests that ended well; an answer that is none of Triton's says nothing."""
    assert control(serve_http(lambda _: (200, body))).successes() == successes
