"""Spans of an inspection: one for the whole and one for each attempt, which is the parent of the server's spans.

They belong to the program's own trace where it has one, for then the program's provider and current span are used.
See ``endface.telemetry.trace`` for who asks for them; where they are not asked for, all of this does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from endface.contract import is_probe
from endface.errors import EndfaceError
from endface.telemetry import inspection_log, trace
from endface_client._errors import ClientError
from endface_client._transport.wire import Call, Reply

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

SERVICE: Final = "endface-client"
"""The client's name in traces, where neither OTEL_SERVICE_NAME nor the program gives another."""


class Traced:
    """An inspection that may be traced.

    Args:
        tracer: makes the spans; None makes none.
        span: that of the whole inspection.
    """

    def __init__(self, tracer: Tracer | None = None, span: Span | None = None) -> None:
        self._tracer = tracer
        self._span = span
        self._attempts = 0

    @contextmanager
    def attempt(self, call: Call) -> Iterator[Call]:
        """One attempt; gives the call as it is to be sent, with the context of the attempt's span."""
        if self._tracer is None or self._span is None:
            yield call
            return
        from opentelemetry.trace import SpanKind, set_span_in_context
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._attempts += 1
        within = set_span_in_context(self._span)
        attributes = {"endface.attempt": self._attempts}
        span = self._tracer.start_span("endface.attempt", within, SpanKind.CLIENT, attributes)
        with _ended(span):
            if not span.get_span_context().trace_flags.sampled:  # it is not recorded, so nothing can belong to it
                yield call
                return
            headers: dict[str, str] = {}
            TraceContextTextMapPropagator().inject(headers, set_span_in_context(span))
            yield replace(call, headers=headers, request_id=_request_id(span))

    def record(self, reply: Reply) -> None:
        """Write the report's main results into the inspection's span."""
        if self._span is not None:
            trace.describe(self._span, [inspection_log.inspection_entry(reply.report, _request_id(self._span), None)])
            self._span.set_attribute("endface.attempts", reply.attempts)


@contextmanager
def inspection(call: Call) -> Iterator[Traced]:
    """The span of a picture's inspection, until the block ends; a health check has none."""
    tracer = None if is_probe(call.parameters) else trace.tracer(SERVICE)
    if tracer is None:
        yield Traced()
        return
    span = tracer.start_span("endface.inspect", start_time=call.began_ns)
    asked = inspection_log.request_fields(_request_id(span), call.parameters)
    trace.describe(span, [asked | {"profile": call.parameters.get("profile"), "picture_sha256": call.sha256}])
    with _ended(span):
        yield Traced(tracer, span)


@contextmanager
def _ended(span: Span) -> Iterator[None]:
    """End a span with the block, and mark it with the error that ended it."""
    try:
        yield
    except BaseException as exc:
        if isinstance(exc, ClientError) and exc.attempts:  # of the whole; an attempt has a number
            span.set_attribute("endface.attempts", exc.attempts)
        trace.mark_failed(span, _code(exc))
        raise
    finally:
        span.end()


def _code(error: BaseException) -> str:
    if isinstance(error, EndfaceError):
        return error.code
    return "cancelled" if isinstance(error, GeneratorExit) else EndfaceError.code


def _request_id(span: Span) -> str:
    """The trace's own number, so that a line of the log leads to its trace."""
    return format(span.get_span_context().trace_id, "032x")
