"""The cladding as an axis-aligned ellipse, the core where one is visible.

Cameras with non-square pixels show the round fiber as an ellipse along the axes, so centre and two radii say it all.
A coarse search proposes discs from outlines at many gray levels on a small copy of the picture; each is then refined
along rays at full resolution, where the steepest edge of every ray votes and strangers (chips, dirt, glue) are left
out.  Polarity is free: the cladding may be darker or brighter than the ferrule, the core than the cladding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.ellipse import CLEAR_VOTE, MAX_ASPECT, FloatArray, distances, fit_ellipses, from_fit, median
from endface.errors import DefocusError, NoFiberError
from endface.report import Ellipse
from endface.rim import (
    MIN_LEVELS,
    MIN_RAYS_SEEN,
    MIN_SUPPORT,
    SIDE_PX,
    SIDE_SHARE,
    Rim,
    fit_rim,
    sample_rays,
    settle_rim,
)

COARSE_PX: Final = 200
"""Longer side of the small copy at most: a fiber of a quarter of the picture is still 50 pixels wide."""

LEVELS: Final = 20
"""Gray levels at which outlines are taken, as quantiles of the small copy."""

POINTS: Final = 64
"""Points of an outline that an ellipse is fitted to."""

MIN_RADIUS_SHARE: Final = 0.06
"""Smallest cladding radius as a share of the picture's longer side; a smaller one shows no micrometre."""

MIN_EDGE_LEVELS: Final = 8.0
"""Weakest cladding edge in gray levels: several times a camera's noise, a third of a very dark photograph's edge."""

COARSE_REACH: Final = 0.12
RIM_REACH: Final = 0.09
"""How far off an outline may lie from the edge, and the edge on the small copy from the one at full resolution, as
shares of the radius: an outline may follow the edge's dark line or its halo, 5 um to either side.
"""

CORE_SHARES: Final = (0.05, 0.8)
"""Core radius over cladding radius: 9 / 125 for single-mode, up to 100 / 140 for multimode."""

NEAR_SHARE: Final = 0.1
"""An outline's points lie on an ellipse within this share of the radius."""

ALIKE_SHARE: Final = 0.06
"""Outlines that differ by less than this share of the radius are one."""

ALIKE_PX: Final = 3
"""Outlines of two gray levels whose boxes share this grid are one, and cost no second fit."""

NESTED_RATIO: Final = 1.15
"""An edge so much wider than another one is another ring; closer ones are the same rim with its halo or glue gap."""

MAX_SHIFT: Final = 0.15
"""Rings have about one centre: a glue gap and what an outline strays by move it less than this share of the radius."""

CORE_WINDOW: Final = 0.06
CORE_GAP: Final = 0.015
"""Over these shares of the radius the levels on both sides of a step are averaged, and left out around it."""


@dataclass(frozen=True)
class Located:
    """What was found of the fiber."""

    cladding: Rim
    core: Ellipse | None


@dataclass(frozen=True)
class _Ring:
    """An outline that is an ellipse, and how much of a step it marks."""

    ellipse: Ellipse
    strength: float


def locate(gray: NDArray[np.uint8]) -> Located:
    """Find the fiber in a gray picture uint8 (H, W) without a black frame.

    Of nested edges (core, index rings, cladding) the outermost that stands out is the cladding.

    Raises:
        NoFiberError: no edge of the shape of a cladding stands out.
        DefocusError: one does, but it cannot be followed at full resolution.
    """
    small, factor = _shrink(gray)
    coarse = _coarse_rim(small)
    if coarse is None:
        raise NoFiberError(
            "no cladding edge was found in the picture; check that a connector is under the microscope and in focus"
        )
    center = (np.array(coarse.ellipse.center_px) + 0.5) * factor - 0.5
    guess = from_fit(np.concatenate([center, np.array(coarse.ellipse.radii_px) * factor]))
    rim = settle_rim(gray, guess, reach=RIM_REACH)
    if rim is not None and rim.support < CLEAR_VOTE:  # the guess was too far off for some of the rays
        rim = settle_rim(gray, rim.ellipse, reach=RIM_REACH)
    if rim is None or not _stands_out(rim):
        raise DefocusError("the outline of a fiber is there, but its edge is too soft to follow; focus again")
    return Located(rim, find_core(gray, rim.ellipse))


def _shrink(gray: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """A small copy and the whole number of pixels by which it is smaller: areas of whole pixels are averaged fast."""
    factor = max(math.ceil(max(gray.shape) / COARSE_PX), 1)
    height, width = (side // factor for side in gray.shape)
    if not height or not width:
        raise NoFiberError(f"no fiber fits into a picture of {gray.shape[1]} x {gray.shape[0]} pixels; send all of it")
    whole = gray[: height * factor, : width * factor]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.medianBlur(small, 3).astype(np.uint8, copy=False), factor


def _coarse_rim(small: NDArray[np.uint8]) -> Rim | None:
    """The cladding's rim on the small copy: the outermost ring that can be followed."""
    rings = [ring for outline in _outlines(small) if (ring := _ring(small, outline)) is not None]
    while rings:
        ring = _outermost(rings)
        rim = fit_rim(small, ring.ellipse, reach=COARSE_REACH, damaged=True)
        if rim is not None and rim.support < CLEAR_VOTE:
            rim = fit_rim(small, rim.ellipse, reach=COARSE_REACH, damaged=True)
        if rim is not None and _stands_out(rim):
            return rim
        rings.remove(ring)
    return None


def find_core(gray: NDArray[np.uint8], cladding: Ellipse) -> Ellipse | None:
    """The core inside a cladding, or None where no step stands out.

    An index ring is a thin line, up and down again within a few pixels; a core is a step that stays.  So the levels
    on both sides are compared across a gap that swallows such a line.
    """
    radius_px = sum(cladding.radii_px) / 2
    shares = np.linspace(0, 1, max(int(radius_px), 32))
    rays, _ = sample_rays(gray, cladding, shares)
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
    if abs(steps[best]) < MIN_LEVELS:
        return None
    share = float(at[best])
    guess = Ellipse(cladding.center_px, (cladding.radii_px[0] * share, cladding.radii_px[1] * share))
    rim = fit_rim(gray, guess, reach=max(0.2, 4 / (radius_px * share)), sign=float(np.sign(steps[best])))
    return guess if rim is None else rim.ellipse


def _outlines(small: NDArray[np.uint8]) -> list[Ellipse]:
    """Ellipses around outlines at several gray levels, alike ones once."""
    outlines = _long_outlines(small)
    if not outlines:
        return []
    fits = _outline_fits(outlines, small.shape)
    boxes: set[tuple[int, ...]] = set()
    found: list[int] = []
    known = np.zeros(len(fits), bool)
    for number in np.flatnonzero(~np.isnan(fits[:, 0])).tolist():
        box = tuple(side // ALIKE_PX for side in cv2.boundingRect(outlines[number]))
        if box not in boxes and not known[number]:
            found.append(number)
            known |= np.abs(fits - fits[number]).max(axis=1) < ALIKE_SHARE * fits[number, 2]
        boxes.add(box)
    return [from_fit(fit) for fit in fits[found]]


def _long_outlines(small: NDArray[np.uint8]) -> list[NDArray[np.int32]]:
    """Outlines (N, 2) at several gray levels that are as long as the part of a rim that must be seen."""
    long: list[NDArray[np.int32]] = []
    shortest = _shortest(small.shape)
    for level in np.unique(np.quantile(small[::2, ::2], np.linspace(0.01, 0.99, LEVELS)).astype(np.uint8)):
        _, above = cv2.threshold(small, float(level), 1, cv2.THRESH_BINARY)
        outlines, _ = cv2.findContours(above, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        long += [cast("NDArray[np.int32]", outline[:, 0]) for outline in outlines if len(outline) >= shortest]
    return long


def _shortest(shape: tuple[int, ...]) -> float:
    """Length of the part of the smallest rim that must be seen."""
    return MIN_RAYS_SEEN * 2 * math.pi * MIN_RADIUS_SHARE * max(shape)


def _outline_fits(outlines: list[NDArray[np.int32]], shape: tuple[int, ...]) -> FloatArray:
    """Centres and radii (K, 4) of outlines that are ellipses, judged by points off the picture's border; else NaN."""
    points, real = _some_points(outlines, shape)
    fits = fit_ellipses(points, real)
    off = np.abs(distances(points, fits))
    strays = np.flatnonzero((real & (off >= NEAR_SHARE)).any(axis=1))  # a hair or a scratch runs into these
    fits[strays] = fit_ellipses(points[strays], real[strays] & (off[strays] < 2 * NEAR_SHARE))
    near = real & (np.abs(distances(points, fits)) < NEAR_SHARE)
    sound = near.sum(axis=1) > MIN_SUPPORT * real.sum(axis=1)
    radius, other = fits[:, 2], fits[:, 3]
    sound &= (radius > MIN_RADIUS_SHARE * max(shape)) & (radius < 2 * max(shape))
    sound &= np.maximum(radius / other, other / radius) <= MAX_ASPECT
    fits[~sound] = np.nan
    return fits


def _some_points(outlines: list[NDArray[np.int32]], shape: tuple[int, ...]) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Points of each outline in equal steps (K, 2 * POINTS, 2), and which of them are real.

    Points on the picture's border are left out, and all of an outline that has too few others.  As the numbers of
    points differ, rows are filled up with their mean, which moves neither that nor their extent.
    """
    x, y = np.concatenate(outlines).T
    height, width = shape
    off_border = np.flatnonzero((x > 0) & (y > 0) & (x < width - 1) & (y < height - 1))
    ends = np.searchsorted(off_border, np.cumsum([len(outline) for outline in outlines]))
    counts = np.diff(ends, prepend=0)[:, None]
    at = np.arange(2 * POINTS) * np.maximum(counts // POINTS, 1)
    real = (at < counts) & (counts >= _shortest(shape))
    places = np.append(off_border, 0)[np.where(real, at + ends[:, None] - counts, -1)]
    share = real / np.maximum(real.sum(axis=1, keepdims=True), 1)
    planes = (np.where(real, plane[places], (plane[places] * share).sum(axis=1, keepdims=True)) for plane in (x, y))
    return np.stack(list(planes), axis=-1), real


def _ring(small: NDArray[np.uint8], outline: Ellipse) -> _Ring | None:
    """An outline with the step across it; None where it has none, or lies mostly out of the picture."""
    side = max(SIDE_SHARE, SIDE_PX / min(outline.radii_px))
    rays, _ = sample_rays(small, outline, np.array([1 - side, 1 + side]), count=POINTS)
    if rays is None:
        return None
    steps = rays[:, 1] - rays[:, 0]
    levels = float(median(steps))
    support = float((steps * np.sign(levels) > abs(levels) / 2).mean())
    return _Ring(outline, abs(levels) * support**2) if abs(levels) >= MIN_EDGE_LEVELS / 2 else None


def _outermost(rings: list[_Ring]) -> _Ring:
    """From the strongest ring outwards, to the strongest of each next ring around it."""
    outermost, around = rings[0], rings
    while around:
        outermost = max(around, key=lambda ring: ring.strength)
        around = [ring for ring in rings if _is_around(ring.ellipse, outermost.ellipse)]
    return outermost


def _stands_out(rim: Rim) -> bool:
    return abs(rim.levels) >= MIN_EDGE_LEVELS


def _is_around(outer: Ellipse, inner: Ellipse) -> bool:
    """Whether an ellipse lies around another one with about the same centre, too far to be the same edge."""
    sides = zip(outer.center_px, inner.center_px, outer.radii_px, inner.radii_px, strict=True)
    return all(
        abs(place - other) < MAX_SHIFT * radius and radius > NESTED_RATIO * narrower
        for place, other, radius, narrower in sides
    )
