"""The rows of a profile, each with the marks that it may count, and what it says where their sizes are off.

All sizes are off together: by ``t`` times a reach of each mark's own, ``t`` from -1 to 1.  The verdict changes only
where a size meets a bound, so a row is looked at there and between, which is exact.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from endface.criteria.limits import Limit
from endface.criteria.marks import Mark
from endface.criteria.profile import Profile
from endface.report import LimitKind

Shifts = NDArray[np.float64]
Places = Literal["zones", "farther_in", "farther_out"]
PLACES: Final[tuple[Places, ...]] = get_args(Places)


@dataclass(frozen=True)
class Row:
    """A limit of a zone, and the marks of its kind there."""

    zone: str
    limit: Limit
    marks: tuple[Mark, ...]

    @cached_property
    def caught(self) -> tuple[Mark, ...]:
        """The marks whose size lies in the row, the largest first."""
        inside = [mark for mark in self.marks if mark.size_um in self.limit.interval]
        return tuple(sorted(inside, key=lambda mark: (-mark.size_um, mark.defect.id)))

    @cached_property
    def broken(self) -> bool:
        """Whether it holds more than it allows."""
        return self.limit.allowed is not None and len(self.caught) > self.limit.allowed

    @property
    def margin_um(self) -> float | None:
        """Distance to the nearest shift of all sizes by one amount with the other verdict; negative where it is
        broken, None where no shift changes it.
        """
        if self.limit.allowed is None or not self.marks:
            return None
        shifting = self.shifted(np.ones(len(self.marks)))
        breakpoints = shifting.breakpoints
        if not len(breakpoints):
            return None
        between = np.concatenate([breakpoints[:1] - 1, (breakpoints[1:] + breakpoints[:-1]) / 2, breakpoints[-1:] + 1])
        at_point, at_stretch = (shifting.passes(shifts) == self.broken for shifts in (breakpoints, between))
        # A stretch begins and ends at breakpoints; zero is in none that differs, so its nearer end is its distance.
        flips = at_point | at_stretch[1:] | at_stretch[:-1]
        if not flips.any():
            return None
        margin = round(float(np.abs(breakpoints[flips]).min()), 6)
        return -margin if self.broken and margin else margin

    def shifted(self, reach_um: Shifts) -> ShiftedRow:
        """The row where the sizes of its marks, one at least, are shifted by ``t`` times ``reach_um`` (marks,)."""
        interval = self.limit.interval
        sizes_um = np.array([mark.size_um for mark in self.marks])
        above = sizes_um >= interval.lower if interval.lower_closed else sizes_um > interval.lower
        below = sizes_um <= interval.upper if interval.upper_closed else sizes_um < interval.upper
        entering = _crossings(interval.lower - sizes_um, reach_um, np.where(above, -math.inf, math.inf))
        leaving = _crossings(interval.upper - sizes_um, reach_um, np.where(below, math.inf, -math.inf))
        ends = np.concatenate([entering, leaving])
        return ShiftedRow(self, entering, leaving, np.sort(ends[np.isfinite(ends)]))

    def within_reach(self) -> ShiftedRow:
        """The row where each size may be off by its own reach."""
        return self.shifted(np.array([mark.off_um for mark in self.marks]))


@dataclass(frozen=True)
class ShiftedRow:
    """A row that allows a number of marks, and whose marks' sizes are shifted.

    Attributes:
        row: the row.
        entering: the shift at which each mark's size meets the row's lower bound.
        leaving: the shift at which each mark's size meets the row's upper bound.
        breakpoints: shifts, ascending, at which a mark enters or leaves the row.
    """

    row: Row
    entering: Shifts
    leaving: Shifts
    breakpoints: Shifts

    def counted(self, shift: float) -> NDArray[np.bool_]:
        """Which marks lie in the row at a shift."""
        interval = self.row.limit.interval
        entered = shift >= self.entering if interval.lower_closed else shift > self.entering
        left = shift > self.leaving if interval.upper_closed else shift >= self.leaving
        inside: NDArray[np.bool_] = entered & ~left
        return inside

    def passes(self, shifts: Shifts) -> NDArray[np.bool_]:
        """Whether the row passes, for each shift."""
        limit = self.row.limit
        assert limit.allowed is not None
        entered = np.sort(self.entering).searchsorted(shifts, "right" if limit.interval.lower_closed else "left")
        left = np.sort(self.leaving).searchsorted(shifts, "left" if limit.interval.upper_closed else "right")
        passing: NDArray[np.bool_] = entered - left <= limit.allowed
        return passing


def _crossings(distances_um: Shifts, reach_um: Shifts, never: Shifts) -> Shifts:
    """Shifts that take sizes over a distance; ``never`` for a size that does not move."""
    moving = reach_um > 0
    crossings: Shifts = np.divide(distances_um, reach_um, out=never, where=moving)
    return crossings


@dataclass(frozen=True)
class Face:
    """All rows of a profile with one set of marks."""

    rows: tuple[Row, ...]

    @classmethod
    def of(cls, profile: Profile, marks: Sequence[Mark], where: Places = "zones") -> Face:
        """The rows of a profile, from inside out, with the marks as they lie, or all a little farther in or out."""
        held: defaultdict[tuple[str, LimitKind], list[Mark]] = defaultdict(list)
        for mark in marks:
            for zone in getattr(mark, where):
                held[zone, mark.kind].append(mark)
        return cls(
            tuple(
                Row(limits.zone.name, limit, tuple(held[limits.zone.name, limit.kind]))
                for limits in profile.rows
                for limit in limits.limits
            )
        )

    @classmethod
    def around(cls, profile: Profile, marks: Sequence[Mark]) -> Iterator[Face]:
        """The rows with the marks as they lie, and all farther in and farther out where that changes a zone."""
        for where in PLACES:
            if where == "zones" or any(getattr(mark, where) != mark.zones for mark in marks):
                yield cls.of(profile, marks, where)

    @property
    def broken(self) -> tuple[Row, ...]:
        """The rows that fail."""
        return tuple(row for row in self.rows if row.broken)

    @cached_property
    def _shifted(self) -> tuple[ShiftedRow, ...]:
        """The rows that some shift could change, or that fail."""
        shifted = (row.within_reach() for row in self.rows if row.limit.allowed is not None and row.marks)
        return tuple(each for each in shifted if each.row.broken or len(each.breakpoints))

    def nearest(self, *, passing: bool) -> float | None:
        """The smallest shift within -1 to 1 at which the face passes or fails; None where there is none."""
        ends = [each.breakpoints for each in self._shifted]
        points = np.sort(np.concatenate([(-1.0, 0.0, 1.0), *ends]))
        points = points[np.abs(points) <= 1]
        shifts = np.concatenate([points, (points[1:] + points[:-1]) / 2])
        passes = np.ones(len(shifts), bool)
        for each in self._shifted:
            passes &= each.passes(shifts)
        wanted = shifts[passes == passing]
        return float(wanted[np.abs(wanted).argmin()]) if len(wanted) else None

    def failing_at(self, shift: float) -> tuple[tuple[Row, tuple[Mark, ...]], ...]:
        """The rows that fail at a shift, each with the marks that it then holds."""
        found = []
        for each in self._shifted:
            if not each.passes(np.array([shift]))[0]:
                inside = each.counted(shift)
                found.append((each.row, tuple(m for m, is_in in zip(each.row.marks, inside, strict=True) if is_in)))
        return tuple(found)
