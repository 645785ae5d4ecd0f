"""The search for the cladding that stands out most in a picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.errors import DefocusError, NoFiberError
from endface.fiber.coarse import (
    COARSE_PX,
    MAX_GROUPS,
    NESTED_RATIO,
    Ring,
    SmallCopy,
    is_around,
    ring_edges,
    ring_groups,
    shrink,
)
from endface.fiber.edge import SIDE_PX, Edge
from endface.fiber.ferrule import find_inside, is_alike
from endface.fiber.follow import CLEAR_SUPPORT, EDGE_REACH, follow, follow_far
from endface.fiber.gap import find_fiber_in_bore
from endface.fiber.plain import find_plain_disc
from endface.fiber.rival import is_concentric
from endface.fiber.step import fit_bright_disc
from endface.fiber.votes import likely_circles
from endface.report import Ellipse

MIN_RADIUS_SHARE: Final = 0.06
"""Smallest cladding radius as a share of the picture's longer side in the first search."""

FINE_PX: Final = 600
SMALLEST_PX: Final = 6.0
"""Side of a square copy for the second search, after small fibers, and their smallest radius on it."""

CLEARER: Final = 2.0
"""A dark disc of so many times the step of an outline around it that cannot be followed is the cladding: the outline
is that of the light."""

MIN_CLEAR_LEVELS: Final = 25.0
"""Least step of such a disc; cores are told from claddings by fewer levels."""

MOST_DISCS: Final = 4
"""Of so many edges that could not be followed the disc is looked at."""


@dataclass(frozen=True)
class Found:
    """A cladding's edge on a small copy of the picture and at full resolution.

    Attributes:
        copy: the small copy.
        small: the edge on it.
        edge: the edge at full resolution.
        rival: a second one that may be the cladding's instead; None where there is none.
    """

    copy: SmallCopy
    small: Edge
    edge: Edge
    rival: Edge | None = None


def search(gray: NDArray[np.uint8], field: Ellipse | None) -> Found:
    """Find the cladding that stands out most in a gray picture uint8 (H, W), on a small copy and, where that is too
    coarse, on a finer one.

    Raises:
        NoFiberError: no edge of the shape of a cladding stands out.
        DefocusError: one stands out, but it cannot be followed at full resolution.
    """
    found = _search(gray, field)
    inside = find_inside(gray, found.edge)
    if inside is not None:
        edge = follow(gray, inside)
        if edge is None:
            raise DefocusError("a whole ferrule is there, but the fiber in it is too small or too soft; magnify more")
        found = Found(found.copy, replace(edge, ellipse=found.copy.to_small(edge.ellipse)), edge, found.edge)
    fiber = find_fiber_in_bore(gray, found.edge)
    if fiber is not None:
        found = replace(found, small=replace(fiber, ellipse=found.copy.to_small(fiber.ellipse)), edge=fiber)
    if field is not None and found.edge.levels < 0 and is_concentric(found.edge.ellipse, field):
        return replace(found, rival=Edge(field, 1.0, found.edge.levels))  # a core in a cladding that black is around
    return found


def _search(gray: NDArray[np.uint8], field: Ellipse | None) -> Found:
    coarse = shrink(gray)
    plain = find_plain_disc(gray, coarse) if field is None else None
    if plain is not None:
        return Found(coarse, *plain)
    failed: list[Edge] = []
    rings: list[Ellipse] = []
    fine_px = round(FINE_PX * math.sqrt(max(gray.shape) / max(min(gray.shape), 1)))  # rows of fibers are long
    for longest_px, smallest_px in ((COARSE_PX, MIN_RADIUS_SHARE * COARSE_PX), (fine_px, SMALLEST_PX)):
        copy = coarse if longest_px == COARSE_PX else shrink(gray, longest_px)
        groups = ring_groups(copy.gray, min(smallest_px, MIN_RADIUS_SHARE * max(copy.gray.shape)))
        if field is not None:
            border = copy.to_small(field)
            groups = [[ring for ring in group if not is_alike(ring.ellipse, border)] for group in groups]
        found = _clearest(gray, copy, [group for group in groups if group], failed)
        if found is not None:
            return found
        rings += [copy.to_full(ring.ellipse) for group in groups for ring in group]
    found_last = _last_resort(gray, coarse, failed, rings)
    if found_last is not None:
        return found_last
    if not failed:
        raise NoFiberError(
            "no cladding edge was found in the picture; check that a connector is under the microscope and in focus"
        )
    raise DefocusError("the outline of a fiber is there, but its edge is too soft to follow; focus again")


def _last_resort(gray: NDArray[np.uint8], copy: SmallCopy, failed: list[Edge], rings: list[Ellipse]) -> Found | None:
    """A cladding whose rim cannot be followed although its disc stands out, or whose outline runs into others.

    What lies inside an outline with the same center is a core.
    """
    discs = (fit_bright_disc(gray, edge.ellipse, reach=EDGE_REACH) for edge in failed[:MOST_DISCS])
    circles = (follow_far(gray, copy.to_full(circle)) for circle in likely_circles(copy.gray))
    for edge in chain(discs, circles):
        if edge is None or edge.support < CLEAR_SUPPORT:
            continue
        if not any(_is_other_ring(ring, edge.ellipse) for ring in rings):
            return Found(copy, replace(edge, ellipse=copy.to_small(edge.ellipse)), edge)
    return None


def _is_other_ring(ring: Ellipse, edge: Ellipse) -> bool:
    """Whether a ring lies around an edge, and is not its own outline at another gray level."""
    return is_around(ring, edge) and min(ring.radii_px) - min(edge.radii_px) > SIDE_PX


def _clearest(gray: NDArray[np.uint8], copy: SmallCopy, groups: list[list[Ring]], failed: list[Edge]) -> Found | None:
    """The clearest edge on the small copy and at full resolution, or None; what lies around it may be the cladding.

    ``failed`` has what stood out in a search before and could not be followed; that of this one is added.
    """
    begun: list[tuple[Edge, Iterator[Edge]]] = []
    for group in groups[:MAX_GROUPS]:
        if begun and group[0].ellipse.radii_px < begun[0][0].ellipse.radii_px:
            continue  # smaller things beside what stands out most are dirt
        edges = ring_edges(copy.gray, group)
        first = next(edges, None)
        if first is not None:
            begun.append((first, edges))
    begun.sort(key=lambda pair: -_clarity(pair[0], copy.gray.shape))
    best: Found | None = None
    for first, edges in begun:
        for small in chain([first], edges):
            guess = replace(small, ellipse=copy.to_full(small.ellipse))
            if failed and not _may_replace(guess, failed[0]):
                continue
            failed.append(guess)
            edge = follow(gray, guess.ellipse)
            if edge is not None and (best is None or edge.support > best.edge.support):
                best = Found(copy, small, edge)
            if best is not None and best.edge.support >= CLEAR_SUPPORT:
                break
        if best is not None:
            return replace(best, rival=_around(gray, best, [ring for group in groups[:MAX_GROUPS] for ring in group]))
    return None


def _around(gray: NDArray[np.uint8], found: Found, rings: list[Ring]) -> Edge | None:
    """The edge of another disc in which a found one lies off its middle: dirt may stand out more than its fiber."""
    inner = found.small.ellipse
    (x, y), radius = inner.center_px, sum(inner.radii_px) / 2
    for ring in rings:
        (outer_x, outer_y), (radius_x, radius_y) = ring.ellipse.center_px, ring.ellipse.radii_px
        off = math.hypot((x - outer_x) / radius_x, (y - outer_y) / radius_y)
        if off + 2 * radius / (radius_x + radius_y) < 1 / NESTED_RATIO and not is_around(ring.ellipse, inner):
            edge = follow(gray, found.copy.to_full(ring.ellipse))
            if edge is not None and edge.support >= CLEAR_SUPPORT:
                return edge
    return None


def _clarity(edge: Edge, shape: tuple[int, ...]) -> float:
    """How much an edge stands out; of two alike the wider one that is seen as a whole is the more certain."""
    sides = zip(edge.ellipse.center_px, edge.ellipse.radii_px, shape[::-1], strict=True)
    seen = [(min(place + radius, side) - max(place - radius, 0.0)) / (2 * radius) for place, radius, side in sides]
    return abs(edge.levels) * edge.support**2 * seen[0] * seen[1] * math.sqrt(math.sqrt(sum(edge.ellipse.radii_px)))


def _may_replace(edge: Edge, failed: Edge) -> bool:
    """Whether an edge is the same rim as one that could not be followed, or a disc that stands out much more."""
    ratio = sum(failed.ellipse.radii_px) / sum(edge.ellipse.radii_px)
    if 1 / NESTED_RATIO < ratio < NESTED_RATIO:
        return True
    return edge.levels >= max(CLEARER * abs(failed.levels), MIN_CLEAR_LEVELS)
