"""A straight or gently curved line through points: a parabola over the points' principal axis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A parabola over an axis, as far as its points reach; lengths in the points' unit.

    Attributes:
        center: what positions along and across count from.
        axis: unit vector along the line.
        bend: coefficients of the parabola, the square's first.
        start: position of the first point along the axis.
        stop: position of the last.
        spread: root mean square distance of the points from the parabola, across the axis.
    """

    center: tuple[float, float]
    axis: tuple[float, float]
    bend: tuple[float, float, float]
    start: float
    stop: float
    spread: float

    @property
    def length(self) -> float:
        """Arc length between the first and the last point (Simpson's rule)."""
        ends = (self.start, (self.start + self.stop) / 2, self.stop)
        speeds = [math.hypot(1, 2 * self.bend[0] * at + self.bend[1]) for at in ends]
        return (self.stop - self.start) * (speeds[0] + 4 * speeds[1] + speeds[2]) / 6

    @property
    def width(self) -> float:
        """Width of a stripe along the parabola over which such points are spread evenly."""
        return math.sqrt(12) * self.spread

    def place(self, points: Floats) -> tuple[Floats, Floats]:
        """Positions of points (N, 2) along the axis, and their distances from the parabola, signed."""
        offset = points - self.center
        along = offset @ np.array(self.axis)
        across = offset @ np.array((-self.axis[1], self.axis[0]))
        return along, across - np.polyval(self.bend, along)


def fit_curve(points: Floats, *, straight: bool = False) -> Curve:
    """Fit a curve, or a straight line, to points (N, 2), at least two of them at different places."""
    center = points.mean(axis=0)
    offset = points - center
    xx, yy, xy = (float(np.mean(a * b)) for a, b in (offset.T[[0, 0]], offset.T[[1, 1]], offset.T))
    angle = math.atan2(2 * xy, xx - yy) / 2
    axis = (math.cos(angle), math.sin(angle))
    along, across = offset @ np.array(axis), offset @ np.array((-axis[1], axis[0]))
    if straight:  # the axis itself
        spread = math.sqrt(float(np.mean(across**2)))
        return _curve(center, axis, (0.0, 0.0, 0.0), along, spread)
    # Normal equations of the parabola; polyfit's decomposition takes ten times as long.
    powers = [float(np.mean(along**power)) for power in range(5)]
    sums = [float(np.mean(across * along**power)) for power in (2, 1, 0)]
    matrix = np.array([[powers[4], powers[3], powers[2]], [powers[3], powers[2], powers[1]], [powers[2], powers[1], 1]])
    bend = np.linalg.lstsq(matrix, np.array(sums), rcond=1e-12)[0]
    rest = across - np.polyval(bend, along)
    spread = math.sqrt(float(np.mean(rest**2)))
    return _curve(center, axis, cast("tuple[float, float, float]", tuple(bend.tolist())), along, spread)


def _curve(
    center: Floats, axis: tuple[float, float], bend: tuple[float, float, float], along: Floats, spread: float
) -> Curve:
    x, y = center.tolist()
    return Curve((x, y), axis, bend, float(along.min()), float(along.max()), spread)
