"""The cladding as an axis-aligned ellipse, the core where one is visible.

Cameras with non-square pixels show the round fiber as an ellipse along the axes, so center and two radii say it all.
A coarse search proposes discs from outlines at many gray levels on a small copy of the picture; each is then refined
along rays at full resolution, where the steepest edge of every ray votes and strangers (chips, dirt, glue) are left
out.  Polarity is free: the cladding may be darker or brighter than the ferrule, the core than the cladding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.errors import DefocusError, NoFiberError
from endface.fiber.edge import (
    MIN_LEVELS,
    SIDE_PX,
    SIDE_SHARE,
    Edge,
    fit_cladding_edge,
    fit_edge,
    fit_twice,
    sample_rays,
)
from endface.fiber.ellipse import CLEAR_VOTE, from_fit, median
from endface.fiber.outlines import POINTS, find_outlines
from endface.report import Ellipse, Fiber

COARSE_PX: Final = 200
"""Longer side of the small copy at most: a fiber of a quarter of the picture is still 50 pixels wide."""

MIN_EDGE_LEVELS: Final = 8.0
"""Weakest cladding edge in gray levels: several times a camera's noise, a third of a very dark photograph's edge."""

COARSE_REACH: Final = 0.12
EDGE_REACH: Final = 0.09
"""How far off an outline may lie from the edge, and the edge on the small copy from the one at full resolution, as
shares of the radius: an outline may follow the edge's dark line or its halo, 5 um to either side.
"""

CORE_SHARES: Final = (0.05, 0.8)
"""Core radius over cladding radius: 9 / 125 for single-mode, up to 100 / 140 for multimode."""

NESTED_RATIO: Final = 1.15
"""An edge so much wider than another one is another ring; closer ones are the same rim with its halo or glue gap."""

MAX_SHIFT: Final = 0.15
"""Rings have about one center: a glue gap and what an outline strays by move it less than this share of the radius."""

CORE_WINDOW: Final = 0.06
CORE_GAP: Final = 0.015
"""Over these shares of the radius the levels on both sides of a step are averaged, and left out around it."""


@dataclass(frozen=True)
class _Ring:
    """An elliptic outline, and the strength of the step across it."""

    ellipse: Ellipse
    strength: float


def locate(gray: NDArray[np.uint8]) -> Fiber:
    """Find the fiber in a gray picture uint8 (H, W) without a black frame.

    Of nested edges (core, index rings, cladding) the outermost that stands out is the cladding.

    Raises:
        NoFiberError: no edge of the shape of a cladding stands out.
        DefocusError: one does, but it cannot be followed at full resolution.
    """
    small, factor = _shrink(gray)
    coarse = _coarse_edge(small)
    if coarse is None:
        raise NoFiberError(
            "no cladding edge was found in the picture; check that a connector is under the microscope and in focus"
        )
    center = (np.array(coarse.ellipse.center_px) + 0.5) * factor - 0.5
    guess = from_fit(np.concatenate([center, np.array(coarse.ellipse.radii_px) * factor]))
    edge = fit_cladding_edge(gray, guess, reach=EDGE_REACH)
    if edge is not None and edge.support < CLEAR_VOTE:  # the guess was too far off for some of the rays
        # One that is not found again from itself is not kept: its radii would be the scale of all sizes.
        edge = fit_cladding_edge(gray, edge.ellipse, reach=EDGE_REACH)
    if edge is None or not _stands_out(edge):
        raise DefocusError("the outline of a fiber is there, but its edge is too soft to follow; focus again")
    return Fiber(edge.ellipse, _find_core(gray, edge.ellipse))


def _shrink(gray: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], int]:
    """A small copy and the whole number of pixels by which it is smaller: areas of whole pixels are averaged fast."""
    factor = max(math.ceil(max(gray.shape) / COARSE_PX), 1)
    height, width = (side // factor for side in gray.shape)
    if not height or not width:
        raise NoFiberError(f"no fiber fits into a picture of {gray.shape[1]} x {gray.shape[0]} pixels; send all of it")
    whole = gray[: height * factor, : width * factor]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.medianBlur(small, 3).astype(np.uint8, copy=False), factor


def _coarse_edge(small: NDArray[np.uint8]) -> Edge | None:
    """The cladding's rim on the small copy: the outermost ring that can be followed."""
    rings = [ring for outline in find_outlines(small) if (ring := _ring(small, outline)) is not None]
    while rings:
        ring = _outermost(rings)
        edge = fit_twice(partial(fit_edge, small, reach=COARSE_REACH, damaged=True), ring.ellipse)
        if edge is not None and _stands_out(edge):
            return edge
        rings.remove(ring)
    return None


def _find_core(gray: NDArray[np.uint8], cladding: Ellipse) -> Ellipse | None:
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
    edge = fit_edge(gray, guess, reach=max(0.2, 4 / (radius_px * share)), sign=float(np.sign(steps[best])))
    return guess if edge is None else edge.ellipse


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


def _stands_out(edge: Edge) -> bool:
    return abs(edge.levels) >= MIN_EDGE_LEVELS


def _is_around(outer: Ellipse, inner: Ellipse) -> bool:
    """Whether an ellipse lies around another one with about the same center, too far to be the same edge."""
    sides = zip(outer.center_px, inner.center_px, outer.radii_px, inner.radii_px, strict=True)
    return all(
        abs(place - other) < MAX_SHIFT * radius and radius > NESTED_RATIO * narrower
        for place, other, radius, narrower in sides
    )
