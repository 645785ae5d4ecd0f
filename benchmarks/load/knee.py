"""Where more load brings no more throughput."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ENOUGH: Final = 0.95
"""Share of the highest throughput that counts as reached; the rest is noise and costs only waiting."""


@dataclass(frozen=True)
class Point:
    """A load and what it brought: stations, and pictures answered in a second."""

    users: int
    images_per_s: float


def knee(points: Sequence[Point]) -> Point | None:
    """The smallest load that brings ``ENOUGH`` of the highest throughput.

    Args:
        points: the ramp, in any order.

    Returns:
        The point; None where only the largest load reaches it, so that the knee may lie beyond, or nothing was
        answered.
    """
    rising = sorted(points, key=lambda point: point.users)
    highest = max((point.images_per_s for point in rising), default=0.0)
    if highest <= 0:
        return None
    found = next(point for point in rising if point.images_per_s >= ENOUGH * highest)
    return None if found is rising[-1] else found
