"""Traces: where the time of one picture went, from the client through every stage, if OpenTelemetry is asked for.

The context travels as W3C's ``traceparent`` header, which Triton hands to every stage among the request's parameters.
A stage's span lies below the client's attempt and says what the log would say; a request without that header leaves no
span.  Triton's own trace mode is not used: 2.51 lost one trace in eight here, as if it read the header beyond its end.

Traces are asked for by OpenTelemetry's own variables, of which OTEL_EXPORTER_OTLP_ENDPOINT is the first.  Its packages
are imported only then, and may be missing: whatever goes wrong with a trace is logged once and harms no picture.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from endface import __version__

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer

    from endface.telemetry.otlp_export import Provider

SERVICE: Final = "endface"
"""The server's name in traces, that of its stages included, where OTEL_SERVICE_NAME gives no other."""

HEADERS: Final = ("traceparent", "tracestate")
"""Of W3C's trace context; over HTTP they may come in capitals."""

_LOG: Final = logging.getLogger(__name__)


def endpoint() -> str:
    """Where spans are sent, as OTLP over HTTP; empty: nobody asks for traces."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if off or "otlp" not in (os.environ.get("OTEL_TRACES_EXPORTER") or "otlp"):
        return ""
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").rstrip("/")
    return os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or (base and f"{base}/v1/traces")


def flags() -> list[str]:
    """Triton's own flags that hand the context to the stages; none where nobody asks for traces."""
    pattern = f"^({'|'.join(HEADERS)})$"
    return [f"--{service}-header-forward-pattern={pattern}" for service in ("grpc", "http")] if endpoint() else []


def tracer(service: str) -> Tracer | None:
    """The tracer that makes spans: the program's own where it has one, else ours if the environment asks for it.

    Args:
        service: what ours calls this process.

    Returns:
        None where nobody asks for traces, or OpenTelemetry is not installed.
    """
    api: Any = sys.modules.get("opentelemetry.trace")  # a program that traces by itself has imported it
    if api is not None and not isinstance(api.get_tracer_provider(), api.ProxyTracerProvider):
        own: Tracer = api.get_tracer(SERVICE, __version__)
        return own
    provider = _provider(service)
    return provider.get_tracer(SERVICE, __version__) if provider else None


@cache
def _provider(service: str) -> Provider | None:
    """The provider of this process; made with its first stage or client, kept to the end."""
    url = endpoint()
    if not url:
        return None
    try:
        from endface.telemetry import otlp_export

        return otlp_export.Provider(url, service)
    except ImportError as exc:
        _LOG.warning("no traces: %s; `pip install '.[trace]'` in endface's checkout, or unset OTEL_*", exc)
    except ValueError as exc:  # OpenTelemetry does not take a variable of its own
        _LOG.warning("no traces: %s; correct OTEL_*", exc)
    return None


def describe(span: Span | None, entries: Sequence[Mapping[str, Any]]) -> None:
    """Put the log's entries into a span: one as attributes, several as an event each.

    The names are the log's, after ``endface.``; the durations are the spans' own.
    """
    if span is None:
        return
    described = [{f"{SERVICE}.{key}": entry[key] for key in entry if _fits(key, entry[key])} for entry in entries]
    if len(described) == 1:
        span.set_attributes(described[0])
        return
    for each in described:
        span.add_event(f"{SERVICE}.inspection", each)


def _fits(key: str, value: Any) -> bool:
    return key != "event" and isinstance(value, str | int | float)  # neither timings_ms nor a code that is null


def mark_failed(span: Span | None, code: str) -> None:
    """Mark what a span shows as failed."""
    if span is None:
        return
    from opentelemetry.trace import StatusCode

    span.set_attribute(f"{SERVICE}.code", code)
    span.set_status(StatusCode.ERROR, code)


def _context(parameters: Mapping[str, Any]) -> Context | None:
    """The context that came with a request; None if none did, or one that is none."""
    headers = {key.lower(): str(value) for key, value in parameters.items() if key.lower() in HEADERS}
    if HEADERS[0] not in headers:
        return None
    from opentelemetry.context import Context
    from opentelemetry.trace import get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = TraceContextTextMapPropagator().extract(headers, Context())
    return context if get_current_span(context).get_span_context().is_valid else None


class Stage:
    """The spans of one process of a stage.

    Args:
        name: the stage.
    """

    def __init__(self, name: str) -> None:
        self._name = f"{SERVICE}.{name}"
        self._tracer = tracer(SERVICE)

    @contextlib.contextmanager
    def request(self, parameters: Mapping[str, Any], request_id: Callable[[], str]) -> Iterator[Span | None]:
        """The span of one of Triton's requests, where it is traced; ends with the block.

        Args:
            parameters: all of the request's, the context of its trace included.
            request_id: gives Triton's id of it.
        """
        context = _context(parameters) if self._tracer else None
        if self._tracer is None or context is None:
            yield None
            return
        span = self._tracer.start_span(self._name, context, attributes={"endface.request_id": request_id()})
        try:
            yield span
        finally:
            span.end()

    def close(self) -> None:
        """Send what was not sent yet; waits a few seconds at most."""
        provider = _provider(SERVICE)
        if provider:
            provider.close()
