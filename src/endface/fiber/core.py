"""What is seen inside a cladding: the core, where one is visible, and whether it has any structure of a fiber."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.edge import MIN_LEVELS, fit_edge
from endface.fiber.ellipse import FloatArray
from endface.fiber.rays import sample_rays
from endface.order import median
from endface.report import Ellipse

CORE_SHARES: Final = (0.05, 0.8)
"""Core radius over cladding radius: 9 / 125 for single-mode, up to 100 / 140 for multimode."""

CORE_RAYS: Final = 90
"""Rays whose median is the profile from the center to the edge."""

CORE_WINDOW: Final = 0.06
CORE_GAP: Final = 0.015
"""Over these shares of the radius the levels on both sides of a step are averaged, and left out around it."""

STEP_DISTANCE: Final = 0.06
MIN_CLEAR_LEVELS: Final = 8.0
"""Clear steps are at least this share of the radius apart, and so many levels high."""

STRUCTURE_SHARES: Final = (0.04, 0.93)
STRUCTURE_WINDOW: Final = 0.05
MIN_STRUCTURE: Final = 2.0
"""Between these shares of the radius, averaged over this one, levels that change by more are structure."""


@dataclass(frozen=True)
class Inside:
    """What is seen inside a cladding.

    Attributes:
        core: the core's outline, None where no step stands out.
        structure: whether there is a core, a ring, or any other change from the center to the rim; a plain disc has
            none.
        steps: about where the levels change clearly, from outside in.
    """

    core: Ellipse | None
    structure: bool
    steps: tuple[Ellipse, ...] = ()


def look_inside(gray: NDArray[np.uint8], cladding: Ellipse) -> Inside:
    """The core and the structure inside a cladding in a picture uint8 (H, W)."""
    radius_px = sum(cladding.radii_px) / 2
    shares = np.linspace(0, 1, max(int(radius_px), 32))
    rays, _ = sample_rays(gray, cladding, shares, count=CORE_RAYS)
    if rays is None:
        return Inside(None, structure=False)
    levels = median(np.ascontiguousarray(rays.T, np.uint8))  # bytes are what was sampled
    at, steps = _steps(shares, levels)
    core = _core(gray, cladding, at, steps)
    if core is None:
        return Inside(None, structure=_varies(shares, levels))
    return Inside(core, structure=True, steps=_clear_steps(cladding, at, steps))


def _varies(shares: FloatArray, levels: NDArray[np.float32]) -> bool:
    """Whether levels change from the center to the rim more than uneven light does."""
    window = max(round(STRUCTURE_WINDOW * len(levels)), 1)
    smooth = np.convolve(levels, np.ones(window) / window, mode="valid")
    at = shares[window // 2 :][: len(smooth)]
    inside = (at > STRUCTURE_SHARES[0]) & (at < STRUCTURE_SHARES[1])
    light = np.polyval(np.polyfit(at[inside], smooth[inside], 2), at[inside])
    return bool(np.ptp(smooth[inside] - light) > MIN_STRUCTURE)


def _steps(shares: FloatArray, levels: NDArray[np.float32]) -> tuple[FloatArray, NDArray[np.float32]]:
    """Shares of the cladding's radius, and by how much the median levels change there.

    An index ring is a thin line, up and down again within a few pixels; a core is a step that stays.  So the levels
    on both sides are compared across a gap that swallows such a line.
    """
    window, gap = max(round(CORE_WINDOW * len(shares)), 2), max(round(CORE_GAP * len(shares)), 1)
    reach = window + gap
    mirrored = np.concatenate([levels[reach:0:-1], levels])  # beyond the center is the other side
    means = np.convolve(mirrored, np.ones(window) / window, mode="valid")
    steps = means[reach + gap :] - means[: -(reach + gap)]
    at = shares[: len(steps)]
    steps[(at < CORE_SHARES[0]) | (at > CORE_SHARES[1])] = 0
    return at, steps


def _core(gray: NDArray[np.uint8], cladding: Ellipse, at: FloatArray, steps: NDArray[np.float32]) -> Ellipse | None:
    best = int(np.abs(steps).argmax())
    if abs(steps[best]) < MIN_LEVELS:
        return None
    guess = _scaled(cladding, float(at[best]))
    reach = max(0.2, 8 / sum(guess.radii_px))
    edge = fit_edge(gray, guess, reach=reach, sign=float(np.sign(steps[best])))
    return guess if edge is None else edge.ellipse


def _clear_steps(cladding: Ellipse, at: FloatArray, steps: NDArray[np.float32]) -> tuple[Ellipse, ...]:
    heights = np.abs(steps)[None]
    apart = 2 * round(STEP_DISTANCE * len(steps)) + 1
    highest = heights == cv2.dilate(heights, np.ones((1, apart), np.uint8))
    clear = np.flatnonzero(highest[0] & (heights[0] >= MIN_CLEAR_LEVELS))
    return tuple(_scaled(cladding, float(share)) for share in at[clear[::-1]])


def _scaled(ellipse: Ellipse, share: float) -> Ellipse:
    return replace(ellipse, radii_px=(ellipse.radii_px[0] * share, ellipse.radii_px[1] * share))
