"""Circles around a fiber that a microscope's software drew, told from the fiber's own rings."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.order import median
from endface.picture.thin_lines import (
    EXACT_SHARE,
    MIN_POINTS,
    TALL_LEVELS,
    DrawnOn,
    FloatArray,
    Lines,
    exactness,
    spread,
)

DIGITAL_CIRCLE: Final = 4 * math.sqrt(2)
"""Pixels of a circle that is one pixel wide, in radii."""

NEAR_PX: Final = 2
SMALLEST_PX: Final = 12
TRIED: Final = 4
"""How far from a radius its points may lie, the smallest radius, and how many circles are tried."""

CIRCLE_SHARE: Final = 0.8
EXACT_CIRCLE_SHARE: Final = 0.55
"""Share of a circle that a drawn one covers, the second where it has one level; core edges reach 0.61."""

LEAST_SHARE: Final = 0.25
"""Share of a circle's pixels that must be of one level, or tall, before it is fitted.

Of 790 drawn ones that were found, whole or in part, each had 0.36 of them and more.  Rims and cores of photographs have
up to 0.21 of one level, and seldom more that are tall."""

OWN_SPREAD: Final = 0.15
CLEAR_RADIUS_PX: Final = 60
"""Spread of levels over height up to which a line is drawn where thin rings are the fiber's own; theirs reach 0.17, and
those of smaller fibers less, since a sharpened edge is as thin."""


def paint_circles(painted: NDArray[np.uint8], lines: Lines, fiber: DrawnOn) -> None:
    """Mark circles around the fiber, a few pixels off its center at most."""
    center = fiber.cladding.center_px
    x, y = (lines.xs - center[0]) / fiber.stretch[0], (lines.ys - center[1]) / fiber.stretch[1]
    off = np.hypot(x, y)
    counts = np.bincount((off + 0.5).astype(np.int64))
    whole = DIGITAL_CIRCLE * np.maximum(np.arange(len(counts)), 1)
    near = np.convolve(counts, np.ones(2 * NEAR_PX + 1), "same") / whole
    near[:SMALLEST_PX] = 0
    for _ in range(TRIED):
        start = int(near.argmax())
        if near[start] < EXACT_CIRCLE_SHARE:
            return
        near[start - 2 * NEAR_PX : start + 2 * NEAR_PX + 1] = 0
        around = np.abs(off - start) <= 2 * NEAR_PX
        at = lines.ys[around], lines.xs[around]
        levels, heights = lines.levels[at], lines.height[at]
        if max(_most_alike(levels), np.count_nonzero(heights >= TALL_LEVELS)) < LEAST_SHARE * 2 * math.pi * start:
            continue
        if fiber.is_own(start / fiber.radius_px):
            near_it = np.abs(off[around] - start) <= NEAR_PX
            if spread(levels[near_it]) > 2 * OWN_SPREAD * float(median(heights[near_it])):
                continue
        circle = _fit_circle(x, y, off, start)
        if circle is not None and _is_drawn(circle, lines, fiber):
            _draw_circle(painted, circle, fiber)


def _most_alike(levels: NDArray[np.uint8]) -> int:
    """How many of gray levels differ from one of them by one at most."""
    return int(np.convolve(np.bincount(levels, minlength=256), np.ones(3, np.int64)).max())


def _draw_circle(painted: NDArray[np.uint8], circle: tuple[float, float, float], fiber: DrawnOn) -> None:
    parts_of_px = 16
    at = np.add(fiber.cladding.center_px, fiber.stretch * circle[:2])
    center, radii = (np.rint(parts_of_px * each).astype(int).tolist() for each in (at, fiber.stretch * circle[2]))
    cv2.ellipse(painted, center, radii, 0, 0, 360, (1,), 3, cv2.LINE_8, parts_of_px.bit_length() - 1)


def _fit_circle(x: FloatArray, y: FloatArray, off: FloatArray, start: float) -> tuple[float, float, float] | None:
    """Center and radius of the circle through the points near a radius, without those that lie beside it."""
    near = np.abs(off - start) <= 2 * NEAR_PX
    x, y = x[near], y[near]
    circle = np.array([0.0, 0.0, start])
    for tolerance in (4.0, 2.5, 1.5, 1.2):
        distance = np.maximum(np.hypot(x - circle[0], y - circle[1]), 1e-6)
        beside = distance - circle[2]
        kept = np.abs(beside) <= tolerance
        if int(kept.sum()) < MIN_POINTS:
            return None
        directions = np.stack([(x - circle[0]) / distance, (y - circle[1]) / distance, np.ones_like(distance)], axis=1)
        circle += np.linalg.lstsq(directions[kept], beside[kept], rcond=None)[0]
    return float(circle[0]), float(circle[1]), float(circle[2])


def _is_drawn(circle: tuple[float, float, float], lines: Lines, fiber: DrawnOn) -> bool:
    """Whether sharp points cover a circle, in one level where thin rings are the fiber's own."""
    x, y, radius = circle
    if radius < SMALLEST_PX:
        return False
    angle = np.linspace(0, 2 * math.pi, max(int(2 * math.pi * radius), 64), endpoint=False)[:, None]
    around = radius + np.arange(-1, 2)
    (stretch_x, stretch_y), (center_x, center_y) = fiber.stretch, fiber.cladding.center_px
    columns = np.rint(center_x + stretch_x * (x + around * np.cos(angle))).astype(np.int64)
    rows = np.rint(center_y + stretch_y * (y + around * np.sin(angle))).astype(np.int64)
    bottom, right = lines.levels.shape
    inside = ((columns >= 0) & (rows >= 0) & (columns < right) & (rows < bottom)).all(axis=1)
    rows, columns = rows[inside], columns[inside]
    if len(rows) < len(angle) / 3:
        return False
    hits = lines.sharp[rows, columns]
    covered = float(hits.any(axis=1).mean())
    levels, heights = lines.levels[rows, columns][hits], lines.height[rows, columns][hits]
    if covered < EXACT_CIRCLE_SHARE:
        return False
    if exactness(levels) >= EXACT_SHARE:
        return True
    height = float(np.median(heights))
    own = fiber.is_own(radius / fiber.radius_px)
    even = fiber.radius_px >= CLEAR_RADIUS_PX and spread(levels) < OWN_SPREAD * height
    return covered >= CIRCLE_SHARE and height >= TALL_LEVELS and (even or not own)
