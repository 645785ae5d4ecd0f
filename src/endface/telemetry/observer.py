"""Sees what a stage does, and tells of it: numbers for Prometheus, and where they are wanted
lines in the log and spans in traces.

Pictures that only ask whether the server is well, ``endface health`` and the supervisor's, are counted apart: they are
no parts of the line, and at night they are all there is.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from endface import __version__, environment
from endface.contract import PROBE_NAMES, is_probe
from endface.criteria.profile import load_profile, profile_names
from endface.errors import EmptyImageError, EndfaceError, OversizedImageError, PictureError, RequestError
from endface.report import DefectType, ModelInfo, Report, VerdictName
from endface.telemetry import inspection_log, metrics, trace

if TYPE_CHECKING:
    from opentelemetry.trace import Span

OUTSIDE: Final = "outside"
"""The zone of defects that touch none."""

OTHER: Final = "other"
"""The code of a report whose own is unknown: a client may send a frame of its own making to ``postprocess``."""


def codes(kind: type[EndfaceError]) -> set[str]:
    """The codes of a kind of errors."""
    return {kind.code}.union(*map(codes, kind.__subclasses__()))


INVALID_CODES: Final = codes(PictureError) | {EmptyImageError.code, OversizedImageError.code, OTHER}
"""Why a picture may be invalid; the last two only beside good pictures in one request."""


class Observer:
    """The observer of one process of a stage.

    Args:
        pb_utils: Triton's module.
        stage: the model's name.

    Raises:
        ConfigurationError: ENDFACE_LOG asks for something that does not exist.
    """

    def __init__(self, pb_utils: Any, stage: str) -> None:
        self._stage = stage
        self._writes = environment.logs_inspections()
        self._model: ModelInfo | None = None
        self._spans = trace.Stage(stage)
        self._span: Span | None = None  # of the request in the stage
        self.metrics: Final = metrics.Metrics(pb_utils)
        self.metrics.level(metrics.STARTED, time.time(), stage)
        self.metrics.declare(metrics.STAGE_SECONDS, stage)
        self.metrics.declare(metrics.ERRORS, stage, EndfaceError.code)
        if hasattr(pb_utils, "MetricFamily"):  # outside Triton there is nobody to tell
            self.metrics.start()

    def close(self) -> None:
        """Tell the last; to be called when the model is unloaded."""
        self.metrics.close()
        self._spans.close()

    def expect_requests(self) -> None:
        """This stage reads requests: what it may refuse begins at zero."""
        for code in codes(RequestError):
            self.metrics.declare(metrics.ERRORS, self._stage, code)
        for name in PROBE_NAMES:
            self.metrics.declare(metrics.PROBES, name)

    def expect_reports(self, profiles: Path | None) -> None:
        """This stage writes reports: whatever may be in one begins at zero.

        Args:
            profiles: folder with the user's own profiles.

        Raises:
            ConfigurationError: a profile's file is wrong.
        """
        for family in (metrics.INSPECTION_SECONDS, metrics.CONFIDENCE_SUM, metrics.CONFIDENCE_COUNT):
            self.metrics.declare(family)
        for code in INVALID_CODES:
            self.metrics.declare(metrics.INVALID, code)
        for name in profile_names(profiles):
            self.metrics.declare(metrics.BORDERLINE, name)
            for verdict in get_args(VerdictName):
                self.metrics.declare(metrics.VERDICTS, name, verdict)
            zones = [zone.name for zone in load_profile(name, profiles).zones]
            for zone in (*zones, OUTSIDE):
                for kind in get_args(DefectType):
                    self.metrics.declare(metrics.DEFECTS, name, zone, kind)

    def asked(self, request: Any) -> None:
        """A request has come to the first stage."""
        if probe := _probe(request):
            self.metrics.count(metrics.PROBES, probe)

    @contextlib.contextmanager
    def watch(self, request: Any) -> Iterator[None]:
        """A request is in the stage: until the block ends, or an error ends it."""
        started_s = time.perf_counter()
        with self._spans.request(request) as span:
            self._span = span
            try:
                yield
            except Exception as exc:
                self._failed(request, exc, span)
                raise
        if not _probe(request):
            self.metrics.observe(metrics.STAGE_SECONDS, time.perf_counter() - started_s, self._stage)

    def inspected(self, request: Any, reports: Iterable[Report], taken_ms: float | None) -> None:
        """The pictures of a request got reports.

        Args:
            request: Triton's.
            reports: one for each picture.
            taken_ms: when ``preprocess`` took it up, by the machine's monotonic clock; None where that is not known.
        """
        if _probe(request):
            return
        total_ms = None if taken_ms is None else time.monotonic() * 1000 - taken_ms
        if total_ms is not None:
            self.metrics.observe(metrics.INSPECTION_SECONDS, total_ms / 1000)
        entries = []
        for report in reports:
            self._count(report)
            if self._writes or self._span:
                entries.append(inspection_log.inspection(report, request.request_id(), total_ms))
        if self._writes:
            for entry in entries:
                inspection_log.write(entry)
        trace.tell(self._span, entries)

    def uses(self, model: ModelInfo) -> None:
        """Reports name this network from now on."""
        if model == self._model:
            return
        for each, value in ((self._model, 0), (model, 1)):
            if each is not None:
                self.metrics.level(metrics.INFO, value, __version__, each.sha256, each.engine)
        self._model = model

    def _failed(self, request: Any, error: Exception, span: Span | None) -> None:
        code = error.code if isinstance(error, EndfaceError) else EndfaceError.code
        self.metrics.count(metrics.ERRORS, self._stage, code)
        if self._writes or span:
            entry = inspection_log.error(self._stage, code, request.request_id(), parameters(request))
            if self._writes:
                inspection_log.write(entry)
            trace.tell(span, [entry])
            trace.fail(span, code)

    def _count(self, report: Report) -> None:
        profile = report.criteria.profile
        self.metrics.count(metrics.VERDICTS, profile, report.verdict)
        if report.error is not None:
            self.metrics.count(metrics.INVALID, report.error.code if report.error.code in INVALID_CODES else OTHER)
        if report.borderline:
            self.metrics.count(metrics.BORDERLINE, profile)
        if report.defects:
            self.metrics.count(metrics.CONFIDENCE_SUM, amount=sum(defect.confidence for defect in report.defects))
            self.metrics.count(metrics.CONFIDENCE_COUNT, amount=len(report.defects))
        for (zone, kind), found in Counter((each.zone or OUTSIDE, each.type) for each in report.defects).items():
            self.metrics.count(metrics.DEFECTS, profile, zone, kind, amount=found)


def parameters(request: Any) -> dict[str, Any]:
    """A request's parameters, without the context of its trace; every step of the ensemble gets them."""
    values: dict[str, Any] = json.loads(request.parameters() or "{}")
    return {key: value for key, value in values.items() if key.lower() not in trace.HEADERS}


def _probe(request: Any) -> str:
    """What kind of probe a request is; empty where it is none."""
    values = parameters(request)
    return str(values["name"]) if is_probe(values) else ""
