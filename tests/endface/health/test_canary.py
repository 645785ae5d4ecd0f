from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from endface.contract import is_probe
from endface.health.canary import Canary, CanaryAnswer, CanaryOutcome
from tests.endface.conftest import HttpServer

Serve = Callable[[Callable[[str], tuple[int, bytes]]], HttpServer]


def canary_of(server: HttpServer) -> Canary:
    """A canary of a server."""
    return Canary("127.0.0.1", server.port, b"a picture")


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, CanaryAnswer(CanaryOutcome.REPORT)),
        (503, CanaryAnswer(CanaryOutcome.BUSY, "words")),
        (500, CanaryAnswer(CanaryOutcome.ERROR, "words")),
        (404, CanaryAnswer(CanaryOutcome.ERROR, "words")),
    ],
)
def test_status_decides(serve_http: Serve, status: int, answer: CanaryAnswer) -> None:
    """A full queue is no illness; anything else but a report is."""
    canary = canary_of(serve_http(lambda _: (status, b"words")))
    canary.ask()

    assert canary.answer(wait_s=60) == answer
    assert canary.answer() is None


def test_request_is_tritons(serve_http: Serve) -> None:
    """The picture follows the JSON that describes it, with its length in front as Triton's BYTES have it."""
    server = serve_http(lambda _: (200, b""))
    canary = canary_of(server)
    canary.ask()
    canary.answer(wait_s=60)
    (body,), length = server.bodies, int(server.headers[0]["Inference-Header-Content-Length"])
    described = json.loads(body[:length])

    assert server.paths == ["/v2/models/endface/infer"]
    assert body[length:] == b"\x09\x00\x00\x00a picture"
    assert described["inputs"][0]["parameters"]["binary_data_size"] == 13
    assert described["parameters"]["profile"] == "mm-pc"
    assert is_probe(described["parameters"])  # no part of the line


def test_one_at_a_time(serve_http: Serve) -> None:
    """To ask again while an answer is to come sends nothing."""
    server = serve_http(lambda _: (200, b""))
    canary = canary_of(server)
    canary.ask()
    canary.ask()
    canary.answer(wait_s=60)

    assert len(server.paths) == 1


def test_nobody_there() -> None:
    """A refused connection is an answer, too."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    canary = Canary("127.0.0.1", port, b"a picture")
    canary.ask()

    assert canary.answer() == CanaryAnswer(CanaryOutcome.LOST)


def test_broken_off() -> None:
    """A server that dies while it is asked says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        canary = Canary("127.0.0.1", server.getsockname()[1], b"a picture")
        canary.ask()
        connection, _ = server.accept()
        connection.close()

        assert canary.answer(wait_s=60) == CanaryAnswer(CanaryOutcome.LOST)


def test_server_that_does_not_answer_keeps_nobody() -> None:
    """Looking for an answer returns at once; the request can be forgotten."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        canary = Canary("127.0.0.1", server.getsockname()[1], b"a picture")
        canary.ask()

        assert canary.answer() is None
        canary.close()
        assert canary.answer() is None
