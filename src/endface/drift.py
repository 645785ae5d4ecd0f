"""Drift of a line: inspections of now against those of a reference, before the yield falls.

The rule is a rank test on a sliding window: the last 200 values of a signal against its first 500.  Ranks ask for no
distribution, so rare events, counts and micrometers are judged alike, and the test knows how uncertain the reference
is.  A signal drifts where the test's standard score exceeds 4.5 in the direction that is worse.  Inspections that do
not depend on one another raise a false alarm about once in a million.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

from endface.report import Report

Signal = Literal["invalid", "defects", "confidence", "blur_um", "noise_levels"]

SIGNALS: Final[Mapping[Signal, str]] = {
    "invalid": "share of pictures that cannot be judged",
    "defects": "defects a face",
    "confidence": "mean confidence of a face's defects",
    "blur_um": "blur, which is focus and a clean lens",
    "noise_levels": "noise in gray levels, which is light and gain",
}
"""What is watched, in words."""

REFERENCE: Final = 500
WINDOW: Final = 200
LIMIT: Final = 4.5
"""Standard score from which a signal drifts."""

_EITHER_WAY: Final = ("confidence",)  # worse above and below; the others are worse above


@dataclass(frozen=True)
class Inspected:
    """One inspection.

    Attributes:
        time: when, ISO 8601 in UTC.
        report: its report.
    """

    time: str
    report: Report


@dataclass(frozen=True)
class Drift:
    """One signal under one profile.

    Attributes:
        profile: the limits that were judged by.
        signal: which one.
        values: how many there are, the reference included.
        reference: its mean over the reference; None where there are too few values yet.
        now: its mean over the window; None likewise.
        score: standard score of the window against the reference, above 0 where the signal has risen.
        since: when the score went beyond the limit for the last time, and stayed there; empty where it is within.
    """

    profile: str
    signal: Signal
    values: int
    reference: float | None = None
    now: float | None = None
    score: float = 0.0
    since: str = ""

    @property
    def is_drifting(self) -> bool:
        """Whether somebody should look."""
        return bool(self.since)


def signals_of(report: Report) -> dict[Signal, float]:
    """The values of a report; what it does not hold is left out."""
    invalid = report.verdict == "invalid"
    values: dict[Signal, float] = {"invalid": float(invalid)}
    if not invalid:
        values["defects"] = float(len(report.defects))
        if report.defects:
            values["confidence"] = round(fmean(defect.confidence for defect in report.defects), 4)
    if report.quality is not None:
        values |= {"blur_um": report.quality.blur_um, "noise_levels": report.quality.noise_levels}
    return values


def find_drift(inspections: Iterable[Inspected], *, reference: int = REFERENCE, window: int = WINDOW) -> list[Drift]:
    """The state of every signal after some inspections, profile by profile.

    The reference of a profile begins anew with another network, whose numbers are others.

    Args:
        inspections: in order of time.
        reference: how many of a signal's first values are the reference.
        window: how many of its last values are held against it.
    """
    watches: dict[tuple[str, Signal], _Watch] = {}
    networks: dict[str, str] = {}
    for inspected in inspections:
        report = inspected.report
        profile, network = report.criteria.profile, report.model.sha256 if report.model else ""
        if network and networks.setdefault(profile, network) != network:
            networks[profile] = network
            watches = {key: watch for key, watch in watches.items() if key[0] != profile}
        for signal, value in signals_of(report).items():
            watch = watches.setdefault((profile, signal), _Watch(signal, reference, window))
            watch.add(value, inspected.time)
    profiles = dict.fromkeys(profile for profile, _ in watches)
    return [
        watches[profile, signal].drift(profile)
        for profile in profiles
        for signal in SIGNALS
        if (profile, signal) in watches
    ]


class _Watch:
    """One signal: its reference and its last values."""

    def __init__(self, signal: Signal, reference: int, window: int) -> None:
        self._signal = signal
        self._reference: list[float] = []
        self._size = reference
        self._window: deque[float] = deque(maxlen=window)
        self._ranks: deque[float] = deque(maxlen=window)
        self._spread = 0.0
        self._count = 0
        self._since = ""
        self._sum = self._squares = 0.0

    def add(self, value: float, time: str) -> None:
        """Take the next value."""
        self._count += 1
        if len(self._reference) < self._size:
            self._reference.append(value)
            if len(self._reference) == self._size:
                self._reference.sort()
                self._spread = sum((self._rank(each) - 0.5) ** 2 for each in self._reference)
            return
        if len(self._ranks) == self._ranks.maxlen:
            gone = self._ranks[0]
            self._sum -= gone
            self._squares -= gone * gone
        rank = self._rank(value) - 0.5
        self._window.append(value)
        self._ranks.append(rank)
        self._sum += rank
        self._squares += rank * rank
        self._since = (self._since or time) if self._is_beyond() else ""

    def drift(self, profile: str) -> Drift:
        """The state of now."""
        if len(self._ranks) < (self._ranks.maxlen or 0):
            return Drift(profile, self._signal, self._count)
        means = fmean(self._reference), fmean(self._window)
        return Drift(profile, self._signal, self._count, *means, self._score(), self._since)

    def _rank(self, value: float) -> float:
        """Share of the reference below a value, equal ones by half."""
        return (bisect_left(self._reference, value) + bisect_right(self._reference, value)) / (2 * self._size)

    def _score(self) -> float:
        """Standard score of the window's mean rank, with the variance of the ranks of both."""
        count = len(self._ranks)
        variance = (self._spread + self._squares) / (self._size + count) - (self._sum / (self._size + count)) ** 2
        mean = self._sum / count
        return mean / math.sqrt(max(variance, 1e-12) * (1 / count + 1 / self._size)) if abs(mean) > 1e-12 else 0.0

    def _is_beyond(self) -> bool:
        if len(self._ranks) < (self._ranks.maxlen or 0):
            return False
        score = self._score()
        return (abs(score) if self._signal in _EITHER_WAY else score) > LIMIT
