"""Paint in gray: circles, straight lines and text that a microscope's software drew around or over a fiber.

Such lines are as thin and as sharp as pixels allow: beside them the picture is what it was two pixels further on.
Sharpened photographs have edges of that kind too, so a line counts only with a second sign: it runs along a whole
circle, along a row or a column of pixels, or its pixels have one and the same level.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.picture.drawn_circles import paint_circles
from endface.picture.thin_lines import (
    EXACT_SHARE,
    MIN_LEVELS,
    MIN_POINTS,
    OWN,
    TALL_LEVELS,
    THIN,
    WIDE,
    BoolArray,
    DrawnOn,
    IntArray,
    Lines,
    exactness,
    find_lines,
    spread,
)
from endface.report import Ellipse

REACH: Final = 2.08
"""Part of the picture that is searched, in cladding radii: the zones end at 2.0."""

BORDER_PX: Final = 2
"""Rows and columns at the border that are no lines but the picture's frame."""

SHARP_SHARE: Final = 0.55
"""Least share of a long line that is sharp."""

SAGITTA_PX: Final = 6.0
"""Pixels by which a round edge leaves a row or column while a straight line of the same length stays on it."""

CROSSING: Final = 0.8
"""Diameters of the cladding that a line crosses which has not one level: no scratch stays on a row for so long."""

GAP_PX: Final = 3
GAP_SHARE: Final = 0.6
"""Pixels at which a line may be lost on what is as bright as itself, and the share of a short line that is not."""

LONG_SHARE: Final = 0.4
"""Least share of the searched part that a line covers which is too wide to be sharp."""

CRISP: Final = 0.95
STROKE_LEVELS: Final = 24
TEXT_POINTS: Final = 40
"""What is so sharp and so high may be a stroke, and of text there are so many points."""

TEXT_SPREAD: Final = 0.15
"""Spread of levels over height up to which strokes are drawn; of sharpened dirt it is 0.2 and more."""


def find_gray_paint(gray: NDArray[np.uint8], cladding: Ellipse, core: Ellipse | None = None) -> BoolArray | None:
    """Where lines of one gray are drawn around a fiber.

    Args:
        gray: gray levels uint8 (H, W).
        cladding: where the fiber is.
        core: where its core is; None where none is seen.

    Returns:
        The painted pixels, bool (H, W); None where there are none.
    """
    (x, y), (radius_x, radius_y) = cladding.center_px, cladding.radii_px
    left, top = max(round(x - REACH * radius_x), 0), max(round(y - REACH * radius_y), 0)
    part = (slice(top, max(round(y + REACH * radius_y) + 1, 0)), slice(left, max(round(x + REACH * radius_x) + 1, 0)))
    levels = np.ascontiguousarray(gray[part])
    if min(levels.shape) < len(WIDE):
        return None
    own = 0.0 if core is None else sum(core.radii_px) / sum(cladding.radii_px)
    fiber = DrawnOn(Ellipse((x - left, y - top), cladding.radii_px), own)
    painted = np.zeros(levels.shape, np.uint8)
    for window in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        _paint_lines(painted, levels, window, fiber)
    if not painted.any():
        return None
    whole = np.zeros(gray.shape, np.bool_)
    whole[part] = painted
    return whole


def _paint_lines(painted: NDArray[np.uint8], levels: NDArray[np.uint8], window: int, fiber: DrawnOn) -> None:
    """Mark drawn lines that are brighter (top hat) or darker (black hat) than both their sides."""
    lines = find_lines(levels, window)
    if lines is None:
        return
    if len(lines.xs) >= MIN_POINTS:
        paint_circles(painted, lines, fiber)
        _paint_text(painted, lines, fiber)
    _paint_straight(painted, lines, fiber)


def _paint_straight(painted: NDArray[np.uint8], lines: Lines, fiber: DrawnOn) -> None:
    """Mark long runs along rows and columns that are sharp, or keep their level where that beside them changes."""
    least = 2 * math.sqrt(2 * fiber.radius_px * SAGITTA_PX)
    for turned in (False, True):
        target, levels, height = (each.T if turned else each for each in (painted, lines.levels, lines.height))
        tall, sharp = (each.T if turned else each for each in (lines.tall, lines.sharp))
        rows, all_rows = (lines.xs, lines.all_xs) if turned else (lines.ys, lines.all_ys)
        crisp = np.bincount(rows, minlength=len(tall)) >= GAP_SHARE * least
        wide = np.bincount(all_rows, minlength=len(tall)) >= LONG_SHARE * tall.shape[1]
        for row in np.flatnonzero(crisp | wide):
            first, last = _longest_run(np.flatnonzero(tall[row]))
            if last - first + 1 < least or not BORDER_PX < row < len(tall) - 1 - BORDER_PX:
                continue
            run = slice(first, last + 1)
            beside = [levels[each, run] for each in (row - 5, row + 5) if 0 <= each < len(levels)]
            changing = min(float(each.std()) for each in beside)
            steady = float(levels[row, run].std()) < min(changing / 4, MIN_LEVELS) and changing > MIN_LEVELS
            exact = exactness(levels[row, run]) >= EXACT_SHARE
            crossing = (
                last - first >= 2 * fiber.radius_px * CROSSING and float(np.median(height[row, run])) >= TALL_LEVELS
            )
            if exact or steady or (crossing and sharp[row, run].mean() >= SHARP_SHARE):
                target[max(row - 1, 0) : row + 2, run] = 1


def _longest_run(places: IntArray) -> tuple[int, int]:
    """First and last place of the longest run without a large gap."""
    breaks = np.flatnonzero(np.diff(places) > GAP_PX)
    first, last = places[np.r_[0, breaks + 1]], places[np.r_[breaks, len(places) - 1]]
    longest = int((last - first).argmax())
    return int(first[longest]), int(last[longest])


def _paint_text(painted: NDArray[np.uint8], lines: Lines, fiber: DrawnOn) -> None:
    """Mark strokes of text, scales and logos: sharper than all that lies on a fiber, and of about one level."""
    height = lines.height[lines.ys, lines.xs]
    crisp = (lines.crispness >= CRISP) & (height >= STROKE_LEVELS)
    if int(crisp.sum()) < TEXT_POINTS:
        return
    (x, y), (radius_x, radius_y) = fiber.cladding.center_px, fiber.cladding.radii_px
    off = np.hypot((lines.xs - x) / radius_x, (lines.ys - y) / radius_y)
    for own in (1.0, fiber.core_share):
        crisp &= (off < OWN[0] * own) | (off > OWN[1] * own)
    levels = lines.levels[lines.ys[crisp], lines.xs[crisp]]
    if len(levels) >= TEXT_POINTS and spread(levels) < TEXT_SPREAD * float(np.median(height[crisp])):
        painted |= np.asarray(cv2.dilate(lines.map(crisp).view(np.uint8), THIN), np.uint8)
