"""What is seen inside a cladding: the core, where one is visible, and whether it has any structure of a fiber."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.fiber.edge import MIN_LEVELS, fit_edge
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
    """

    core: Ellipse | None
    structure: bool


def look_inside(gray: NDArray[np.uint8], cladding: Ellipse) -> Inside:
    """The core and the structure inside a cladding in a picture uint8 (H, W)."""
    radius_px = sum(cladding.radii_px) / 2
    shares = np.linspace(0, 1, max(int(radius_px), 32))
    rays, _ = sample_rays(gray, cladding, shares, count=CORE_RAYS)
    if rays is None:
        return Inside(None, structure=False)
    levels = median(np.ascontiguousarray(rays.T, np.uint8))  # bytes are what was sampled
    core = _core(gray, cladding, shares, levels)
    return Inside(core, structure=core is not None or _varies(shares, levels))


def _varies(shares: NDArray[np.float64], levels: NDArray[np.float32]) -> bool:
    """Whether levels change from the center to the rim more than uneven light does."""
    window = max(round(STRUCTURE_WINDOW * len(levels)), 1)
    smooth = np.convolve(levels, np.ones(window) / window, mode="valid")
    at = shares[window // 2 :][: len(smooth)]
    inside = (at > STRUCTURE_SHARES[0]) & (at < STRUCTURE_SHARES[1])
    light = np.polyval(np.polyfit(at[inside], smooth[inside], 2), at[inside])
    return bool(np.ptp(smooth[inside] - light) > MIN_STRUCTURE)


def _core(
    gray: NDArray[np.uint8], cladding: Ellipse, shares: NDArray[np.float64], levels: NDArray[np.float32]
) -> Ellipse | None:
    """The core by the median levels at shares of the cladding's radius.

    An index ring is a thin line, up and down again within a few pixels; a core is a step that stays.  So the levels
    on both sides are compared across a gap that swallows such a line.
    """
    radius_px = sum(cladding.radii_px) / 2
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
