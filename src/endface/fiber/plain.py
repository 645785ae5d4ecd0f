"""The usual picture: one dark disc in a bright, plain ferrule, found at a single gray level.

The search through all gray levels is for everything else.  What is taken here must be so clear that it could only
confirm it: the disc is seen as a whole, nearly all rays agree on its edge, and nothing lies around it that could be the
cladding of what would be a core, or the bore of what would be a fiber.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.coarse import SmallCopy
from endface.fiber.edge import Edge, fit_slopes
from endface.fiber.follow import EDGE_REACH
from endface.fiber.outlines import outlines_at
from endface.fiber.rays import circle, unwrap
from endface.order import median
from endface.report import Ellipse

MIN_RADIUS_SHARE: Final = 0.1
MIN_RADIUS_PX: Final = 80.0
"""Least radius as a share of the picture's longer side, as a smaller disc may be a pin's hole or dirt, and in the
picture's pixels: below, an edge is as uncertain as where its outline lies."""

MIN_SUPPORT: Final = 0.93
MIN_LEVELS: Final = 20.0
"""Share of the rays that agree on the edge, and by how many levels the disc is darker."""

RAYS: Final = 48
NEAR_PX: Final = 2.0
HALF_PX: Final = 2
"""Rays outside the disc, how far from its edge they begin on the small copy, and half the distance over which their
levels are compared."""

MIN_STEP: Final = 4.0
MOST_RAYS: Final = 0.2
"""Levels by which a ray changes at an edge, and the share of the rays that may meet one: a ring that may be the
cladding's is met by more."""


def find_plain_disc(gray: NDArray[np.uint8], copy: SmallCopy) -> tuple[Edge, Edge] | None:
    """The edge of the only disc on the small copy of a picture uint8 (H, W) and at full resolution, or None."""
    _, dark = cv2.threshold(copy.gray, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    smallest_px = max(MIN_RADIUS_SHARE * max(copy.gray.shape), MIN_RADIUS_PX / copy.factor)
    outlines = outlines_at(np.asarray(dark, np.uint8), smallest_px)
    if not outlines:
        return None
    outline = max(outlines, key=lambda each: sum(each.radii_px))
    if not _is_whole(outline, copy.gray.shape) or _meets_edges(copy.gray, outline):
        return None
    strip = unwrap(gray, copy.to_full(outline), EDGE_REACH)
    if strip is None or float(median(strip.levels[:, -1] - strip.levels[:, 0])) < MIN_LEVELS:
        return None  # a bright disc has such slopes at the line along its rim
    edge = fit_slopes(strip, 1.0, damaged=True, between_samples=True)
    if edge is None or edge.support < MIN_SUPPORT or edge.levels < MIN_LEVELS:
        return None
    return replace(edge, ellipse=copy.to_small(edge.ellipse)), edge


def _is_whole(disc: Ellipse, shape: tuple[int, ...]) -> bool:
    sides = zip(disc.center_px, disc.radii_px, shape[::-1], strict=True)
    return all(place - radius > 1 and place + radius < side - 2 for place, radius, side in sides)


def _meets_edges(small: NDArray[np.uint8], disc: Ellipse) -> bool:
    """Whether rays from a disc outwards meet an edge."""
    height, width = small.shape
    directions = circle(RAYS)
    farthest = max(max(place, side - place) for place, side in zip(disc.center_px, (width, height), strict=True))
    away = NEAR_PX + np.arange(max(math.ceil(farthest - min(disc.radii_px) - NEAR_PX), 2 * HALF_PX + 1))
    x, y = (
        (place + along[:, None] * (radius + away)).astype(np.float32)
        for place, radius, along in zip(disc.center_px, disc.radii_px, directions.T, strict=True)
    )
    levels = cv2.remap(small, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    seen = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    steps = np.abs(levels[:, 2 * HALF_PX :] - levels[:, : -2 * HALF_PX])
    return float(((steps >= MIN_STEP) & seen[:, 2 * HALF_PX :]).any(axis=1).mean()) > MOST_RAYS
