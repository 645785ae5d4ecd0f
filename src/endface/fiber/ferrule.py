"""The small fiber inside a large disc that is not a cladding: the ferrule at low magnification."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.fiber.coarse import ring_edges, ring_groups, shrink
from endface.fiber.edge import Edge
from endface.fiber.ellipse import moved
from endface.report import Ellipse

MIDDLE_SHARE: Final = 0.45
"""Half the side of the square in which the fiber is looked for, as a share of the disc's radius."""

LARGEST_SHARE: Final = 0.36
"""Largest cladding over its ferrule's flat front; cores of 50 um and more are larger, against 125 um."""

SINGLE_MODE_SHARES: Final = (0.058, 0.095)
"""Between these shares a disc inside may be a single-mode core as well: 8 to 11 um of 125."""

MIDDLE_PX: Final = 400
"""Longer side of the copy of the disc's middle at most."""

MIN_RADIUS_PX: Final = 5.0
SMALLEST_PX: Final = 8.0
"""Smallest radius of a fiber in the picture, and on the copy of its middle."""

MIN_LEVELS: Final = 12.0
MIN_STEP: Final = 0.07
MIN_STEP_OF_SMALL: Final = 0.35
DARK_AROUND: Final = 0.5
"""A fiber is darker than its ferrule by at least these levels and this share of the ferrule's level.  Where it is so
small that it may be a core, by more, and what is around the ferrule has at most this share of its level: a core that is
so much darker than its cladding, in a black ferrule, was not seen."""

ALIKE: Final = 0.2
"""Two outlines are one where centers and radii differ by less than this share of the radius."""


def find_inside(gray: NDArray[np.uint8], disc: Edge) -> Ellipse | None:
    """The fiber in the middle of a disc in a picture uint8 (H, W) that turns out to be the ferrule; else None."""
    if disc.levels > 0:
        return None  # what is darker than all around it is no ferrule
    x, y = disc.ellipse.center_px
    radius_px = sum(disc.ellipse.radii_px) / 2
    half_px = MIDDLE_SHARE * radius_px
    if half_px < 2 * MIN_RADIUS_PX:
        return None
    left, top = max(int(x - half_px), 0), max(int(y - half_px), 0)
    middle = gray[top : max(int(y + half_px), 0), left : max(int(x + half_px), 0)]
    if min(middle.shape, default=0) < 4 * MIN_RADIUS_PX:
        return None
    copy = shrink(middle, MIDDLE_PX)
    edges = [edge for group in ring_groups(copy.gray, SMALLEST_PX) for edge in ring_edges(copy.gray, group)]
    around, ferrule = side_levels(gray, disc.ellipse)
    best: Edge | None = None
    for edge in edges:
        share = sum(edge.ellipse.radii_px) / 2 * copy.factor / radius_px
        if share > LARGEST_SHARE or share * radius_px < MIN_RADIUS_PX or edge.levels < MIN_LEVELS:
            continue
        small = SINGLE_MODE_SHARES[0] < share < SINGLE_MODE_SHARES[1]
        if edge.levels < (MIN_STEP_OF_SMALL if small else MIN_STEP) * ferrule:
            continue
        if small and around > DARK_AROUND * ferrule:
            continue
        if best is None or edge.levels > best.levels:
            best = edge
    return None if best is None else moved(copy.to_full(best.ellipse), left, top)


def is_alike(ellipse: Ellipse, other: Ellipse) -> bool:
    """Whether two outlines are about the same."""
    radius_px, other_px = sum(ellipse.radii_px) / 2, sum(other.radii_px) / 2
    near = math.dist(ellipse.center_px, other.center_px) < ALIKE * other_px
    return near and abs(radius_px / other_px - 1) < ALIKE


def side_levels(gray: NDArray[np.uint8], ellipse: Ellipse) -> tuple[float, float]:
    """Median levels around an outline in a picture uint8 (H, W) and in it, as far as they are seen."""
    around, inside = (_on(gray, ellipse, shares) for shares in ((1.08, 1.12, 1.16), (0.6, 0.7, 0.8, 0.9)))
    return float(np.median(around)) if len(around) else 0.0, float(np.median(inside)) if len(inside) else 255.0


def _on(gray: NDArray[np.uint8], ellipse: Ellipse, shares: tuple[float, ...]) -> NDArray[np.uint8]:
    """Levels on ellipses of these shares of the radii."""
    angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1) * ellipse.radii_px
    points = np.rint(np.array(ellipse.center_px) + directions * np.array(shares)[:, None, None]).astype(int)
    x, y = points.reshape(-1, 2).T
    seen = (x >= 0) & (y >= 0) & (x < gray.shape[1]) & (y < gray.shape[0])
    levels: NDArray[np.uint8] = gray[y[seen], x[seen]]
    return levels
