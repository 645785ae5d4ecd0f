"""Export of spans to a collector, in batches and in a thread of its own: all that needs OpenTelemetry's SDK.

Imported only where traces are asked for, see ``endface.telemetry.trace``.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Sequence
from typing import Final

from opentelemetry import context
from opentelemetry.exporter.otlp.proto.http import trace_exporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace.propagation import tracecontext  # noqa: F401 - imported here, not at the first picture

_LOG: Final = logging.getLogger(__name__)

_TIMEOUT_S: Final = 2.0
"""How long a batch may take, its repetitions included, unless OTEL_EXPORTER_OTLP_TIMEOUT says otherwise: the end of a
program waits for the last one.
"""


class Provider(TracerProvider):
    """Provider of tracers whose spans go to one collector.

    Args:
        url: of the collector.
        service: what this process is called, unless OTEL_* says otherwise.

    Raises:
        ValueError: a variable of OpenTelemetry's has a value that it does not know.
    """

    def __init__(self, url: str, service: str) -> None:
        super().__init__(resource=_resource(service), shutdown_on_exit=False)
        self._exporter = Exporter(url)
        self.add_span_processor(BatchSpanProcessor(self._exporter))
        atexit.register(self.close)
        context.get_current()  # looks through all packages for plug-ins, once

    def close(self) -> None:
        """Send what was not sent yet, unless the collector does not take it."""
        atexit.unregister(self.close)
        self._exporter.hurry()
        self.shutdown()


class Exporter(SpanExporter):
    """Exporter of batches of spans; that the collector does not take them is logged once.

    Args:
        url: of the collector.
    """

    def __init__(self, url: str) -> None:
        named = any(os.environ.get(f"OTEL_EXPORTER_OTLP_{kind}TIMEOUT") for kind in ("", "TRACES_"))
        self._url = url
        self._http = trace_exporter.OTLPSpanExporter(url, timeout=None if named else _TIMEOUT_S)
        self._is_behind = self._hurries = False
        logging.getLogger(trace_exporter.__name__).addFilter(lambda _: False)  # it would log every batch

    def hurry(self) -> None:
        """Give up after the first batch that is not taken, from now on."""
        self._hurries = True

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; one that is not taken is lost."""
        if self._hurries and self._is_behind:
            return SpanExportResult.FAILURE
        result = self._http.export(spans)
        behind = result is not SpanExportResult.SUCCESS
        if behind and not self._is_behind:
            _LOG.warning("no traces: %s takes no spans; is a collector there, for OTLP over HTTP?", self._url)
        self._is_behind = behind
        return result

    def shutdown(self) -> None:
        """Drop the connection."""
        self._http.shutdown()  # type: ignore[no-untyped-call] # theirs says nothing


def _resource(service: str) -> Resource:
    """What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say, and else the service."""
    named = Resource.create()
    unnamed = str(named.attributes["service.name"]).startswith("unknown_service")
    return named.merge(Resource({"service.name": service})) if unnamed else named
