"""A collector of spans that listens as Jaeger does, for OTLP over HTTP, and decodes what comes by OTLP's own schema."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from tests.waiting import wait_until


@dataclass(frozen=True)
class Span:
    """A span as it came: ids in hex, times in nanoseconds of Unix time."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    attributes: dict[str, Any]
    events: tuple[tuple[str, dict[str, Any]], ...]


class Collector:
    """Listens on a free port of this machine.

    Attributes:
        spans: all that came.
        status: what is answered.
        endpoint: for OTEL_EXPORTER_OTLP_ENDPOINT.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_for(self, condition: Callable[[list[Span]], bool]) -> list[Span]:
        """The spans, once something holds."""
        wait_until(lambda: condition(list(self.spans)), message=self.spans)
        return list(self.spans)


def tree(spans: list[Span], parent: str = "", depth: int = 0) -> list[str]:
    """Names of spans below a parent, each indented below its own, in the order of their starts."""
    below = sorted((span for span in spans if span.parent == parent), key=lambda span: span.start_ns)
    return [line for span in below for line in ("  " * depth + span.name, *tree(spans, span.id, depth + 1))]


def _handler(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if collector.status == 200 and self.path == "/v1/traces":
                collector.spans += _spans(ExportTraceServiceRequest.FromString(body))
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing; the tests look at the spans."""

    return Handler


def _spans(request: ExportTraceServiceRequest) -> list[Span]:
    return [
        Span(
            service=_values(each.resource.attributes)["service.name"],
            trace=span.trace_id.hex(),
            id=span.span_id.hex(),
            parent=span.parent_span_id.hex(),
            name=span.name,
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            failed=span.status.code == trace_pb2.Status.STATUS_CODE_ERROR,
            attributes=_values(span.attributes),
            events=tuple((event.name, _values(event.attributes)) for event in span.events),
        )
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}
