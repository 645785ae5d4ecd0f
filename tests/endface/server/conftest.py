"""An HTTP server that answers as a test says."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

Answer = Callable[[str], tuple[int, bytes]]


@dataclass
class HttpServer:
    """A running HTTP server, and what it was asked."""

    port: int
    paths: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)


@pytest.fixture
def serve_http() -> Iterator[Callable[[Answer], HttpServer]]:
    """Answer HTTP requests by their paths."""
    servers: list[http.server.HTTPServer] = []

    def start(answer: Answer) -> HttpServer:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                running.paths.append(self.path)
                running.bodies.append(self.rfile.read(int(self.headers["Content-Length"] or 0)))
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
        running = HttpServer(server.server_port)
        return running

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
