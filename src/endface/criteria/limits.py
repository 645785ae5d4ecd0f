"""One row of a table of limits: how many marks of a kind may lie in an interval of sizes.

Bounds are intervals in mathematical notation, since the editions of the standard differ in whether a bound belongs to
its row: ``"[2, 5]"`` holds 2 and 5, ``"(5, inf)"`` does not hold 5.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from endface.report import LimitKind

_INTERVAL: Final = re.compile(r"([\[(])\s*(\d+(?:\.\d+)?)\s*,\s*(\d+(?:\.\d+)?|inf)\s*([\])])")


@dataclass(frozen=True)
class Interval:
    """A range of sizes in um with open or closed ends; ``upper`` may be infinite."""

    lower: float
    upper: float
    lower_closed: bool
    upper_closed: bool

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read ``"[2, 5]"``, ``"(5, inf)"`` and the like.

        Raises:
            ValueError: not an interval, or one that holds nothing.
        """
        match = _INTERVAL.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no interval such as '[2, 5]' or '(5, inf)'")
        interval = cls(float(match[2]), float(match[3]), match[1] == "[", match[4] == "]")
        if interval.upper == math.inf and interval.upper_closed:
            raise ValueError(f"{text!r} is closed at infinity; write '{text.strip()[:-1]})'")
        if interval.upper < interval.lower or (interval.upper == interval.lower and interval.lower not in interval):
            raise ValueError(f"{text!r} holds no size, its bounds are inverted or exclude each other")
        return interval

    def __contains__(self, size_um: float) -> bool:
        above = size_um >= self.lower if self.lower_closed else size_um > self.lower
        below = size_um <= self.upper if self.upper_closed else size_um < self.upper
        return above and below

    @property
    def in_words(self) -> str:
        """The range in words: ``up to 30 um``, ``larger than 30 um``; empty for every size."""
        return _in_words(self, wide=False).strip()

    def overlaps(self, other: Interval) -> bool:
        """Whether some size lies in both."""
        low, high = sorted((self, other), key=lambda interval: (interval.lower, not interval.lower_closed))
        return high.lower < low.upper or (high.lower == low.upper and high.lower_closed and low.upper_closed)


def first_gap(intervals: Sequence[Interval]) -> str:
    """The smallest sizes above the first interval that lie in none, in their notation; empty if there are none.

    Args:
        intervals: in any order, none overlapping another.
    """
    ordered = sorted(intervals, key=lambda interval: (interval.lower, not interval.lower_closed))
    for each, after in itertools.zip_longest(ordered, ordered[1:]):
        start = f"{'(' if each.upper_closed else '['}{each.upper:g}"
        if after is None:
            return "" if each.upper == math.inf else f'"{start}, inf)"'
        if each.upper < after.lower or not (each.upper_closed or after.lower_closed):
            return f'"{start}, {after.lower:g}{")" if after.lower_closed else "]"}"'
    return ""


@dataclass(frozen=True)
class Limit:
    """One row of a table: how many of a kind may lie in an interval of widths or sizes; None for no limit."""

    kind: LimitKind
    interval: Interval
    allowed: int | None

    @property
    def what(self) -> str:
        """The kind and its sizes in words: ``defects from 2 to 5 um``."""
        things = "scratches" if self.kind == "scratch" else "defects"
        return f"{things}{_in_words(self.interval, wide=self.kind == 'scratch')}"

    @property
    def text(self) -> str:
        """The whole row in words: ``at most 5 defects from 2 to 5 um``."""
        if self.allowed is None:
            return f"no limit on {self.what}"
        return f"at most {self.allowed} {self.what}" if self.allowed else f"no {self.what}"


def _in_words(interval: Interval, *, wide: bool) -> str:
    """`` from 2 to 5 um``, `` wider than 3 um``; empty for every size."""
    lower, upper = f"{interval.lower:g}", f"{interval.upper:g}"
    wide_um = "um wide" if wide else "um"
    more, less = ("wider than", "narrower than") if wide else ("larger than", "smaller than")
    if interval.upper == math.inf:
        if interval.lower == 0:
            return ""
        return f" of {lower} {wide_um} or more" if interval.lower_closed else f" {more} {lower} um"
    if interval.lower == 0:
        return f" up to {upper} {wide_um}" if interval.upper_closed else f" {less} {upper} um"
    start = f"from {lower}" if interval.lower_closed else f"above {lower}"
    return f" {start} to {upper} {wide_um}" if interval.upper_closed else f" {start} to below {upper} {wide_um}"
