"""Measured defects against a profile: a verdict with the limit behind it, the margin, and a sentence for each failure.

A scratch is judged by its width in every zone that it crosses; any other defect by its size, as if it lay wholly in the
innermost zone that it touches ("A defect is defined as existing entirely within the inner-most zone which it touches",
BICSI).  Sizes are compared as they are: the profile's intervals say whether a bound belongs to a row.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from endface.criteria.limits import Interval, Limit
from endface.criteria.profile import Profile, ZoneLimits
from endface.errors import ZoneCutOffError
from endface.report import Defect, LimitKind, LimitResult, ZoneResult

MIN_COVERAGE: Final = 0.98
"""Share of a judged zone that the camera must see.

A fiber a little off the middle of the picture is common.  Where the picture's edge cuts a fiftieth of zone D off, the
strip is 10 um high: no whole defect above the strictest limit of that zone, 10 um, can hide there.
"""

_LISTED: Final = 10
"""Defects that a sentence names by their ids; the report's list has all of them."""

_Shifts = NDArray[np.float64]


@dataclass(frozen=True)
class Judgment:
    """The verdict on a face.

    ``borderline``: the verdict as a whole would be the other one if every size were off by one and the same amount of
    at most the profile's uncertainty.  A row within its margin of flipping is not enough where another fails anyway.
    """

    verdict: Literal["pass", "fail"]
    borderline: bool
    reasons: tuple[str, ...]
    zones: tuple[ZoneResult, ...]


@dataclass(frozen=True)
class _Row:
    """A limit of a zone, and the defects that it may hold."""

    zone: str
    limit: Limit
    defects: tuple[Defect, ...]

    @cached_property
    def sizes_um(self) -> _Shifts:
        return np.array([_size_um(defect) for defect in self.defects], np.float64)

    @cached_property
    def caught(self) -> tuple[Defect, ...]:
        """The defects whose size lies in the row, the largest first."""
        inside = [defect for defect in self.defects if _size_um(defect) in self.limit.interval]
        return tuple(sorted(inside, key=lambda defect: (-_size_um(defect), defect.id)))

    @cached_property
    def broken(self) -> bool:
        """Whether it holds more than it allows."""
        return self.limit.allowed is not None and len(self.caught) > self.limit.allowed

    def passes(self, shifts_um: _Shifts) -> NDArray[np.bool_]:
        """Whether the row passes with all sizes shifted, for each shift."""
        if self.limit.allowed is None:
            return np.ones(len(shifts_um), bool)
        return _counts(self.sizes_um, self.limit.interval, shifts_um) <= self.limit.allowed

    @cached_property
    def breakpoints_um(self) -> _Shifts:
        """Shifts, ascending, at which a defect enters or leaves the row: none where its verdict never changes."""
        if self.limit.allowed is None or not self.defects:
            return np.empty(0)
        ends = np.array([self.limit.interval.lower, self.limit.interval.upper])
        breakpoints: _Shifts = np.unique(ends[np.isfinite(ends), None] - self.sizes_um)
        return breakpoints


def judge(defects: Sequence[Defect], profile: Profile, coverages: Mapping[str, float]) -> Judgment:
    """Judge a face.

    Args:
        defects: measured in the zones of this profile.
        profile: the limits.
        coverages: share that the camera saw of each zone, by name; echoed, see ``require_coverage``.

    Returns:
        The verdict.  A row's ``margin_um`` is the largest uniform shift of all sizes that leaves its verdict as it is.
    """
    rows = {limits.zone.name: _rows(limits, defects) for limits in profile.rows}
    zones = tuple(_zone_result(limits, rows[limits.zone.name], coverages) for limits in profile.rows)
    every = [row for zone in rows.values() for row in zone]
    broken = [row for row in every if row.broken]
    return Judgment(
        verdict="fail" if broken else "pass",
        borderline=_borderline(every, profile.uncertainty_um),
        reasons=tuple(_reason(row, profile.name) for row in broken),
        zones=zones,
    )


def require_coverage(profile: Profile, coverages: Mapping[str, float]) -> None:
    """Refuse a face whose zones with limits lie partly outside the picture: what is not seen may be a defect.

    Raises:
        ZoneCutOffError: naming the zone and the share of it that was seen.
    """
    for limits in profile.rows:
        name = limits.zone.name
        if limits.limited and coverages[name] < MIN_COVERAGE:
            # Rounded down, or 97.96 % would read as the 98 % that are asked for.
            share, needed = int(coverages[name] * 1000) / 10, MIN_COVERAGE * 100
            raise ZoneCutOffError(
                f"the picture shows {share:.1f} % of zone {name}, {needed:.0f} % are needed ({profile.name}): "
                "center the fiber in the picture or use a lower magnification"
            )


def _rows(limits: ZoneLimits, defects: Sequence[Defect]) -> list[_Row]:
    name = limits.zone.name
    marks = {
        "scratch": tuple(defect for defect in defects if defect.type == "scratch" and name in defect.zones),
        "defect": tuple(defect for defect in defects if defect.type != "scratch" and name == defect.zone),
    }
    return [_Row(name, limit, marks[limit.kind]) for limit in limits.limits]


def _zone_result(limits: ZoneLimits, rows: list[_Row], coverages: Mapping[str, float]) -> ZoneResult:
    zone = limits.zone
    results = tuple(_limit_result(row) for row in rows)
    verdict: Literal["pass", "fail"] = "fail" if any(result.verdict == "fail" for result in results) else "pass"
    return ZoneResult(zone.name, zone.inner_um, zone.outer_um, coverages[zone.name], verdict, results)


def _limit_result(row: _Row) -> LimitResult:
    limit = row.limit
    verdict: Literal["pass", "fail"] = "fail" if row.broken else "pass"
    interval = limit.interval
    return LimitResult(
        limit.kind,
        limit.text,
        limit.allowed,
        len(row.caught),
        _margin_um(row),
        verdict,
        lower_um=interval.lower,
        upper_um=interval.upper if interval.upper < math.inf else None,
        lower_closed=interval.lower_closed,
        upper_closed=interval.upper_closed,
    )


def _counts(sizes_um: _Shifts, interval: Interval, shifts_um: _Shifts) -> NDArray[np.intp]:
    """How many shifted sizes lie in the interval, for each shift: those that entered less those that left."""
    entering, leaving = np.sort(interval.lower - sizes_um), np.sort(interval.upper - sizes_um)
    entered = np.searchsorted(entering, shifts_um, "right" if interval.lower_closed else "left")
    left = np.searchsorted(leaving, shifts_um, "left" if interval.upper_closed else "right")
    return entered - left


def _margin_um(row: _Row) -> float | None:
    """Distance to the nearest shift with the other verdict: among breakpoints and the stretches between them."""
    breakpoints = row.breakpoints_um
    if not len(breakpoints):
        return None
    between = np.concatenate([breakpoints[:1] - 1, (breakpoints[1:] + breakpoints[:-1]) / 2, breakpoints[-1:] + 1])
    at_point, at_stretch = (row.passes(shifts) == row.broken for shifts in (breakpoints, between))
    # A stretch begins and ends at breakpoints; zero is in none that differs, so its nearer end is its distance.
    flips = at_point | at_stretch[1:] | at_stretch[:-1]
    if not flips.any():
        return None
    margin = round(float(np.abs(breakpoints[flips]).min()), 6)
    return -margin if row.broken and margin else margin


def _borderline(rows: list[_Row], uncertainty_um: float) -> bool:
    changing = [row for row in rows if len(row.breakpoints_um)]
    if not changing:
        return False
    breakpoints = np.unique(np.concatenate([np.zeros(1), *(row.breakpoints_um for row in changing)]))
    near = np.abs(breakpoints) <= uncertainty_um
    points = np.unique(np.concatenate([breakpoints[near], [-uncertainty_um, uncertainty_um]]))
    shifts = np.concatenate([np.zeros(1), points, (points[1:] + points[:-1]) / 2])
    passes = np.all([row.passes(shifts) for row in changing], axis=0)
    return bool((passes != passes[0]).any())


def _reason(row: _Row, profile: str) -> str:
    limit, caught = row.limit, row.caught
    if limit.allowed:
        count = f"{len(caught)} {limit.what}, at most {limit.allowed} are allowed"
        return f"zone {row.zone}: {count} ({profile}): {_ids(caught)}"
    worst = caught[0]
    size = _measured(worst, limit.interval)
    also = _also(caught[1:], limit.kind)
    return f"zone {row.zone}: {worst.type} {worst.id} is {size}, {_bound(limit)} ({profile}){also}"


def _also(others: tuple[Defect, ...], kind: LimitKind) -> str:
    """Others that break the same limit, such as ``; also scratches 4, 7``."""
    word = kind if len(others) == 1 else {"scratch": "scratches", "defect": "defects"}[kind]
    return f"; also {word} {_ids(others)}" if others else ""


def _ids(defects: tuple[Defect, ...]) -> str:
    listed = ", ".join(str(defect.id) for defect in defects[:_LISTED])
    return f"{listed} and {len(defects) - _LISTED} more" if len(defects) > _LISTED else listed


def _bound(limit: Limit) -> str:
    """What a row without any allowance asks for: ``limit 3 um``, ``must be below 10 um``, ``none is allowed``."""
    interval = limit.interval
    if interval.lower == 0:
        return "none is allowed"
    return f"must be below {interval.lower:g} um" if interval.lower_closed else f"limit {interval.lower:g} um"


def _measured(defect: Defect, interval: Interval) -> str:
    """Size in words, with as many digits as it takes not to contradict the row that caught it."""
    size_um = _size_um(defect)
    rounded = (f"{size_um:.{digits}f}" for digits in range(1, 10))
    text = next((text for text in rounded if float(text) in interval), repr(size_um))
    return f"{text} um wide" if defect.type == "scratch" else f"{text} um"


def _size_um(defect: Defect) -> float:
    return defect.width_um if defect.type == "scratch" else defect.size_um
