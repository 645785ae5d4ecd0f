"""Further fibers of a picture: discs of the size and polarity of the one that was found.

Fibers of one ferrule are alike, so each pixel of a disc's edge points to a center at a known distance; where enough of
a circumference points to one place, a disc is there, also where most of it lies beyond the picture's border.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.edge import Edge
from endface.fiber.ellipse import FloatArray, median
from endface.report import Ellipse

SPREAD_SHARE: Final = 0.06
"""Votes within this share of the radius are for one center."""

MIN_SLOPE_SHARE: Final = 0.25
"""Share of the known disc's slope from which a slope votes."""

MIN_VOTES: Final = 0.55
"""Share of the known disc's votes, by what can be seen of a circumference, from which a place is that of a disc."""

MIN_SEEN: Final = 0.12
"""Share of its circumference that must be seen of a disc."""

DIRECTIONS: Final = 90
SIDES: Final = np.array((0.75, 0.85, 0.92, 1.08, 1.15, 1.22))
"""Where the levels on both sides of an outline are read: directions around it, and shares of the radius."""

MIN_STEP: Final = 0.4
MIN_ALIKE: Final = 0.75
MAX_STEP_RATIO: Final = 3.0
MIN_ALIKE_SEEN: Final = 0.2
"""An outline is like a known one where at least this share of its directions has that step to this part, the median
step is not so much larger or smaller, and this share of the directions is seen."""

MIN_PITCH: Final = 1.8
"""Fibers lie at least this many radii apart; ribbons at 4."""


def find_neighbors(small: NDArray[np.uint8], known: Edge) -> list[Ellipse]:
    """Places of further discs like a known one in a small copy uint8 (H, W), the most certain first."""
    x0, y0 = known.ellipse.center_px
    radius_x, radius_y = known.ellipse.radii_px
    margin_x, margin_y = int(radius_x) + 2, int(radius_y) + 2
    height, width = small.shape
    shape = (height + 2 * margin_y, width + 2 * margin_x)
    slope_x, slope_y = (cv2.Sobel(small, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0))
    slopes = np.hypot(slope_x, slope_y)
    around = np.zeros(small.shape, np.uint8)
    center = (round(x0), round(y0))
    cv2.ellipse(around, center, (round(radius_x), round(radius_y)), 0, 0, 360, 1, 3)
    steep = MIN_SLOPE_SHARE * float(np.percentile(slopes[around > 0], 75)) if around.any() else 0.0
    y, x = np.nonzero(slopes > max(steep, 1.0))
    if not len(x):
        return []
    inwards = -float(np.sign(known.levels)) / slopes[y, x]
    center_x = np.rint(x + inwards * slope_x[y, x] * radius_x).astype(int) + margin_x
    center_y = np.rint(y + inwards * slope_y[y, x] * radius_y).astype(int) + margin_y
    inside = (center_x >= 0) & (center_x < shape[1]) & (center_y >= 0) & (center_y < shape[0])
    votes = np.bincount(center_y[inside] * shape[1] + center_x[inside], minlength=shape[0] * shape[1])
    radius_px = (radius_x + radius_y) / 2
    sigma_px = max(SPREAD_SHARE * radius_px, 1.0)
    share = cv2.GaussianBlur(votes.reshape(shape).astype(np.float32), (0, 0), sigma_px)
    share /= np.maximum(_seen(small.shape, (radius_x, radius_y), (margin_x, margin_y)), MIN_SEEN)
    at = (round(y0) + margin_y, round(x0) + margin_x)
    near = share[max(at[0] - 3, 0) : at[0] + 4, max(at[1] - 3, 0) : at[1] + 4]
    least = MIN_VOTES * float(near.max()) if near.size else 0.0
    found: list[Ellipse] = []
    size = (int(MIN_PITCH * radius_x), int(MIN_PITCH * radius_y))
    share = np.ascontiguousarray(share)
    cv2.ellipse(share, at[::-1], size, 0, 0, 360, 0.0, -1)
    while least > 0:
        _, best, _, place = cv2.minMaxLoc(share)
        if best < least:
            break
        found.append(Ellipse((float(place[0] - margin_x), float(place[1] - margin_y)), (radius_x, radius_y)))
        cv2.ellipse(share, place, size, 0, 0, 360, 0.0, -1)
    return found


def _seen(shape: tuple[int, ...], radii: tuple[float, float], margin: tuple[int, int]) -> NDArray[np.float32]:
    """Share of the circumference around each center that lies in the picture (H + 2 margins, W + 2 margins)."""
    picture = np.zeros((shape[0] + 2 * margin[1], shape[1] + 2 * margin[0]), np.float32)
    picture[margin[1] : margin[1] + shape[0], margin[0] : margin[0] + shape[1]] = 1
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    x = np.rint(margin[0] + radii[0] * np.cos(angles)).astype(int)
    y = np.rint(margin[1] + radii[1] * np.sin(angles)).astype(int)
    ring = np.zeros((2 * margin[1] + 1, 2 * margin[0] + 1), np.float32)
    np.add.at(ring, (y, x), 1 / len(angles))
    return cv2.filter2D(picture, cv2.CV_32F, ring, borderType=cv2.BORDER_CONSTANT).astype(np.float32, copy=False)


def looks_alike(gray: NDArray[np.uint8], place: Ellipse, known: Ellipse) -> bool:
    """Whether the step across an outline is that across a known one along most of what is seen of it."""
    steps, known_steps = _steps(gray, place), _steps(gray, known)
    if len(steps) < MIN_ALIKE_SEEN * DIRECTIONS or not len(known_steps):
        return False
    step = float(median(known_steps))
    ratios = steps / (step or 1.0)
    share = float((ratios > MIN_STEP).mean())
    return share >= MIN_ALIKE and 1 / MAX_STEP_RATIO < float(median(ratios)) < MAX_STEP_RATIO


def _steps(gray: NDArray[np.uint8], ellipse: Ellipse) -> FloatArray:
    """Levels outside less those inside, along those of the directions in which both are seen."""
    angles = np.linspace(0, 2 * np.pi, DIRECTIONS, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1) * ellipse.radii_px
    points = np.rint(np.array(ellipse.center_px) + directions[:, None] * SIDES[None, :, None]).astype(int)
    seen = ((points >= 0) & (points < np.array(gray.shape[::-1]))).all(axis=(1, 2))
    levels = gray[points[seen, :, 1], points[seen, :, 0]].astype(np.float64)
    half = len(SIDES) // 2
    steps: FloatArray = levels[:, half:].mean(axis=1) - levels[:, :half].mean(axis=1)
    return steps
