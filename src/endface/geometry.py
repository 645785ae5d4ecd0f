"""The cladding as an axis-aligned ellipse, the core where one is visible.

Cameras with non-square pixels show the round fiber as an ellipse along the axes, so centre and two radii say it all.
A coarse search proposes discs from outlines at many gray levels on a small copy of the picture; each is then refined
along rays at full resolution, where the steepest edge of every ray votes and strangers (chips, dirt, glue) are left
out.  Polarity is free: the cladding may be darker or brighter than the ferrule, the core than the cladding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.errors import DefocusError, NoFiberError
from endface.report import Ellipse

FloatArray = NDArray[np.float64]

COARSE_PX: Final = 240
"""Longer side of the small copy: a fiber of a quarter of the picture is still 60 pixels wide."""

LEVELS: Final = 24
"""Gray levels at which outlines are taken, as quantiles of the small copy."""

MIN_RADIUS_SHARE: Final = 0.06
"""Smallest cladding radius as a share of the picture's longer side; a smaller one shows no micrometre."""

MAX_ASPECT: Final = 1.25
"""Largest ratio of the radii: pixels of cameras differ by up to 1.09 (PAL) or 1.19 (anamorphic)."""

RAYS: Final = 360
MIN_RAYS_SEEN: Final = 0.4
"""Share of the circumference that must lie in the picture."""

VOTE_SHARE: Final = 0.015
"""A ray's edge votes for the ellipse where it lies within this share of the radius."""

MIN_SUPPORT: Final = 0.6
"""Share of the rays that must vote; the others may be chipped, dirty or bridged by glue."""

CLEAR_VOTE: Final = 0.9
"""Share of the rays from which a fit needs no competition."""

MIN_EDGE_LEVELS: Final = 8.0
"""Weakest cladding edge in gray levels: several times a camera's noise, a third of a very dark photograph's edge."""

MIN_CORE_LEVELS: Final = 1.5
"""Weakest core step in gray levels; noise on the mean of all rays is about a tenth."""

CORE_SHARES: Final = (0.05, 0.8)
"""Core radius over cladding radius: 9 / 125 for single-mode, up to 100 / 140 for multimode."""

ALIKE_SHARE: Final = 0.06
"""Outlines that differ by less than this share of the radius are one."""

NESTED_RATIO: Final = 1.15
"""An edge so much wider than another one is another ring; closer ones are the same rim with its halo or glue gap."""

CORE_WINDOW: Final = 0.06
CORE_GAP: Final = 0.015
"""Over these shares of the radius the levels on both sides of a step are averaged, and left out around it."""

SMOOTHING_PX: Final = 1.5
"""Standard deviation of the smoothing along rays."""

SIDE_PX: Final = 5.0
SIDE_SHARE: Final = 0.06
"""Distance from an edge, in pixels or as a share of the radius, at which the levels on its two sides are read."""


@dataclass(frozen=True)
class Rim:
    """A fitted edge.

    Attributes:
        ellipse: Where it is.
        support: Share of the rays that agree with it.
        levels: Median gray step from inside to outside; negative where the inside is brighter.
        width_px: Median width of the edge from 10 to 90 % of its step.
    """

    ellipse: Ellipse
    support: float
    levels: float
    width_px: float


@dataclass(frozen=True)
class Located:
    """What was found of the fiber."""

    cladding: Rim
    core: Ellipse | None


def locate(gray: NDArray[np.uint8]) -> Located:
    """Find the fiber in a gray picture uint8 (H, W) without a black frame.

    Of nested edges (core, index rings, cladding) the outermost that stands out is the cladding.

    Raises:
        NoFiberError: no edge of the shape of a cladding stands out.
        DefocusError: one does, but it cannot be followed at full resolution.
    """
    factor = max(max(gray.shape) / COARSE_PX, 1.0)
    size = (round(gray.shape[1] / factor), round(gray.shape[0] / factor))
    small = cv2.medianBlur(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), 3).astype(np.uint8)
    coarse = _outermost(_fit_rim(small, outline, reach=0.12) for outline in _outlines(small))
    if coarse is None:
        raise NoFiberError(
            "no cladding edge was found in the picture; check that a connector is under the microscope and in focus"
        )
    scale = np.array([gray.shape[1] / size[0], gray.shape[0] / size[1]])
    center = (np.array(coarse.ellipse.center_px) + 0.5) * scale - 0.5
    guess = _ellipse(np.concatenate([center, np.array(coarse.ellipse.radii_px) * scale]))
    rim = _fit_rim(gray, guess, reach=0.08, sign=float(np.sign(coarse.levels)), damaged=True)
    if rim is None or not _stands_out(rim):
        raise DefocusError("the outline of a fiber is there, but its edge is too soft to follow; focus again")
    return Located(rim, find_core(gray, rim.ellipse))


def find_core(gray: NDArray[np.uint8], cladding: Ellipse) -> Ellipse | None:
    """The core inside a cladding, or None where no step stands out.

    An index ring is a thin line, up and down again within a few pixels; a core is a step that stays.  So the levels
    on both sides are compared across a gap that swallows such a line.
    """
    radius_px = float(np.mean(cladding.radii_px))
    shares = np.linspace(0, 1, max(int(radius_px), 32))
    rays, _ = _rays(gray, cladding, shares)
    if rays is None:
        return None
    levels = np.median(rays, axis=0)
    window, gap = max(round(CORE_WINDOW * len(shares)), 2), max(round(CORE_GAP * len(shares)), 1)
    reach = window + gap
    means = np.convolve(np.pad(levels, (reach, 0), mode="reflect"), np.ones(window) / window, mode="valid")
    steps = means[reach + gap :] - means[: -(reach + gap)]
    at = shares[: len(steps)]
    steps[(at < CORE_SHARES[0]) | (at > CORE_SHARES[1])] = 0
    best = int(np.abs(steps).argmax())
    if abs(steps[best]) < MIN_CORE_LEVELS:
        return None
    share = float(at[best])
    guess = Ellipse(cladding.center_px, (cladding.radii_px[0] * share, cladding.radii_px[1] * share))
    rim = _fit_rim(gray, guess, reach=max(0.2, 4 / (radius_px * share)), sign=float(np.sign(steps[best])))
    return guess if rim is None else rim.ellipse


def fit_ellipse(points: FloatArray, weights: FloatArray | None = None) -> FloatArray | None:
    """Axis-aligned ellipse through points (N, 2) by weighted algebraic least squares.

    Solves ``a x^2 + b y^2 + c x + d y = 1`` on centred and scaled points.

    Returns:
        Centre x, y and radii x, y; None where the points lie on no ellipse.
    """
    middle, spread = points.mean(axis=0), float(np.ptp(points)) or 1.0
    x, y = ((points - middle) / spread).T
    columns = np.stack([x * x, y * y, x, y], axis=1)
    weight = np.ones(len(points)) if weights is None else weights
    weighted = columns * weight[:, None]
    try:
        a, b, c, d = np.linalg.solve(weighted.T @ weighted, weighted.T @ weight)
    except np.linalg.LinAlgError:
        return None  # fewer than four different points, or all on a line
    if not (a > 0 and b > 0):
        return None
    center = np.array([-c / (2 * a), -d / (2 * b)])
    total = 1 + a * center[0] ** 2 + b * center[1] ** 2
    fit: FloatArray = np.concatenate([middle + center * spread, np.sqrt([total / a, total / b]) * spread])
    return fit


def _outlines(small: NDArray[np.uint8]) -> Iterator[Ellipse]:
    """Ellipses around outlines at several gray levels, alike ones once."""
    known: list[FloatArray] = []
    shortest = MIN_RAYS_SEEN * 2 * math.pi * MIN_RADIUS_SHARE * max(small.shape)
    for level in np.unique(np.quantile(small, np.linspace(0.01, 0.99, LEVELS)).astype(np.uint8)):
        outlines, _ = cv2.findContours((small > level).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        for outline in outlines:
            if len(outline) < shortest:
                continue
            found = _outline_ellipse(outline[:, 0, :].astype(np.float64), (small.shape[1], small.shape[0]))
            if found is None or any(np.abs(found - other).max() < ALIKE_SHARE * other[2] for other in known):
                continue
            known.append(found)
            yield _ellipse(found)


def _outline_ellipse(points: FloatArray, size: tuple[int, int]) -> FloatArray | None:
    """Centre and radii of an outline that is an ellipse, judged by its points off the picture's border."""
    smallest = MIN_RADIUS_SHARE * max(size)
    inner = points[((points > 0) & (points < np.array(size) - 1)).all(axis=1)]
    if len(inner) < MIN_RAYS_SEEN * 2 * math.pi * smallest:
        return None
    fit = fit_ellipse(inner)
    if fit is None or not smallest < fit[2] < 2 * max(size) or not _aspect(fit) < MAX_ASPECT:
        return None
    near = np.abs(_distance(inner, fit)) < 0.1
    return fit if near.mean() > 0.7 else None


def _outermost(found: Iterable[Rim | None]) -> Rim | None:
    """From the strongest edge outwards, to the strongest of each next ring around it."""
    rims = [rim for rim in found if rim is not None and _stands_out(rim)]
    outermost, around = None, rims
    while around:
        outermost = max(around, key=_strength)
        around = [rim for rim in rims if _is_around(rim.ellipse, outermost.ellipse)]
    return outermost


def _stands_out(rim: Rim) -> bool:
    return abs(rim.levels) >= MIN_EDGE_LEVELS


def _strength(rim: Rim) -> float:
    return abs(rim.levels) * rim.support**2


def _fit_rim(
    gray: NDArray[np.uint8], guess: Ellipse, *, reach: float, sign: float = 0.0, damaged: bool = False
) -> Rim | None:
    """Fit the steepest edges along rays within ``reach`` (a share of the radius) of a guess.

    ``sign`` is that of the step from inside to outside; 0 takes that between the ends of the rays.
    ``damaged`` expects arcs of the rim to be missing.
    """
    radius_px = float(np.mean(guess.radii_px))
    shares = 1 + np.linspace(-reach, reach, max(int(4 * reach * radius_px), 16) + 1)
    step_px = float(shares[1] - shares[0]) * radius_px
    rays, directions = _rays(gray, guess, shares, count=min(RAYS, int(4 * radius_px)))
    if rays is None:
        return None
    smooth = cv2.GaussianBlur(rays, (0, 0), sigmaX=SMOOTHING_PX / step_px, sigmaY=0.5)
    slopes = np.gradient(smooth, axis=1)
    sign = sign or float(np.sign(np.median(smooth[:, -1] - smooth[:, 0]))) or 1.0
    at = (sign * slopes).argmax(axis=1)
    points = np.array(guess.center_px, np.float64) + directions * shares[at, None]
    fit = _robust_fit(points) if damaged else _reweighted_fit(points)
    if fit is None or _aspect(fit) > MAX_ASPECT:
        return None
    votes = np.flatnonzero(np.abs(_distance(points, fit)) < max(VOTE_SHARE, 1 / radius_px))
    if len(votes) < MIN_SUPPORT * len(points):
        return None
    side = round(max(SIDE_PX, SIDE_SHARE * radius_px) / step_px)
    outside = smooth[votes, np.minimum(at[votes] + side, len(shares) - 1)]
    inside = smooth[votes, np.maximum(at[votes] - side, 0)]
    levels = float(np.median(outside - inside))
    if abs(levels) < MIN_CORE_LEVELS:
        return None
    slope = abs(float(np.median(slopes[votes, at[votes]]))) / step_px
    return Rim(_ellipse(fit), len(votes) / len(points), levels, _edge_width_px(abs(levels), slope))


def _edge_width_px(levels: float, slope: float) -> float:
    """Width from 10 to 90 % of a Gaussian edge, which is its step over its slope, less our own smoothing."""
    blur_px = math.sqrt(2 * math.pi) * SMOOTHING_PX
    return math.sqrt(max((levels / slope) ** 2 - blur_px**2, 0.0))


def _robust_fit(points: FloatArray) -> FloatArray | None:
    """Ellipse that most of the points agree on, in the order of their angles.

    Damage takes arcs of the rim and pulls all in one direction, so where the fit to all points leaves many aside,
    fits that leave out a third of the circumference in turn compete with it.
    """
    best, most = None, 0.0
    for start in (points, *_without_arcs(points)):
        fit = _reweighted_fit(points, start)
        votes = 0.0 if fit is None else float((np.abs(_distance(points, fit)) < VOTE_SHARE / 2).mean())
        if votes > most:
            best, most = fit, votes
        if most > CLEAR_VOTE:
            break
    return best


def _without_arcs(points: FloatArray) -> Iterator[FloatArray]:
    for first in range(0, len(points), len(points) // 12):
        yield np.roll(points, -first, axis=0)[: len(points) * 2 // 3]


def _reweighted_fit(points: FloatArray, start: FloatArray | None = None) -> FloatArray | None:
    """Least squares from a first fit to some of the points (or all), repeated with Tukey's weights until it rests."""
    fit = fit_ellipse(points if start is None else start)
    for _ in range(8):
        if fit is None:
            return None
        off = _distance(points, fit)
        scale = max(4.685 * 1.4826 * float(np.median(np.abs(off))), VOTE_SHARE / 2)  # Tukey's 95 % constant times MAD
        last, fit = fit, fit_ellipse(points, np.clip(1 - (off / scale) ** 2, 0, None))
        if fit is not None and np.abs(fit - last).max() < 3e-4 * last[2]:
            break
    return fit


def _rays(
    gray: NDArray[np.uint8], around: Ellipse, shares: FloatArray, *, count: int = RAYS
) -> tuple[NDArray[np.float32] | None, FloatArray]:
    """Levels along those rays that lie in the picture: float32 (rays, shares), and the rays' vectors (rays, 2).

    No levels where too few of the ``count`` rays do.
    """
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array(around.radii_px)
    ends = np.array(around.center_px) + directions * shares[-1]
    directions = directions[((ends >= 0) & (ends <= np.array(gray.shape[::-1]) - 1)).all(axis=1)]
    if len(directions) < MIN_RAYS_SEEN * count:
        return None, directions
    at = (np.array(around.center_px) + directions[:, None, :] * shares[None, :, None]).astype(np.float32)
    levels = cv2.remap(gray, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return levels.astype(np.float32), directions


def _distance(points: FloatArray, fit: FloatArray) -> FloatArray:
    """How far points lie off an ellipse, as a share of its radius; positive outside."""
    x, y = ((points - fit[:2]) / fit[2:]).T
    off: FloatArray = np.hypot(x, y) - 1
    return off


def _aspect(fit: FloatArray) -> float:
    return float(max(fit[2] / fit[3], fit[3] / fit[2]))


def _is_around(outer: Ellipse, inner: Ellipse) -> bool:
    """Whether an ellipse lies around another one with about the same centre, too far to be the same edge."""
    shift = np.abs(np.subtract(outer.center_px, inner.center_px)) < 0.1 * np.array(outer.radii_px)
    wider = np.array(outer.radii_px) > NESTED_RATIO * np.array(inner.radii_px)
    return bool(shift.all() and wider.all())


def _ellipse(fit: FloatArray) -> Ellipse:
    x, y, radius_x, radius_y = (float(value) for value in fit)
    return Ellipse((x, y), (radius_x, radius_y))
