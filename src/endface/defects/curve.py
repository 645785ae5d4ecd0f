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
        (x, y), (cosine, sine) = (points - self.center).T, self.axis
        along = x * cosine + y * sine
        return along, y * cosine - x * sine - parabola(self.bend, along)


def fit_curve(points: Floats, *, straight: bool = False) -> Curve:
    """Fit a curve, or a straight line, to points (N, 2), at least two of them at different places."""
    count = len(points)
    center_x, center_y = (points.sum(axis=0) / count).tolist()
    x, y = points[:, 0] - center_x, points[:, 1] - center_y
    angle = math.atan2(2 * float(x @ y), float(x @ x - y @ y)) / 2
    cosine, sine = math.cos(angle), math.sin(angle)
    along, across = x * cosine + y * sine, y * cosine - x * sine
    bend = (0.0, 0.0, 0.0)
    if not straight:
        # The parabola's normal equations; on principal axes those of its slope and offset have nothing on the right.
        squares = along * along
        second, third, fourth = float(along @ along), float(squares @ along), float(squares @ squares)
        # Two places alone leave the bend open: none.
        a = float(squares @ across) / (fourth * (1 + 1e-12) - third**2 / second - second**2 / count)
        bend = (a, -a * third / second, -a * second / count)
    rest = across - parabola(bend, along)
    spread = math.sqrt(float(rest @ rest) / count)
    return Curve((center_x, center_y), (cosine, sine), bend, float(along.min()), float(along.max()), spread)


def parabola(bend: tuple[float, float, float], along: Floats) -> Floats:
    """How far a parabola is off its axis at positions along it."""
    square, slope, offset = bend
    return (square * along + slope) * along + offset
