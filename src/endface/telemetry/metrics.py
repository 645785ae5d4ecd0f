"""Metrics of the stages beside Triton's own, and their way to Triton's metrics port.

Each number that Triton gets is a round trip between two processes.  So a stage counts in its own memory, which costs
a picture some microseconds, and a thread hands the sums over once a second.  Labels come from closed sets (profiles,
zones, types of defects, codes, stages), never from a request: each value of a label is a series that Prometheus keeps.

Triton's own histograms take one observation a message.  Ours are counters, which take a second's worth at once, and
look like a histogram to Prometheus: a series for each ``le``, ``_sum`` and ``_count``.
"""

from __future__ import annotations

import math
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

BUCKETS_S: Final = (0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, math.inf)
"""Upper ends of the histograms' buckets in seconds: from one stage on a fast core to a takt of half a second."""

FLUSH_EVERY_S: Final = 1.0
"""How late a number may be; Prometheus asks every ten seconds."""

_CLOSE_S: Final = 2.0


@dataclass(frozen=True, eq=False)
class Family:
    """One metric; each is made once, so it is compared and hashed by what it is.

    Attributes:
        name: its name; behind a histogram's come ``_bucket``, ``_sum`` and ``_count``.
        kind: what it is to Prometheus.
        labels: names of its labels.
        text: what it says.
    """

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    text: str

    @property
    def series(self) -> tuple[str, ...]:
        """The names that stand on the metrics port."""
        return tuple(self.name + end for end in _ENDS) if self.kind == "histogram" else (self.name,)


_ENDS: Final = ("_bucket", "_sum", "_count")

VERDICTS: Final = Family(
    "endface_verdicts_total",
    "counter",
    ("profile", "verdict"),
    "Inspections, by profile and verdict: pass, fail, invalid",
)
BORDERLINE: Final = Family(
    "endface_borderline_total", "counter", ("profile",), "Inspections whose verdict a small error in size would change"
)
DEFECTS: Final = Family(
    "endface_defects_total", "counter", ("profile", "zone", "type"), "Defects, by the innermost zone that they touch"
)
INVALID: Final = Family(
    "endface_invalid_total", "counter", ("code",), "Pictures that could not be judged, by the code in their reports"
)
ERRORS: Final = Family(
    "endface_errors_total", "counter", ("stage", "code"), "Requests that got an error instead of reports"
)
PROBES: Final = Family(
    "endface_probes_total",
    "counter",
    ("kind",),
    "Pictures that only ask whether the server is well; counted nowhere else",
)
CONFIDENCE_SUM: Final = Family(
    "endface_confidence_sum",
    "counter",
    (),
    "Sum of the network's confidence, 0 to 1, in the defects that were reported",
)
CONFIDENCE_COUNT: Final = Family("endface_confidence_count", "counter", (), "Defects in endface_confidence_sum")
STAGE_SECONDS: Final = Family(
    "endface_stage_seconds", "histogram", ("stage",), "Time of a request in a stage, without its queue"
)
INSPECTION_SECONDS: Final = Family(
    "endface_inspection_seconds",
    "histogram",
    (),
    "Time from taking a request up to its reports, without the first queue",
)
STARTED: Final = Family(
    "endface_started_timestamp_seconds", "gauge", ("stage",), "When a process of the stage was last made, in Unix time"
)
INFO: Final = Family(
    "endface_info", "gauge", ("version", "network_sha256", "engine"), "1 for what serves now, 0 for what served before"
)
PROFILE_INFO: Final = Family(
    "endface_profile_info", "gauge", ("profile", "profile_sha256"), "1 for each profile that the server judges by"
)
LOG_DROPPED: Final = Family(
    "endface_log_lines_dropped_total", "counter", ("stage",), "Lines of the inspection log that nobody took"
)
SERVE_LOG_DROPPED: Final = Family(
    "endface_serve_log_lines_dropped", "gauge", (), "Lines of its log that nobody took since `endface serve` began"
)
SERVE_RELOADS: Final = Family(
    "endface_serve_reloads", "gauge", (), "Reloads of a model's processes since `endface serve` began"
)
SERVE_RESTARTS: Final = Family(
    "endface_serve_restarts", "gauge", (), "Restarts of the server since `endface serve` began, failed ones included"
)

FAMILIES: Final = (
    VERDICTS, BORDERLINE, DEFECTS, INVALID, ERRORS, PROBES, CONFIDENCE_SUM, CONFIDENCE_COUNT, STAGE_SECONDS,
    INSPECTION_SECONDS, STARTED, INFO, PROFILE_INFO, LOG_DROPPED, SERVE_LOG_DROPPED, SERVE_RELOADS, SERVE_RESTARTS,
)  # fmt: skip

_Key = tuple[Family, str, tuple[str, ...]]
"""One series: its family, the end of its name, and the values of its labels, ``le`` last."""

_BOUNDS: Final = tuple((bound, "+Inf" if math.isinf(bound) else f"{bound:g}") for bound in reversed(BUCKETS_S))
"""From the largest down: handed over in this order, no bucket ever holds more than a larger one."""


class Metrics:
    """The numbers of one process.  Any thread may count; one hands over.

    Args:
        pb_utils: Triton's module, which takes the numbers.
        refresh: is called before each handover, to set levels.
    """

    def __init__(self, pb_utils: Any, refresh: Callable[[], None] = lambda: None) -> None:
        self._pb_utils = pb_utils
        self._refresh = refresh
        self._lock = threading.Lock()
        self._added: dict[_Key, float] = {}
        self._levels: dict[_Key, float] = {}
        self._families: dict[str, Any] = {}
        self._metrics: dict[_Key, Any] = {}
        self._is_behind = False
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._flush_every_second, name="endface-metrics", daemon=True)

    def declare(self, family: Family, *labels: str) -> None:
        """Begin a series at 0, or Prometheus would not see its first event as a rise."""
        with self._lock:
            if family.kind == "histogram":
                self._spread(family, labels, 0.0, 0)
            else:
                self._add(family, "", labels, 0)

    def count(self, family: Family, *labels: str, amount: float = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self._add(family, "", labels, amount)

    def observe(self, family: Family, seconds: float, *labels: str) -> None:
        """Add a time to a histogram."""
        with self._lock:
            self._spread(family, labels, seconds, 1)

    def level(self, family: Family, value: float, *labels: str) -> None:
        """Set a gauge."""
        with self._lock:
            self._levels[family, "", labels] = value

    def start(self) -> None:
        """Hand over every second from now on."""
        self._thread.start()

    def close(self) -> None:
        """Hand over the last numbers; Triton takes none after the model's end."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S)

    def flush(self) -> None:
        """Hand over the changes; what Triton does not take stays for the next time."""
        with self._lock:
            added, self._added = self._added, {}
            levels, self._levels = self._levels, {}
        try:
            for key in list(added):
                metric = self._metric(key)
                if added[key]:
                    metric.increment(added[key])
                del added[key]
            for key in list(levels):
                self._metric(key).set(levels[key])
                del levels[key]
        finally:
            self._put_back(added, levels)

    def _put_back(self, added: dict[_Key, float], levels: dict[_Key, float]) -> None:
        with self._lock:
            for (family, end, labels), amount in added.items():
                self._add(family, end, labels, amount)
            self._levels = levels | self._levels

    def _add(self, family: Family, end: str, labels: tuple[str, ...], amount: float) -> None:
        key = (family, end, labels)
        self._added[key] = self._added.get(key, 0.0) + amount

    def _spread(self, family: Family, labels: tuple[str, ...], seconds: float, amount: int) -> None:
        self._add(family, "_count", labels, amount)
        self._add(family, "_sum", labels, seconds)
        for bound, text in _BOUNDS:
            if seconds > bound:
                break
            self._add(family, "_bucket", (*labels, text), amount)

    def _metric(self, key: _Key) -> Any:
        """Triton's object for a series, made once."""
        if key not in self._metrics:
            family, end, values = key
            names = (*family.labels, "le") if end == "_bucket" else family.labels
            labels = dict(zip(names, values, strict=True))
            self._metrics[key] = self._family(family, end).Metric(labels=labels)
        return self._metrics[key]

    def _family(self, family: Family, end: str) -> Any:
        name, made = family.name + end, self._pb_utils.MetricFamily
        if name not in self._families:
            kind = made.GAUGE if family.kind == "gauge" else made.COUNTER
            self._families[name] = made(name=name, description=family.text, kind=kind)
        return self._families[name]

    def _flush_every_second(self) -> None:
        while not self._closing.wait(FLUSH_EVERY_S):
            self._flush_or_log()
        self._flush_or_log()

    def _flush_or_log(self) -> None:
        """Hand over; a failure is logged once, and ends neither this thread nor an inspection."""
        try:
            self._refresh()
            self.flush()
            self._is_behind = False
        except Exception:
            if not self._is_behind:
                self._pb_utils.Logger.log_error(f"Triton takes no metrics, they are behind: {traceback.format_exc()}")
            self._is_behind = True
