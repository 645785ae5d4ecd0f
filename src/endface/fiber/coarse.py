"""Coarse search: edges of discs on a small copy of a picture, group by group of rings around one place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.errors import NoFiberError
from endface.fiber.edge import SIDE_PX, SIDE_SHARE, Edge, fit_edge, fit_twice
from endface.fiber.ellipse import CLEAR_VOTE, from_fit
from endface.fiber.outlines import POINTS, find_outlines
from endface.fiber.rays import sample_rays
from endface.order import median
from endface.report import Ellipse

COARSE_PX: Final = 200
"""Longer side of the small copy at most: a fiber of a quarter of the picture is still 50 pixels wide."""

MIN_EDGE_LEVELS: Final = 8.0
"""Weakest cladding edge in gray levels: several times a camera's noise, a third of a very dark photograph's edge."""

MIN_CLEAR_LEVELS: Final = 4.0
MIN_CLEAR_PX: Final = 20.0
"""The same where nearly all rays agree on a disc of at least this radius, as they never do on noise."""

COARSE_REACH: Final = 0.12
"""How far off an outline may lie from the edge, as a share of the radius: it may follow the edge's dark line or its
halo, 5 um to either side.
"""

NESTED_RATIO: Final = 1.15
"""An edge so much wider than another one is another ring; closer ones are the same rim with its halo or glue gap."""

MAX_SHIFT: Final = 0.15
"""Rings have about one center: a glue gap and what an outline strays by move it less than this share of the radius."""

GROUP_SHIFT: Final = 0.5
"""Rings whose centers lie closer than this share of the strongest one's radius are told apart by being nested, others
are of different things."""

MAX_GROUPS: Final = 4
"""Groups that are looked at: a fiber among spots of dirt that stand out more is one of the first."""


@dataclass(frozen=True)
class SmallCopy:
    """A picture, averaged over areas of ``factor`` x ``factor`` pixels, uint8 (h, w)."""

    gray: NDArray[np.uint8]
    factor: int

    def to_full(self, ellipse: Ellipse) -> Ellipse:
        """An ellipse on the copy, in the picture's pixels."""
        center = (np.array(ellipse.center_px) + 0.5) * self.factor - 0.5
        return from_fit(np.concatenate([center, np.array(ellipse.radii_px) * self.factor]))

    def to_small(self, ellipse: Ellipse) -> Ellipse:
        """An ellipse in the picture, on the copy."""
        center = (np.array(ellipse.center_px) + 0.5) / self.factor - 0.5
        return from_fit(np.concatenate([center, np.array(ellipse.radii_px) / self.factor]))


@dataclass(frozen=True)
class Ring:
    """An elliptic outline, and the strength of the step across it."""

    ellipse: Ellipse
    strength: float


def shrink(gray: NDArray[np.uint8], longest_px: int = COARSE_PX) -> SmallCopy:
    """A small copy by a whole number, as areas of whole pixels are averaged fast, with single spots taken out.

    Raises:
        NoFiberError: the picture is so narrow that nothing is left of it.
    """
    factor = max(math.ceil(max(gray.shape) / longest_px), 1)
    height, width = (side // factor for side in gray.shape)
    if not height or not width:
        raise NoFiberError(f"no fiber fits into a picture of {gray.shape[1]} x {gray.shape[0]} pixels; send all of it")
    whole = gray[: height * factor, : width * factor]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return SmallCopy(cv2.medianBlur(small, 3).astype(np.uint8, copy=False), factor)


def ring_groups(small: NDArray[np.uint8], smallest_px: float) -> list[list[Ring]]:
    """Rings of at least ``smallest_px`` radius by the place that they lie around, the strongest group first."""
    rings = [ring for outline in find_outlines(small, smallest_px) if (ring := _ring(small, outline)) is not None]
    rings.sort(key=lambda ring: -ring.strength)
    groups: list[list[Ring]] = []
    for ring in rings:
        for group in groups:
            if _shares_center(ring.ellipse, group[0].ellipse):
                group.append(ring)
                break
        else:
            groups.append([ring])
    return groups


def ring_edges(small: NDArray[np.uint8], group: list[Ring]) -> Iterator[Edge]:
    """Edges of a group that stand out on the small copy, from the outermost ring inwards."""
    rings = list(group)
    while rings:
        ring = _outermost(rings)
        edge = fit_twice(partial(fit_edge, small, reach=COARSE_REACH, damaged=True), ring.ellipse)
        if edge is not None and stands_out(edge):
            yield edge
        rings.remove(ring)


def stands_out(edge: Edge) -> bool:
    """Whether an edge is clearly more than noise."""
    clear = edge.support >= CLEAR_VOTE and min(edge.ellipse.radii_px) >= MIN_CLEAR_PX
    return abs(edge.levels) >= (MIN_CLEAR_LEVELS if clear else MIN_EDGE_LEVELS)


def is_around(outer: Ellipse, inner: Ellipse) -> bool:
    """Whether an ellipse lies around another one with about the same center, too far to be the same edge."""
    sides = zip(outer.center_px, inner.center_px, outer.radii_px, inner.radii_px, strict=True)
    return all(
        abs(place - other) < MAX_SHIFT * radius and radius > NESTED_RATIO * narrower
        for place, other, radius, narrower in sides
    )


def _shares_center(ellipse: Ellipse, other: Ellipse) -> bool:
    reach_px = GROUP_SHIFT * min(*ellipse.radii_px, *other.radii_px)
    return math.dist(ellipse.center_px, other.center_px) < reach_px or is_around(ellipse, other)


def _ring(small: NDArray[np.uint8], outline: Ellipse) -> Ring | None:
    """An outline with the step across it; None where it has none, or lies mostly out of the picture."""
    side = max(SIDE_SHARE, SIDE_PX / min(outline.radii_px))
    rays, _ = sample_rays(small, outline, np.array([max(1 - side, 0.0), 1 + side]), count=POINTS)
    if rays is None:
        return None
    steps = rays[:, 1] - rays[:, 0]
    levels = float(median(steps))
    support = float((steps * np.sign(levels) > abs(levels) / 2).mean())
    return Ring(outline, abs(levels) * support**2) if abs(levels) >= MIN_EDGE_LEVELS / 2 else None


def _outermost(rings: list[Ring]) -> Ring:
    """From the strongest ring outwards, to the strongest of each next ring around it."""
    outermost, around = rings[0], rings
    while around:
        outermost = max(around, key=lambda ring: ring.strength)
        around = [ring for ring in rings if is_around(ring.ellipse, outermost.ellipse)]
    return outermost
