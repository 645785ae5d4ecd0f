"""A straight or gently curved line through points: a parabola over the points' principal axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    center: Floats = points.sum(axis=0) / len(points)
    offset = points - center
    (xx, xy), (_, yy) = (offset.T @ offset).tolist()
    angle = math.atan2(2 * xy, xx - yy) / 2
    axis = (math.cos(angle), math.sin(angle))
    along, across = (offset @ np.array([axis, (-axis[1], axis[0])]).T).T
    if straight:  # the axis itself
        return _curve(center, axis, (0.0, 0.0, 0.0), along, across)
    # Normal equations of the parabola; polyfit's decomposition takes ten times as long.
    powers = np.stack([along * along, along, np.ones_like(along)])
    matrix = powers @ powers.T
    matrix[np.diag_indices(3)] *= 1 + 1e-12  # two places alone leave the bend open: none
    a, b, c = np.linalg.solve(matrix, powers @ across).tolist()
    return _curve(center, axis, (a, b, c), along, across - np.array((a, b, c)) @ powers)


def _curve(
    center: Floats, axis: tuple[float, float], bend: tuple[float, float, float], along: Floats, rest: Floats
) -> Curve:
    x, y = center.tolist()
    spread = math.sqrt(float(rest @ rest) / len(rest))
    return Curve((x, y), axis, bend, float(along.min()), float(along.max()), spread)
