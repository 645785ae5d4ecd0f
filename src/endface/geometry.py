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

from endface.ellipse import MAX_ASPECT, FloatArray, aspect, distance, fit_ellipse, from_fit
from endface.errors import DefocusError, NoFiberError
from endface.report import Ellipse
from endface.rim import MIN_LEVELS, MIN_RAYS_SEEN, Rim, fit_rim, sample_rays

COARSE_PX: Final = 240
"""Longer side of the small copy: a fiber of a quarter of the picture is still 60 pixels wide."""

LEVELS: Final = 24
"""Gray levels at which outlines are taken, as quantiles of the small copy."""

MIN_RADIUS_SHARE: Final = 0.06
"""Smallest cladding radius as a share of the picture's longer side; a smaller one shows no micrometre."""

MIN_EDGE_LEVELS: Final = 8.0
"""Weakest cladding edge in gray levels: several times a camera's noise, a third of a very dark photograph's edge."""

CORE_SHARES: Final = (0.05, 0.8)
"""Core radius over cladding radius: 9 / 125 for single-mode, up to 100 / 140 for multimode."""

ALIKE_SHARE: Final = 0.06
"""Outlines that differ by less than this share of the radius are one."""

NESTED_RATIO: Final = 1.15
"""An edge so much wider than another one is another ring; closer ones are the same rim with its halo or glue gap."""

CORE_WINDOW: Final = 0.06
CORE_GAP: Final = 0.015
"""Over these shares of the radius the levels on both sides of a step are averaged, and left out around it."""


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
    coarse = _outermost(fit_rim(small, outline, reach=0.12) for outline in _outlines(small))
    if coarse is None:
        raise NoFiberError(
            "no cladding edge was found in the picture; check that a connector is under the microscope and in focus"
        )
    scale = np.array([gray.shape[1] / size[0], gray.shape[0] / size[1]])
    center = (np.array(coarse.ellipse.center_px) + 0.5) * scale - 0.5
    guess = from_fit(np.concatenate([center, np.array(coarse.ellipse.radii_px) * scale]))
    rim = fit_rim(gray, guess, reach=0.08, sign=float(np.sign(coarse.levels)), damaged=True)
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
            yield from_fit(found)


def _outline_ellipse(points: FloatArray, size: tuple[int, int]) -> FloatArray | None:
    """Centre and radii of an outline that is an ellipse, judged by its points off the picture's border."""
    smallest = MIN_RADIUS_SHARE * max(size)
    inner = points[((points > 0) & (points < np.array(size) - 1)).all(axis=1)]
    if len(inner) < MIN_RAYS_SEEN * 2 * math.pi * smallest:
        return None
    fit = fit_ellipse(inner)
    if fit is None or not smallest < fit[2] < 2 * max(size) or not aspect(fit) < MAX_ASPECT:
        return None
    near = np.abs(distance(inner, fit)) < 0.1
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


def _is_around(outer: Ellipse, inner: Ellipse) -> bool:
    """Whether an ellipse lies around another one with about the same centre, too far to be the same edge."""
    shift = np.abs(np.subtract(outer.center_px, inner.center_px)) < 0.1 * np.array(outer.radii_px)
    wider = np.array(outer.radii_px) > NESTED_RATIO * np.array(inner.radii_px)
    return bool(shift.all() and wider.all())
