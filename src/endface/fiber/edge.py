"""The edge of a disc, followed along rays from its center."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.fiber.ellipse import (
    CLEAR_VOTE,
    MAX_ASPECT,
    VOTE_SHARE,
    aspect,
    distances,
    from_fit,
    reweighted_fits,
    robust_fit,
)
from endface.fiber.rays import Strip, unwrap
from endface.order import median
from endface.report import Ellipse

MIN_SUPPORT: Final = 0.6
"""Share of the rays that must vote; the others may be chipped, dirty or bridged by glue."""

MIN_LEVELS: Final = 1.5
"""Weakest edge in gray levels; noise on the mean of all rays is about a tenth."""

SIDE_PX: Final = 5.0
SIDE_SHARE: Final = 0.06
"""Distance from an edge, in pixels or as a share of the radius, at which the levels on its two sides are read."""

UP_SHARE: Final = 0.5
"""A step up of at least this share of the steepest step down is the edge of a cladding in a darker ferrule.

On drawn dark ferrules such a step in the median profile was the edge in 0.88 of the cases; where it is weaker, noise
and rings take over.
"""


@dataclass(frozen=True)
class Edge:
    """A fitted edge.

    Attributes:
        ellipse: where it is.
        support: share of the rays that agree with it.
        levels: median gray step from inside to outside; negative where the inside is brighter.
    """

    ellipse: Ellipse
    support: float
    levels: float


def fit_edge(
    gray: NDArray[np.uint8], guess: Ellipse, *, reach: float, sign: float = 0.0, damaged: bool = False
) -> Edge | None:
    """Fit the steepest edges along rays within ``reach`` (a share of the radius) of a guess.

    ``sign`` is that of the step from inside to outside; 0 takes that between the ends of the rays.
    ``damaged`` expects arcs of the rim to be missing.
    """
    strip = unwrap(gray, guess, reach)
    if strip is None:
        return None
    sign = sign or float(np.sign(median(strip.levels[:, -1] - strip.levels[:, 0]))) or 1.0
    return fit_slopes(strip, sign, damaged=damaged)


def fit_twice(
    fit: Callable[[Ellipse], Edge | None], guess: Ellipse, *, far_off: float = math.inf, keep_from: float = 0.0
) -> Edge | None:
    """Fit an edge once more from itself where the guess was too far off for some rays.

    The guess was so where too few rays agree, or where a radius changed by more than the share ``far_off``.  Where the
    second fit fails, the first one stays if at least the share ``keep_from`` of the rays supports it.
    """
    first = fit(guess)
    if first is None:
        return None
    sides = zip(guess.radii_px, first.ellipse.radii_px, strict=True)
    if first.support >= CLEAR_VOTE and all(abs(was - radius) <= far_off * radius for was, radius in sides):
        return first
    return fit(first.ellipse) or (first if first.support >= keep_from else None)


def fit_cladding_edge(gray: NDArray[np.uint8], guess: Ellipse, *, reach: float) -> Edge | None:
    """Fit a cladding's rim, of which arcs may be damaged, within ``reach`` of a guess.

    The edge has a dark line inside and a halo outside: between them the picture becomes brighter, also where the
    ferrule is the darker one.  Only where neither is seen is the edge of such a fiber a step down; then line, edge and
    halo may be one slope, and the edge is taken where a sharp step would leave as much light.
    """
    strip = unwrap(gray, guess, reach)
    if strip is None:
        return None
    steepest = float(median(np.abs(strip.slopes).max(axis=1)))
    up, down = (float(np.clip((sign * strip.slopes).max(axis=1), 0, steepest).mean()) for sign in (1, -1))
    if up >= UP_SHARE * down:
        edge = fit_slopes(strip, 1.0, damaged=True) or fit_slopes(strip, 1.0, damaged=True, outermost=True)
        if edge is not None:
            return edge
    edge = fit_slopes(strip, -1.0, damaged=True)
    around = None if edge is None else unwrap(gray, edge.ellipse, reach)
    return None if edge is None or around is None else _as_sharp_step(around, edge)


def fit_slopes(
    strip: Strip, sign: float, *, damaged: bool, outermost: bool = False, between_samples: bool = False
) -> Edge | None:
    """The ellipse through the steepest slope of that sign on every ray, or the outermost steep one; None where too few
    rays agree.

    Around a guess that has the very center of the edge all rays miss it by the same part of a sample;
    ``between_samples`` looks there.
    """
    slopes = sign * strip.slopes
    at = _outermost(slopes) if outermost else slopes.argmax(axis=1)
    shares = strip.shares[at]
    if between_samples:
        shares = shares + _past_sample(slopes, at) * (strip.shares[1] - strip.shares[0])
    points = np.array(strip.around.center_px, np.float64) + strip.directions * shares[:, None]
    pixel = 1 / strip.radius_px
    fit = robust_fit(points, max(VOTE_SHARE, pixel) / 2) if damaged else reweighted_fits(points, points[None])[0]
    if not aspect(fit) <= MAX_ASPECT:  # NaN where there is no fit
        return None
    votes = np.flatnonzero(np.abs(distances(points, fit[None])[0]) < max(VOTE_SHARE, pixel))
    if len(votes) < MIN_SUPPORT * len(points):
        return None
    levels = _levels(strip, votes, at[votes], sign)
    if abs(levels) < MIN_LEVELS:
        return None
    if not median(strip.slopes[votes, at[votes]]):
        return None  # levels that differ without an edge between them
    return Edge(from_fit(fit), len(votes) / len(points), levels)


def _past_sample(slopes: NDArray[np.float32], at: NDArray[np.intp]) -> NDArray[np.float32]:
    """How many samples behind the steepest one of each ray a parabola through it and its neighbors has its top."""
    rays = np.arange(len(at))
    here = np.clip(at, 1, slopes.shape[1] - 2)
    before, peak, behind = (slopes[rays, here + side] for side in (-1, 0, 1))
    bend = np.maximum(2 * peak - before - behind, 1e-6)
    return np.asarray(np.clip((behind - before) / 2 / bend, -0.5, 0.5), np.float32)


def _outermost(slopes: NDArray[np.float32]) -> NDArray[np.intp]:
    """Where each ray has its last slope that is at least half as steep as its steepest."""
    peaks = slopes > slopes.max(axis=1, keepdims=True) / 2
    peaks[:, 1:] &= slopes[:, 1:] >= slopes[:, :-1]
    peaks[:, :-1] &= slopes[:, :-1] > slopes[:, 1:]
    from_end: NDArray[np.intp] = peaks[:, ::-1].argmax(axis=1)
    return slopes.shape[1] - 1 - from_end


def _levels(strip: Strip, rays: NDArray[np.intp], at: NDArray[np.intp], sign: float) -> float:
    """Median step across an edge: between its sides, or between its line and halo where the sides say otherwise."""
    last = len(strip.shares) - 1
    side = round(max(SIDE_PX, SIDE_SHARE * strip.radius_px) / strip.step_px)
    outside = strip.levels[rays, np.minimum(at + side, last)]
    inside = strip.levels[rays, np.maximum(at - side, 0)]
    levels = float(median(outside - inside))
    near = np.clip(at[:, None] + np.arange(-(side // 2), side // 2 + 1), 0, last)
    swing = float(median(np.ptp(strip.levels[rays[:, None], near], axis=1)))
    return levels if sign * levels >= swing / 2 else sign * swing


def _as_sharp_step(strip: Strip, edge: Edge) -> Edge | None:
    """An edge moved to where a sharp step down would leave as much light as the strip around it shows.

    None where the picture does not become darker, or the light belongs to something else than an edge.
    """
    levels = median(strip.levels.T)
    inside, outside = float(levels[0]), float(levels[-1])
    if inside - outside < MIN_LEVELS:
        return None
    left = (levels - outside) / (inside - outside)
    share = float(strip.shares[0] + (left.sum() - 0.5) * (strip.shares[1] - strip.shares[0]))
    if not strip.shares[0] < share < strip.shares[-1]:
        return None
    x, y = edge.ellipse.radii_px
    return replace(edge, ellipse=replace(edge.ellipse, radii_px=(x * share, y * share)))
