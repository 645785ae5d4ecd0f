"""Observer of a stage: numbers for Prometheus, and lines in the log and spans in traces where they are wanted.

Pictures that only ask whether the server is well, those of ``endface health`` and of the supervisor, are counted apart:
they are no parts of the line, and at night there are no others.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

from endface import __version__, environment
from endface.contract import PROBE_NAMES, is_probe
from endface.criteria.profile import load_profile, profile_names
from endface.errors import (
    EmptyImageError,
    EndfaceError,
    NoSuchFiberError,
    OversizedImageError,
    PictureError,
    RequestError,
)
from endface.report import DefectType, ModelInfo, Report, VerdictName
from endface.telemetry import inspection_log, metrics, trace
from endface.telemetry.log_writer import LogWriter
from endface.telemetry.serve_status import ServeStatus

if TYPE_CHECKING:
    from opentelemetry.trace import Span

_STDERR: Final = 2

OUTSIDE: Final = "outside"
"""The zone of defects that touch none."""

OTHER: Final = "other"
"""The code of a report whose own is unknown: a client may send a frame of its own making to ``postprocess``."""


def codes(kind: type[EndfaceError]) -> set[str]:
    """The codes of a kind of errors."""
    return {kind.code}.union(*map(codes, kind.__subclasses__()))


INVALID_CODES: Final = codes(PictureError) | {
    EmptyImageError.code,
    OversizedImageError.code,
    NoSuchFiberError.code,
    OTHER,
}
"""Why a picture may be invalid; the last ones only beside good pictures in one request."""


@dataclass(frozen=True)
class WatchedRequest:
    """A request in a stage.

    Attributes:
        request: Triton's.
        parameters: its parameters, without the context of its trace; every step of the ensemble gets them.
        span: its span, where it is traced.
    """

    request: Any
    parameters: Mapping[str, Any]
    span: Span | None

    @property
    def probe(self) -> str:
        """What kind of probe it is; empty where it is none."""
        return str(self.parameters["name"]) if is_probe(self.parameters) else ""


class Observer:
    """The observer of one process of a stage.

    Args:
        pb_utils: Triton's module.
        stage: the model's name.

    Raises:
        ConfigurationError: ENDFACE_LOG has a value that it does not know.
    """

    def __init__(self, pb_utils: Any, stage: str) -> None:
        self._stage = stage
        self._log = LogWriter(_STDERR) if environment.logs_inspections() else None
        self._log_dropped = 0
        self._workspace: Path | None = None
        self._model: ModelInfo | None = None
        self._spans = trace.Stage(stage)
        self.metrics: Final = metrics.Metrics(pb_utils, self._refresh)
        self.metrics.level(metrics.STARTED, time.time(), stage)
        self.metrics.declare(metrics.STAGE_SECONDS, stage)
        self.metrics.declare(metrics.ERRORS, stage, EndfaceError.code)
        self.metrics.declare(metrics.LOG_DROPPED, stage)
        if hasattr(pb_utils, "MetricFamily"):  # outside Triton there is none to take the numbers
            self.metrics.start()

    def close(self) -> None:
        """Hand over the last numbers, lines and spans; to be called when the model is unloaded."""
        if self._log:
            self._log.close()
        self.metrics.close()
        self._spans.close()

    def expect_requests(self) -> None:
        """Declare the errors and probes of a stage that reads requests, so that their counts begin at zero."""
        for code in codes(RequestError):
            self.metrics.declare(metrics.ERRORS, self._stage, code)
        for name in PROBE_NAMES:
            self.metrics.declare(metrics.PROBES, name)

    def expect_reports(self, profiles: Path | None) -> None:
        """Declare all that reports may hold, so that counts begin at zero, and pass on ``endface serve``'s numbers.

        Args:
            profiles: folder with the user's own profiles.

        Raises:
            ConfigurationError: a profile's file is wrong.
        """
        self._workspace = environment.workspace()
        self._set_serve_status(ServeStatus())
        for family in (metrics.INSPECTION_SECONDS, metrics.CONFIDENCE_SUM, metrics.CONFIDENCE_COUNT):
            self.metrics.declare(family)
        for code in INVALID_CODES:
            self.metrics.declare(metrics.INVALID, code)
        for name in profile_names(profiles):
            self.metrics.declare(metrics.BORDERLINE, name)
            for verdict in get_args(VerdictName):
                self.metrics.declare(metrics.VERDICTS, name, verdict)
            profile = load_profile(name, profiles)
            self.metrics.level(metrics.PROFILE_INFO, 1, name, profile.criteria.sha256)
            for zone in (*(zone.name for zone in profile.zones), OUTSIDE):
                for kind in get_args(DefectType):
                    self.metrics.declare(metrics.DEFECTS, name, zone, kind)

    def count_probe(self, watched: WatchedRequest) -> None:
        """Count a request that has come to the first stage, if it is a probe."""
        if watched.probe:
            self.metrics.count(metrics.PROBES, watched.probe)

    @contextlib.contextmanager
    def watch(self, request: Any) -> Iterator[WatchedRequest]:
        """Watch a request that is in the stage until the block ends, or an error ends it."""
        started_s = time.perf_counter()
        values: dict[str, Any] = json.loads(request.parameters() or "{}")
        own = {key: value for key, value in values.items() if key.lower() not in trace.HEADERS}
        with self._spans.request(values, lambda: str(request.request_id())) as span:
            watched = WatchedRequest(request, own, span)
            try:
                yield watched
            except Exception as exc:
                self._count_failure(watched, exc)
                raise
        if not watched.probe:
            self.metrics.observe(metrics.STAGE_SECONDS, time.perf_counter() - started_s, self._stage)

    def count_reports(self, watched: WatchedRequest, reports: Iterable[Report], taken_ms: float | None) -> None:
        """Count the reports of a request.

        Args:
            watched: the request.
            reports: one for each picture.
            taken_ms: when ``preprocess`` took it up, by the machine's monotonic clock; None where that is not known.
        """
        if watched.probe:
            return
        total_ms = None if taken_ms is None else time.monotonic() * 1000 - taken_ms
        if total_ms is not None:
            self.metrics.observe(metrics.INSPECTION_SECONDS, total_ms / 1000)
        entries = []
        for report in reports:
            self._count(report)
            if self._log or watched.span:
                entries.append(inspection_log.inspection_entry(report, watched.request.request_id(), total_ms))
        self._write_entries(watched, entries)

    def set_network(self, model: ModelInfo) -> None:
        """Set the network that reports name from now on."""
        if model == self._model:
            return
        for each, value in ((self._model, 0), (model, 1)):
            if each is not None:
                self.metrics.level(metrics.INFO, value, __version__, each.sha256, each.engine)
        self._model = model

    def _count_failure(self, watched: WatchedRequest, error: Exception) -> None:
        code = error.code if isinstance(error, EndfaceError) else EndfaceError.code
        self.metrics.count(metrics.ERRORS, self._stage, code)
        if self._log or watched.span:
            request_id = watched.request.request_id()
            self._write_entries(
                watched, [inspection_log.error_entry(self._stage, code, request_id, watched.parameters)]
            )
            trace.mark_failed(watched.span, code)

    def _write_entries(self, watched: WatchedRequest, entries: list[dict[str, Any]]) -> None:
        if self._log:
            for entry in entries:
                self._log.write(inspection_log.line(entry))
        trace.describe(watched.span, entries)

    def _refresh(self) -> None:
        """Update the numbers that are counted elsewhere."""
        if self._log:
            self._log_dropped, before = self._log.dropped, self._log_dropped
            if self._log_dropped > before:
                self.metrics.count(metrics.LOG_DROPPED, self._stage, amount=self._log_dropped - before)
        if status := ServeStatus.read(self._workspace) if self._workspace else None:
            self._set_serve_status(status)

    def _set_serve_status(self, status: ServeStatus) -> None:
        self.metrics.level(metrics.SERVE_LOG_DROPPED, status.log_lines_dropped)
        self.metrics.level(metrics.SERVE_RELOADS, status.reloads)
        self.metrics.level(metrics.SERVE_RESTARTS, status.restarts)

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
