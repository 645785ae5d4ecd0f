"""A second outline that may be the cladding instead of the one that was found.

Without a scale a picture does not always say which of two circles is 125 um wide: a fiber in a round field of view
looks like a core in a cladding whose ferrule is dark, and the ferrule around a fiber like a bright cladding with dirt
on it (``ferrule.find_inside``).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.fiber.core import MIN_CLEAR_LEVELS, Inside
from endface.fiber.edge import Edge, fit_edge
from endface.fiber.ferrule import side_levels
from endface.fiber.follow import follow
from endface.report import Ellipse

BLACK: Final = 12.0
LIT: Final = 48.0
"""Levels up to which what is around a disc may be no ferrule, and from which the disc has light."""

CONCENTRIC: Final = 0.03
"""Core and cladding share a center within this share of the radius; dirt and a field of view seldom lie so well."""

REACH: Final = 0.2
MIN_SUPPORT: Final = 0.9
"""How far off a core's edge may lie from the median step, as a share of the radius, and the share of the rays that
agree on it."""

MULTIMODE_SHARES: Final = (0.36, 0.54)
"""Core over cladding of multimode fibers, 50 and 62.5 of 125 um, give or take a tenth."""


def find_fiber_in_field(gray: NDArray[np.uint8], disc: Edge, inside: Inside) -> Edge | None:
    """The outline of a fiber inside a disc in a picture uint8 (H, W), where the disc may be a field of view.

    So it may be where the disc is bright and black is around it, or where what was taken for its core has a core.
    """
    outline = inside.core
    if outline is None:
        return None
    if _is_lit_in_black(gray, disc):
        outline = next(iter(inside.steps), outline)
    elif not any(_is_core(gray, outline, step) for step in inside.steps):
        return None
    around, level = side_levels(gray, outline)
    return follow(gray, outline) or Edge(outline, 1.0, around - level)


def is_concentric(ellipse: Ellipse, other: Ellipse) -> bool:
    """Whether two outlines share a center as core and cladding do."""
    return math.dist(ellipse.center_px, other.center_px) < CONCENTRIC * min(other.radii_px)


def _is_lit_in_black(gray: NDArray[np.uint8], disc: Edge) -> bool:
    if disc.levels > 0:
        return False
    around, level = side_levels(gray, disc.ellipse)
    return around <= BLACK and level >= LIT


def _is_core(gray: NDArray[np.uint8], cladding: Ellipse, step: Ellipse) -> bool:
    """Whether a step is that of a core in what would be its cladding."""
    if not _has_core_shares(step, cladding):
        return False
    edge = fit_edge(gray, step, reach=REACH)
    if edge is None or abs(edge.levels) < MIN_CLEAR_LEVELS or edge.support < MIN_SUPPORT:
        return False
    return _has_core_shares(edge.ellipse, cladding) and is_concentric(edge.ellipse, cladding)


def _has_core_shares(core: Ellipse, cladding: Ellipse) -> bool:
    low, high = MULTIMODE_SHARES
    return low < sum(core.radii_px) / sum(cladding.radii_px) < high
