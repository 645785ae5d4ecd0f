from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from endface.contract import is_probe
from endface.health.canary import Canary, CanaryAnswer, CanaryOutcome

Serve = Callable[[int, bytes], Canary]


class Heard(list[tuple[str, bytes, int]]):
    """Path, body and length of the JSON in it of each request."""


@pytest.fixture
def heard() -> Heard:
    """What the server was asked."""
    return Heard()


@pytest.fixture
def serve(heard: Heard) -> Iterator[Serve]:
    """CanaryAnswer every request with a status and a text; give a canary of that server."""
    servers: list[http.server.HTTPServer] = []

    def start(status: int, text: bytes) -> Canary:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                heard.append((self.path, body, int(self.headers["Inference-Header-Content-Length"])))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return Canary("127.0.0.1", server.server_port, b"a picture")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, CanaryAnswer(CanaryOutcome.REPORT)),
        (503, CanaryAnswer(CanaryOutcome.BUSY, "words")),
        (500, CanaryAnswer(CanaryOutcome.ERROR, "words")),
        (404, CanaryAnswer(CanaryOutcome.ERROR, "words")),
    ],
)
def test_status_decides(serve: Serve, status: int, answer: CanaryAnswer) -> None:
    """A full queue is no illness; anything else but a report is."""
    canary = serve(status, b"words")
    canary.ask()

    assert canary.answer(wait_s=60) == answer
    assert canary.answer() is None


def test_request_is_tritons(serve: Serve, heard: Heard) -> None:
    """The picture follows the JSON that describes it, with its length in front as Triton's BYTES have it."""
    canary = serve(200, b"")
    canary.ask()
    canary.answer(wait_s=60)
    (path, body, length) = heard[0]
    described = json.loads(body[:length])

    assert path == "/v2/models/endface/infer"
    assert body[length:] == b"\x09\x00\x00\x00a picture"
    assert described["inputs"][0]["parameters"]["binary_data_size"] == 13
    assert described["parameters"]["profile"] == "mm-pc"
    assert is_probe(described["parameters"])  # no part of the line


def test_one_at_a_time(serve: Serve, heard: Heard) -> None:
    """To ask again while an answer is to come sends nothing."""
    canary = serve(200, b"")
    canary.ask()
    canary.ask()
    canary.answer(wait_s=60)

    assert len(heard) == 1


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
