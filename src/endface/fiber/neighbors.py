"""Further fibers of a picture: discs of the size and polarity of the one that was found.

Fibers of one ferrule are alike, so each pixel of a disc's edge points to a center at a known distance; where enough of
a circumference points to one place, a disc is there, also where most of it lies beyond the picture's border.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.edge import Edge
from endface.fiber.ellipse import FloatArray
from endface.fiber.votes import count_votes, slopes_of
from endface.order import median, quantile
from endface.report import Ellipse

ENOUGH_PX: Final = 12.0
"""Radius from which a disc is large enough to be found; a larger one is looked for on a copy of half the size."""

MIN_SLOPE_SHARE: Final = 0.25
"""Share of the known disc's slope from which a slope votes."""

MIN_VOTES: Final = 0.55
"""Share of the known disc's votes, by what can be seen of a circumference, from which a place is that of a disc."""

SEEN_STEP: Final = 4
"""Distance of the centers for which it is counted how much can be seen; between them it changes little."""

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
    if min(known.ellipse.radii_px) >= 2 * ENOUGH_PX:
        half = cv2.resize(small[: small.shape[0] // 2 * 2, : small.shape[1] // 2 * 2], None, fx=0.5, fy=0.5)
        places = find_neighbors(half.astype(np.uint8, copy=False), replace(known, ellipse=_scaled(known.ellipse, 0.5)))
        return [_scaled(place, 2.0) for place in places]
    radius_x, radius_y = known.ellipse.radii_px
    margin = np.array([int(radius_x) + 2, int(radius_y) + 2])
    votes = _votes(small, known)
    at = np.rint(known.ellipse.center_px).astype(int) + margin
    near = (slice(max(at[1] - 3, 0), at[1] + 4), slice(max(at[0] - 3, 0), at[0] + 4))
    own = votes[near].copy()
    size = (int(MIN_PITCH * radius_x), int(MIN_PITCH * radius_y))
    cv2.ellipse(votes, (int(at[0]), int(at[1])), size, 0, 0, 360, (0.0,), -1)
    if votes.max() < MIN_VOTES * MIN_SEEN * own.max(initial=0):
        return []  # too few even for a disc of which as little is seen as can be
    seen = np.maximum(_seen(small.shape, known.ellipse.radii_px, (int(margin[0]), int(margin[1]))), MIN_SEEN)
    share = votes / seen
    least = MIN_VOTES * float((own / seen[near]).max(initial=0))
    found: list[Ellipse] = []
    while least > 0:
        _, best, _, (x, y) = cv2.minMaxLoc(share)
        if best < least:
            break
        cv2.ellipse(share, (x, y), size, 0, 0, 360, (0.0,), -1)
        found.append(Ellipse((float(x - margin[0]), float(y - margin[1])), known.ellipse.radii_px))
    return found


def _scaled(ellipse: Ellipse, factor: float) -> Ellipse:
    """An ellipse on a copy that is so many times larger."""
    x, y = ((place + 0.5) * factor - 0.5 for place in ellipse.center_px)
    return Ellipse((x, y), (ellipse.radii_px[0] * factor, ellipse.radii_px[1] * factor))


def _votes(small: NDArray[np.uint8], known: Edge) -> NDArray[np.float32]:
    """How much of a circumference votes for each center, float32 (H, W) and margins around."""
    radii = np.array(known.ellipse.radii_px)
    slopes, steep = slopes_of(small)
    around = np.zeros(small.shape, np.uint8)
    x, y = (round(place) for place in known.ellipse.center_px)
    cv2.ellipse(around, (x, y), (round(radii[0]), round(radii[1])), 0, 0, 360, (1,), 3)
    on_edge = steep[around > 0]
    least = max(MIN_SLOPE_SHARE * quantile(on_edge, 0.75), 1.0) if len(on_edge) else 1.0
    rows, columns = np.nonzero(steep > least)
    inwards = -np.sign(known.levels) * slopes[rows, columns] / steep[rows, columns, None]
    return count_votes(np.stack([columns, rows], axis=1), inwards, radii, np.array(small.shape[::-1]))


def _seen(shape: tuple[int, ...], radii: tuple[float, float], margin: tuple[int, int]) -> NDArray[np.float32]:
    """Share of the circumference around each center that lies in the picture (H + 2 margins, W + 2 margins)."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    inside = []
    for side, radius, edge, along in zip(shape[::-1], radii, margin, (np.cos(angles), np.sin(angles)), strict=True):
        places = np.arange(-edge, side + edge, SEEN_STEP)[None] + radius * along[:, None]
        inside.append(((places >= 0) & (places < side)).astype(np.float32))
    share: NDArray[np.float32] = np.einsum("ar,ac->rc", inside[1], inside[0]) / len(
        angles
    )  # a matrix product would start threads
    size = (shape[1] + 2 * margin[0], shape[0] + 2 * margin[1])
    return np.asarray(cv2.resize(share, size, interpolation=cv2.INTER_LINEAR), np.float32)


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
