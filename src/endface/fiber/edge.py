"""The edge of a disc, followed along rays from its center."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.ellipse import (
    CLEAR_VOTE,
    MAX_ASPECT,
    VOTE_SHARE,
    FloatArray,
    aspect,
    distances,
    from_fit,
    median,
    reweighted_fits,
    robust_fit,
)
from endface.report import Ellipse

RAYS: Final = 180
"""Two degrees apart: a chip that hides the edge on one ray seldom hides it on the next."""

MIN_RAYS_SEEN: Final = 0.4
"""Share of the circumference that must lie in the picture."""

MIN_SUPPORT: Final = 0.6
"""Share of the rays that must vote; the others may be chipped, dirty or bridged by glue."""

MIN_LEVELS: Final = 1.5
"""Weakest edge in gray levels; noise on the mean of all rays is about a tenth."""

SMOOTHING_PX: Final = 1.5
"""Standard deviation of the smoothing along rays."""

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


@dataclass(frozen=True)
class _Strip:
    """The surroundings of a guessed edge, unwrapped: levels and their slopes along rays that lie in the picture.

    Attributes:
        around: the guess.
        shares: distances along a ray in parts of the guess's radius (samples,).
        directions: the rays' vectors, one radius long (rays, 2).
        levels: smoothed gray levels float32 (rays, samples).
        slopes: their change from one sample to the next.
    """

    around: Ellipse
    shares: FloatArray
    directions: FloatArray
    levels: NDArray[np.float32]
    slopes: NDArray[np.float32]

    @property
    def radius_px(self) -> float:
        """The guess's mean radius."""
        return sum(self.around.radii_px) / 2

    @property
    def step_px(self) -> float:
        """Distance of the samples along a ray."""
        return float(self.shares[1] - self.shares[0]) * self.radius_px


def fit_edge(
    gray: NDArray[np.uint8], guess: Ellipse, *, reach: float, sign: float = 0.0, damaged: bool = False
) -> Edge | None:
    """Fit the steepest edges along rays within ``reach`` (a share of the radius) of a guess.

    ``sign`` is that of the step from inside to outside; 0 takes that between the ends of the rays.
    ``damaged`` expects arcs of the rim to be missing.
    """
    strip = _unwrap(gray, guess, reach)
    if strip is None:
        return None
    sign = sign or float(np.sign(median(strip.levels[:, -1] - strip.levels[:, 0]))) or 1.0
    return _follow(strip, sign, damaged=damaged)


def fit_twice(fit: Callable[[Ellipse], Edge | None], guess: Ellipse) -> Edge | None:
    """Fit an edge once more where the guess was too far off for some rays; the first one stays where that fails."""
    first = fit(guess)
    if first is None or first.support >= CLEAR_VOTE:
        return first
    return fit(first.ellipse) or first


def fit_cladding_edge(gray: NDArray[np.uint8], guess: Ellipse, *, reach: float) -> Edge | None:
    """Fit a cladding's rim, of which arcs may be damaged, within ``reach`` of a guess.

    The edge has a dark line inside and a halo outside: between them the picture becomes brighter, also where the
    ferrule is the darker one.  Only where neither is seen is the edge of such a fiber a step down; then line, edge and
    halo may be one slope, and the edge is taken where a sharp step would leave as much light.
    """
    strip = _unwrap(gray, guess, reach)
    if strip is None:
        return None
    steepest = float(median(np.abs(strip.slopes).max(axis=1)))
    up, down = (float(np.clip((sign * strip.slopes).max(axis=1), 0, steepest).mean()) for sign in (1, -1))
    if up >= UP_SHARE * down:
        edge = _follow(strip, 1.0, damaged=True) or _follow(strip, 1.0, damaged=True, outermost=True)
        if edge is not None:
            return edge
    edge = _follow(strip, -1.0, damaged=True)
    around = None if edge is None else _unwrap(gray, edge.ellipse, reach)
    return None if edge is None or around is None else _as_sharp_step(around, edge)


def _unwrap(gray: NDArray[np.uint8], guess: Ellipse, reach: float) -> _Strip | None:
    """The rays within ``reach`` of a guess; None where too few lie in the picture."""
    radius_px = sum(guess.radii_px) / 2
    shares = 1 + np.linspace(-reach, reach, max(int(4 * reach * radius_px), 16) + 1)
    step_px = float(shares[1] - shares[0]) * radius_px
    rays, directions = sample_rays(gray, guess, shares, count=min(RAYS, int(4 * radius_px)))
    if rays is None:
        return None
    levels = cv2.GaussianBlur(rays, (0, 0), sigmaX=SMOOTHING_PX / step_px, sigmaY=0.5).astype(np.float32, copy=False)
    slopes = np.zeros_like(levels)
    slopes[:, 1:-1] = (levels[:, 2:] - levels[:, :-2]) / 2
    return _Strip(guess, shares, directions, levels, slopes)


def _follow(strip: _Strip, sign: float, *, damaged: bool, outermost: bool = False) -> Edge | None:
    """The ellipse through the steepest slope of every ray, or the outermost steep one, if enough rays agree."""
    slopes = sign * strip.slopes
    at = _outermost(slopes) if outermost else slopes.argmax(axis=1)
    points = np.array(strip.around.center_px, np.float64) + strip.directions * strip.shares[at, None]
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


def _outermost(slopes: NDArray[np.float32]) -> NDArray[np.intp]:
    """Where each ray has its last slope that is at least half as steep as its steepest."""
    peaks = slopes > slopes.max(axis=1, keepdims=True) / 2
    peaks[:, 1:] &= slopes[:, 1:] >= slopes[:, :-1]
    peaks[:, :-1] &= slopes[:, :-1] > slopes[:, 1:]
    from_end: NDArray[np.intp] = peaks[:, ::-1].argmax(axis=1)
    return slopes.shape[1] - 1 - from_end


def _levels(strip: _Strip, rays: NDArray[np.intp], at: NDArray[np.intp], sign: float) -> float:
    """Median step across an edge: between its sides, or between its line and halo where the sides say otherwise."""
    last = len(strip.shares) - 1
    side = round(max(SIDE_PX, SIDE_SHARE * strip.radius_px) / strip.step_px)
    outside = strip.levels[rays, np.minimum(at + side, last)]
    inside = strip.levels[rays, np.maximum(at - side, 0)]
    levels = float(median(outside - inside))
    near = np.clip(at[:, None] + np.arange(-(side // 2), side // 2 + 1), 0, last)
    swing = float(median(np.ptp(strip.levels[rays[:, None], near], axis=1)))
    return levels if sign * levels >= swing / 2 else sign * swing


def _as_sharp_step(strip: _Strip, edge: Edge) -> Edge | None:
    """An edge moved to where a sharp step down would leave as much light as the strip around it shows.

    None where the picture does not become darker, or the light belongs to something else than an edge.
    """
    levels = np.median(strip.levels, axis=0)
    inside, outside = float(levels[0]), float(levels[-1])
    if inside - outside < MIN_LEVELS:
        return None
    left = (levels - outside) / (inside - outside)
    share = float(strip.shares[0] + (left.sum() - 0.5) * (strip.shares[1] - strip.shares[0]))
    if not strip.shares[0] < share < strip.shares[-1]:
        return None
    x, y = edge.ellipse.radii_px
    return replace(edge, ellipse=replace(edge.ellipse, radii_px=(x * share, y * share)))


def sample_rays(
    gray: NDArray[np.uint8], around: Ellipse, shares: FloatArray, *, count: int = RAYS
) -> tuple[NDArray[np.float32] | None, FloatArray]:
    """Levels along those rays that lie in the picture: float32 (rays, shares), and the rays' vectors (rays, 2).

    No levels where too few of the ``count`` rays do.
    """
    directions: FloatArray = _circle(count) * around.radii_px
    ends = np.array(around.center_px) + directions * shares[-1]
    directions = directions[((ends >= 0) & (ends <= np.array(gray.shape[::-1]) - 1)).all(axis=1)]
    if len(directions) < MIN_RAYS_SEEN * count:
        return None, directions
    x, y = (
        along[:, None] * shares.astype(np.float32) + np.float32(middle)
        for along, middle in zip(directions.T.astype(np.float32), around.center_px, strict=True)
    )
    levels = cv2.remap(gray, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return levels.astype(np.float32), directions


@lru_cache(maxsize=RAYS)
def _circle(count: int) -> FloatArray:
    """Vectors of length 1 (count, 2), clockwise on the screen from the right; read-only."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    directions: FloatArray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    directions.setflags(write=False)
    return directions
