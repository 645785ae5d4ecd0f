"""Axis-aligned ellipses through points: exactly, robustly, and past damage.

A fit is an array of centre x, y and radii x, y.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.report import Ellipse

FloatArray = NDArray[np.float64]

VOTE_SHARE: Final = 0.015
"""A point agrees with an ellipse where it lies within this share of the radius."""

CLEAR_VOTE: Final = 0.9
"""Share of the points from which a fit needs no competition."""

MAX_ASPECT: Final = 1.25
"""Largest ratio of the radii: pixels of cameras differ by up to 1.09 (PAL) or 1.19 (anamorphic)."""


def fit_ellipse(points: FloatArray, weights: FloatArray | None = None) -> FloatArray | None:
    """Axis-aligned ellipse through points (N, 2) by weighted algebraic least squares.

    Solves ``a x^2 + b y^2 + c x + d y = 1`` on centred and scaled points.

    Returns:
        Centre x, y and radii x, y; None where the points lie on no ellipse.
    """
    middle, spread = points.mean(axis=0), float(np.ptp(points)) or 1.0
    x, y = ((points - middle) / spread).T
    rows = np.array([x * x, y * y, x, y])
    squares = np.ones(len(points)) if weights is None else weights**2
    weighted = rows * squares
    try:
        a, b, c, d = np.linalg.solve(weighted @ rows.T, weighted.sum(axis=1))
    except np.linalg.LinAlgError:
        return None  # fewer than four different points, or all on a line
    if not (a > 0 and b > 0):
        return None
    center = np.array([-c / (2 * a), -d / (2 * b)])
    total = 1 + a * center[0] ** 2 + b * center[1] ** 2
    fit: FloatArray = np.concatenate([middle + center * spread, np.sqrt([total / a, total / b]) * spread])
    return fit


def robust_fit(points: FloatArray, tolerance: float = VOTE_SHARE / 2) -> FloatArray | None:
    """Ellipse that most of the points agree on, in the order of their angles.

    Damage takes arcs of the rim and pulls all in one direction, so where the fit to all points leaves many aside,
    fits that leave out a third of the circumference in turn compete with it.  A point agrees within ``tolerance``.
    """
    best, most = None, 0.0
    for start in (points, *_without_arcs(points)):
        fit = reweighted_fit(points, start)
        votes = 0.0 if fit is None else float((np.abs(distance(points, fit)) < tolerance).mean())
        if votes > most:
            best, most = fit, votes
        if most > CLEAR_VOTE:
            break
    return best


def _without_arcs(points: FloatArray) -> Iterator[FloatArray]:
    for first in range(0, len(points), max(len(points) // 12, 1)):
        yield np.roll(points, -first, axis=0)[: len(points) * 2 // 3]


def reweighted_fit(points: FloatArray, start: FloatArray | None = None) -> FloatArray | None:
    """Least squares from a first fit to some of the points (or all), repeated with Tukey's weights until it rests."""
    fit = fit_ellipse(points if start is None else start)
    for _ in range(8):
        if fit is None:
            return None
        off = distance(points, fit)
        scale = max(4.685 * 1.4826 * float(np.median(np.abs(off))), VOTE_SHARE / 2)  # Tukey's 95 % constant times MAD
        last, fit = fit, fit_ellipse(points, np.clip(1 - (off / scale) ** 2, 0, None))
        if fit is not None and np.abs(fit - last).max() < 3e-4 * last[2]:
            break
    return fit


def distance(points: FloatArray, fit: FloatArray) -> FloatArray:
    """How far points lie off an ellipse, as a share of its radius; positive outside."""
    x, y = ((points - fit[:2]) / fit[2:]).T
    off: FloatArray = np.hypot(x, y) - 1
    return off


def aspect(fit: FloatArray) -> float:
    """Longer over shorter radius."""
    return float(max(fit[2] / fit[3], fit[3] / fit[2]))


def from_fit(fit: FloatArray) -> Ellipse:
    """The fit as a value of the report."""
    x, y, radius_x, radius_y = (float(value) for value in fit)
    return Ellipse((x, y), (radius_x, radius_y))
