"""Paint in gray: circles, straight lines and text that a microscope's software drew around or over a fiber.

Such lines are as thin and as sharp as pixels allow: beside them the picture is what it was two pixels further on.
Sharpened photographs have edges of that kind too, so a line counts only with a second sign: it runs along a whole
circle, along a row or a column of pixels, or its pixels have one and the same level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.report import Ellipse

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

REACH: Final = 2.08
"""Part of the picture that is searched, in cladding radii: the zones end at 2.0."""

WIDE: Final = np.ones((5, 5), np.uint8)
THIN: Final = np.ones((3, 3), np.uint8)
"""A line of up to four pixels' width does not fit the first, one of up to two not the second."""

SHARP: Final = 0.7
"""Of a line's height a thin window removes at least this share; of one that passed a lens, half."""

MIN_LEVELS: Final = 16
MIN_DEVIATIONS: Final = 5.0
"""A line's height in gray levels, and in medians of what the windows remove elsewhere, which is noise."""

MIN_POINTS: Final = 24
MOST_POINTS: Final = 30_000
"""Fewer are no line worth a refusal; with more the picture is noise."""

OWN: Final = (0.86, 1.14)
"""Radii of the rim, or of the core, between which thin rings are the fiber's own: lines inside edges, halos, gaps."""

DIGITAL_CIRCLE: Final = 4 * math.sqrt(2)
"""Pixels of a circle that is one pixel wide, in radii."""

NEAR_PX: Final = 2
SMALLEST_PX: Final = 12
TRIED: Final = 4
"""How far from a radius its points may lie, the smallest radius, and how many circles are tried."""

CIRCLE_SHARE: Final = 0.8
EXACT_CIRCLE_SHARE: Final = 0.55
"""Share of a circle that a drawn one covers, the second where it has one level; core edges reach 0.61."""

EXACT_SHARE: Final = 0.85
"""Share of points that differ from their commonest level by one at most where a line is drawn in one level."""

TALL_LEVELS: Final = 36
"""Least height of a circle that has not one level: faint rings of a fiber's index may be as sharp."""

OWN_SPREAD: Final = 0.15
CLEAR_RADIUS_PX: Final = 60
"""Spread of levels over height up to which a line is drawn where thin rings are the fiber's own; theirs reach 0.17, and
those of smaller fibers less, since a sharpened edge is as thin."""

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
    part = (slice(top, round(y + REACH * radius_y) + 1), slice(left, round(x + REACH * radius_x) + 1))
    levels = np.ascontiguousarray(gray[part])
    if min(levels.shape) < len(WIDE):
        return None
    own = 0.0 if core is None else sum(core.radii_px) / sum(cladding.radii_px)
    fiber = _Fiber(Ellipse((x - left, y - top), cladding.radii_px), own)
    found = [_find_lines(levels, window, fiber) for window in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT)]
    painted = [each for each in found if each is not None and each.any()]
    if not painted:
        return None
    whole = np.zeros(gray.shape, np.bool_)
    whole[part] = np.any(painted, axis=0)
    return whole


@dataclass(frozen=True)
class _Fiber:
    """A cladding, and its core's share of its radius, 0 where none is seen."""

    cladding: Ellipse
    core_share: float

    @property
    def radius_px(self) -> float:
        return sum(self.cladding.radii_px) / 2

    @property
    def stretch(self) -> FloatArray:
        """What the pixels' shape makes of a radius, in x and y."""
        return np.asarray(self.cladding.radii_px) / self.radius_px

    def is_own(self, share: float) -> bool:
        """Whether a thin ring at this share of the radius is the fiber's own: at its rim, or at its core."""
        return OWN[0] < share < OWN[1] or OWN[0] < share / max(self.core_share, 1e-6) < OWN[1]


@dataclass(frozen=True)
class _Lines:
    """What is thinner than the window: levels and heights over both sides uint8 (H, W), and the sharp points.

    Attributes:
        levels: gray levels.
        height: by how much they stand out of both sides.
        tall: where that is more than noise, bool (H, W).
        xs: the sharp ones of these, (N,).
        ys: likewise.
        crispness: share of each one's height that the thin window removes.
        all_xs: all that are more than noise, (M,).
        all_ys: likewise.
    """

    levels: NDArray[np.uint8]
    height: NDArray[np.uint8]
    tall: BoolArray
    xs: IntArray
    ys: IntArray
    crispness: FloatArray
    all_xs: IntArray
    all_ys: IntArray

    @cached_property
    def sharp(self) -> BoolArray:
        """The sharp points as a map (H, W)."""
        return self.map(np.ones(len(self.xs), np.bool_))

    def map(self, chosen: BoolArray) -> BoolArray:
        """Some of the sharp points as a map (H, W)."""
        places = np.zeros(self.levels.shape, np.bool_)
        places[self.ys[chosen], self.xs[chosen]] = True
        return places


def _find_lines(levels: NDArray[np.uint8], window: int, fiber: _Fiber) -> NDArray[np.uint8] | None:
    """Drawn lines that are brighter (top hat) or darker (black hat) than both their sides, uint8 (H, W)."""
    height = np.asarray(cv2.morphologyEx(levels, window, WIDE), np.uint8)
    least = max(MIN_LEVELS, math.ceil(MIN_DEVIATIONS * float(np.median(height[::8, ::8]))))
    tall = height >= np.uint8(min(least, 255))
    places = np.flatnonzero(tall)
    if not MIN_POINTS <= len(places) <= MOST_POINTS:
        return None
    thin = cv2.morphologyEx(levels, window, THIN)
    crispness = thin.ravel()[places] / height.ravel()[places]
    sharp = crispness >= SHARP
    ys, xs = np.divmod(places, levels.shape[1])
    lines = _Lines(levels, height, tall, xs[sharp], ys[sharp], crispness[sharp], xs, ys)
    painted = np.zeros(levels.shape, np.uint8)
    if len(lines.xs) >= MIN_POINTS:
        _paint_circles(painted, lines, fiber)
        _paint_text(painted, lines, fiber)
    _paint_straight(painted, lines, fiber)
    return painted


def _paint_circles(painted: NDArray[np.uint8], lines: _Lines, fiber: _Fiber) -> None:
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
        if fiber.is_own(start / fiber.radius_px):
            around = np.abs(off - start) <= NEAR_PX
            at = lines.ys[around], lines.xs[around]
            if _spread(lines.levels[at]) > 2 * OWN_SPREAD * float(np.median(lines.height[at])):
                continue
        circle = _fit_circle(x, y, off, start)
        if circle is not None and _is_drawn(circle, lines, fiber):
            _draw_circle(painted, circle, fiber)


def _draw_circle(painted: NDArray[np.uint8], circle: tuple[float, float, float], fiber: _Fiber) -> None:
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


def _is_drawn(circle: tuple[float, float, float], lines: _Lines, fiber: _Fiber) -> bool:
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
    exact = _exactness(levels)
    if exact >= EXACT_SHARE:
        return True
    height = float(np.median(heights))
    if covered < CIRCLE_SHARE or height < TALL_LEVELS:
        return False
    if not fiber.is_own(radius / fiber.radius_px):
        return True
    return fiber.radius_px >= CLEAR_RADIUS_PX and _spread(levels) < OWN_SPREAD * height


def _exactness(levels: NDArray[np.uint8]) -> float:
    """Share of gray levels that differ from their commonest by one at most."""
    common = int(np.bincount(levels, minlength=256).argmax())
    return float((np.abs(levels.astype(np.int64) - common) <= 1).mean())


def _spread(levels: NDArray[np.uint8]) -> float:
    """Half of what two thirds of gray levels span: of a Gaussian its standard deviation."""
    low, high = np.percentile(levels, [16, 84])
    return float(high - low) / 2


def _paint_straight(painted: NDArray[np.uint8], lines: _Lines, fiber: _Fiber) -> None:
    """Mark long runs along rows and columns that are sharp, or keep their level where that beside them changes."""
    least = 2 * math.sqrt(2 * fiber.radius_px * SAGITTA_PX)
    for turned in (False, True):
        target, levels, height, tall, sharp = (
            each.T if turned else each for each in (painted, lines.levels, lines.height, lines.tall, lines.sharp)
        )
        rows, all_rows = (lines.xs, lines.all_xs) if turned else (lines.ys, lines.all_ys)
        crisp = np.bincount(rows, minlength=len(tall)) >= GAP_SHARE * least
        wide = np.bincount(all_rows, minlength=len(tall)) >= LONG_SHARE * tall.shape[1]
        for row in np.flatnonzero(crisp | wide):
            first, last = _longest_run(np.flatnonzero(tall[row]))
            if last - first + 1 < least or not NEAR_PX < row < len(tall) - 1 - NEAR_PX:
                continue
            run = slice(first, last + 1)
            beside = [levels[each, run] for each in (row - 5, row + 5) if 0 <= each < len(levels)]
            changing = min(float(each.std()) for each in beside)
            steady = float(levels[row, run].std()) < min(changing / 4, MIN_LEVELS) and changing > MIN_LEVELS
            exact = _exactness(levels[row, run]) >= EXACT_SHARE
            crossing = (
                last - first >= 2 * fiber.radius_px * CROSSING and float(np.median(height[row, run])) >= TALL_LEVELS
            )
            if exact or steady or (crossing and sharp[row, run].mean() >= EXACT_CIRCLE_SHARE):
                target[max(row - 1, 0) : row + 2, run] = 1


def _longest_run(places: IntArray) -> tuple[int, int]:
    """First and last place of the longest run without a large gap."""
    breaks = np.flatnonzero(np.diff(places) > GAP_PX)
    first, last = places[np.r_[0, breaks + 1]], places[np.r_[breaks, len(places) - 1]]
    longest = int((last - first).argmax())
    return int(first[longest]), int(last[longest])


def _paint_text(painted: NDArray[np.uint8], lines: _Lines, fiber: _Fiber) -> None:
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
    if len(levels) >= TEXT_POINTS and _spread(levels) < TEXT_SPREAD * float(np.median(height[crisp])):
        painted |= cv2.dilate(lines.map(crisp).view(np.uint8), THIN)
