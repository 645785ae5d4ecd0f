"""The fiber in a wider bore, on whose wall it leans: a dark crescent of glue lies between both.

The bore's edge stands out more than the fiber's, and is the outermost.  But the fiber touches it at one place: seen
from the bore's center, its edge lies ``depth * (1 + cos)`` of the radius further in, deepest opposite to where it
touches.  No ring inside a fiber, and no line along its rim, has that course.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.edge import SIDE_PX, Edge, fit_slopes
from endface.fiber.ellipse import FloatArray
from endface.fiber.rays import circle, sample_rays, unwrap
from endface.order import quantile
from endface.report import Ellipse

RAYS: Final = 90
MIN_SEEN: Final = 0.8
"""Rays around the bore, and the share of them that must lie in the picture."""

SHARES: Final = np.linspace(0.8, 1.04, 97)
"""Where the levels along a ray are read, in parts of the bore's radius."""

ENDS: Final = 8
"""So many levels at each end of a ray are those of the fiber and of the ferrule."""

STEP: Final = float(SHARES[1] - SHARES[0])

DEPTHS: Final = np.arange(0.022, 0.07, 0.003)
"""Half of the crescent's width in parts of the bore's radius: 1.4 to 4.3 um.  A narrower one moves the edge by less
than a cladding's tolerance, and a line along the rim may look like it."""

DIRECTIONS: Final = 36
"""Directions in which the crescent may be widest."""

WIDE: Final = 0.8
"""The crescent is wide where 1 + cos is larger, over some 200 degrees."""

SLOPE_SHARE: Final = 0.012
"""Distance over which levels differ at an edge, in parts of the radius."""

MIN_STEP: Final = 5.0
MAX_OPPOSITE: Final = 0.25
MIN_ALONG: Final = 0.7
MIN_STEP_SHARE: Final = 0.35
"""The crescent's inner edge is at least so many levels high on the mean, seen on one side only, and has along so much
of its course this share of its mean height."""

MIN_LOPSIDED: Final = 5.0
"""Least difference between the sides of the border of a bore: most pictures are settled by it at little cost."""

MIN_DARK: Final = 1.6
"""The whole crescent is darker than the fiber by so many times what levels fall across its soft edge; beyond a thin
line along the rim the fiber is as bright as before."""

ALIKE_HEIGHT: Final = 0.6
"""Of several courses of this share of the highest one the outermost is the edge; lines inside are parallel to it."""

MIN_LEAN: Final = 0.25
"""Fiber and bore are so far from concentric, as a share of the difference of their radii: 1 where they touch."""

MAX_UNLIKE: Final = 0.015
"""Pixels are as wide and high in both, so the ratios of the radii in x and y differ by less than this."""

REACH: Final = 0.03
"""How far off the fiber's edge may lie from that course, as a share of the radius."""


def find_fiber_in_bore(gray: NDArray[np.uint8], bore: Edge) -> Edge | None:
    """The edge of a fiber that leans on the wall of a wider bore in a picture uint8 (H, W), or None."""
    rays, _ = sample_rays(gray, bore.ellipse, SHARES, count=RAYS)
    if bore.levels < 0 or rays is None or len(rays) < RAYS:
        return None
    radius_px = sum(bore.ellipse.radii_px) / 2
    levels = cv2.GaussianBlur(rays, (0, 0), sigmaX=max(1.0 / (radius_px * STEP), 1.0), sigmaY=1.0)
    course = _course(levels.astype(np.float32, copy=False))
    if course is None or np.median(levels[:, -ENDS:]) < np.median(levels[:, :ENDS]):
        return None  # in a darker ferrule the line along the rim and its halo look like a crescent
    depth, toward = course
    guess = _inside(bore.ellipse, float(DEPTHS[depth]), toward)
    strip = unwrap(gray, guess, max(REACH, SIDE_PX / 2 / radius_px))
    fiber = None
    if strip is not None:  # where fiber and bore are close to each other, the edge between them is neither's
        fiber = fit_slopes(strip.facing(2 * math.pi * toward / DIRECTIONS, WIDE - 1), -1.0, damaged=True)
    if fiber is None or not _leans(fiber.ellipse, bore.ellipse):
        return None
    return replace(bore, ellipse=fiber.ellipse, support=fiber.support)


def _leans(fiber: Ellipse, bore: Ellipse) -> bool:
    """Whether a fiber is as round as its bore, and off its middle by enough of the room that it has there."""
    x, y = (inner / outer for inner, outer in zip(fiber.radii_px, bore.radii_px, strict=True))
    room_px = (sum(bore.radii_px) - sum(fiber.radii_px)) / 2
    return abs(x - y) < MAX_UNLIKE and math.dist(fiber.center_px, bore.center_px) > MIN_LEAN * room_px > 0


def _course(levels: NDArray[np.float32]) -> tuple[int, int] | None:
    """The numbers of depth and direction of a crescent in levels (rays, shares); None where there is none."""
    half = round(SLOPE_SHARE / 2 / STEP)
    if _lopsidedness(levels) < MIN_LOPSIDED:
        return None
    falls = np.zeros_like(levels)
    falls[:, half:-half] = levels[:, : -2 * half] - levels[:, 2 * half :]
    places, wide = _courses()
    some = (slice(None, None, 2),) * 3
    if _heights(falls[::2], places[some], wide[::2, ::2]).max() < MIN_STEP / 2:
        return None
    most = quantile(np.abs(falls[:, : np.searchsorted(SHARES, 1 - DEPTHS[0])]).ravel(), 0.98)
    falls = np.clip(falls, -most, most)
    heights = _heights(falls, places, wide)
    highest, toward = (int(number) for number in np.unravel_index(heights.argmax(), heights.shape))
    if heights[highest, toward] < MIN_STEP:
        return None
    by_depth = np.pad(heights[:, toward], 1)
    peaks = (by_depth[1:-1] >= by_depth[2:]) & (by_depth[1:-1] >= by_depth[:-2])
    depth = int(np.flatnonzero(peaks & (heights[:, toward] >= ALIKE_HEIGHT * heights[highest, toward]))[0])
    height = float(heights[depth, toward])
    opposite = abs(float(heights[depth, (toward + DIRECTIONS // 2) % DIRECTIONS]))
    rays = np.flatnonzero(wide[toward])
    clear = (falls[rays, places[depth, toward, rays]] > MIN_STEP_SHARE * height).mean()
    if opposite > MAX_OPPOSITE * height or clear < MIN_ALONG:
        return None
    dark = _darker(levels[rays], places[depth, toward, rays])
    return (depth, toward) if np.percentile(dark, 30) >= MIN_DARK * height else None


def _heights(falls: NDArray[np.float32], places: NDArray[np.intp], wide: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean height of the step along each course (depths, directions)."""
    along = falls[np.arange(len(falls)), places]
    return np.asarray(np.einsum("dtr,tr->dt", along, wide) / wide.sum(axis=-1), np.float32)


def _lopsidedness(levels: NDArray[np.float32]) -> float:
    """By how many levels the border inside the bore's edge is darker on one side than on the other."""
    border = levels[:, np.searchsorted(SHARES, 1 - 2 * DEPTHS[0]) : np.searchsorted(SHARES, 1 - SLOPE_SHARE)]
    return math.hypot(*(circle(RAYS).T @ border.mean(axis=1))) * 2 / RAYS


def _darker(levels: NDArray[np.float32], places: NDArray[np.intp]) -> FloatArray:
    """By how many levels each ray is darker between its place and the bore's edge than inside that place."""
    sums = np.pad(np.cumsum(levels, axis=1, dtype=np.float64), ((0, 0), (1, 0)))

    def mean(first: NDArray[np.intp], end: NDArray[np.intp]) -> FloatArray:
        rays = np.arange(len(levels))
        return np.asarray((sums[rays, end] - sums[rays, first]) / (end - first), np.float64)

    border = np.searchsorted(SHARES, 1 - SLOPE_SHARE)
    return mean(places - 6, places - 2) - mean(places + 3, np.maximum(border, places + 4))


@cache
def _courses() -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Places of a fiber's edge on rays (depths, directions, rays), and the weights of those (directions, rays)."""
    around = np.linspace(0, 2 * np.pi, RAYS, endpoint=False)
    toward = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
    off = 1 + np.cos(around - toward[:, None])
    places = np.rint((1 - DEPTHS[:, None, None] * off - SHARES[0]) / (SHARES[1] - SHARES[0])).astype(np.intp)
    return places, np.where(off > WIDE, off, 0.0).astype(np.float32)


def _inside(bore: Ellipse, depth: float, toward: int) -> Ellipse:
    angle = 2 * np.pi * toward / DIRECTIONS
    x, y = bore.radii_px
    center = (bore.center_px[0] - depth * x * np.cos(angle), bore.center_px[1] - depth * y * np.sin(angle))
    return Ellipse(center, (x * (1 - depth), y * (1 - depth)))
