"""A wrong port, told at once: what speaks HTTP takes no pictures."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from endface_client import TLS, Client, ServerUnavailable
from endface_client.testing import FakeServer

Connect = Callable[..., Client]
MakeTLS = Callable[..., TLS]

HTTP = b'{"error":"Not Found"}'
METRICS = b"# HELP nv_inference_count Number of inferences\n"


@contextmanager
def answering(page: bytes) -> Iterator[str]:
    """The address of a port that closes what is no HTTP 1 without a word, as Triton's do, and else gives a page."""

    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            if self.request.recv(4, socket.MSG_PEEK) == b"GET ":
                super().handle()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("shown", [None, "station"], ids=["in the clear", "encrypted"])
@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        (HTTP, "is an HTTP port; name the server's gRPC port, 8001 unless it was started with another"),
        (METRICS, "is a port for metrics; name the server's gRPC port, 8001 unless it was started with another"),
    ],
    ids=["HTTP", "metrics"],
)
def test_wrong_port_is_named_after_one_attempt(
    connect: Connect, tls: MakeTLS, shown: str | None, page: bytes, sentence: str
) -> None:
    """A port of HTTP stays one, however long the client would wait; nothing is said of certificates."""
    with answering(page) as address:
        client = connect(address, deadline_s=600, tls=shown and tls(shown))
        with pytest.raises(ServerUnavailable) as failed:
            client.inspect(b"a picture")

    assert str(failed.value) == f"{address} {sentence}"
    assert (failed.value.attempts, failed.value.transient) == (1, False)


def test_web_server_that_answers_what_is_no_http_is_named_too(connect: Connect) -> None:
    """Others than Triton say so in words, which gRPC reports as a frame."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server, ExitStack() as stack:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        with pytest.raises(ServerUnavailable, match="is an HTTP port"):
            connect(f"127.0.0.1:{server.server_port}", deadline_s=600).inspect(b"a picture")


def test_wrong_port_among_several_costs_no_picture(connect: Connect, fake_server: FakeServer) -> None:
    """The other server inspects; where there is none, the sentence names the port that is wrong."""
    with answering(HTTP) as wrong:
        connect(f"{wrong},{fake_server.address}").inspect(b"a picture")
        with pytest.raises(ServerUnavailable, match=f"^{wrong} is an HTTP port"):
            connect(f"{wrong},{wrong}", repeat=False).inspect(b"a picture")


def test_proxy_is_no_wrong_port(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy speaks HTTP, and what it says is about the server behind it."""
    with answering(HTTP) as proxy:
        monkeypatch.setenv("grpc_proxy", f"http://{proxy}")
        with pytest.raises(ServerUnavailable, match="check that an endface server runs there"):
            connect("line-3.invalid:8001", repeat=False).inspect(b"a picture")
