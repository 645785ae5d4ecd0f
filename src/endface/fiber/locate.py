"""The fibers of a picture: claddings as axis-aligned ellipses, cores where they are visible.

Cameras with non-square pixels show the round fiber as an ellipse along the axes, so center and two radii say it all.
A coarse search proposes discs from outlines at many gray levels on a small copy of the picture; each is then refined
along rays at full resolution, where the steepest edge of every ray votes and strangers (chips, dirt, glue) are left
out.  Polarity is free: the cladding may be darker or brighter than the ferrule, the core than the cladding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.errors import DefocusError, NoFiberError, NoSuchFiberError, SeveralFibersError
from endface.fiber.coarse import (
    COARSE_PX,
    MAX_GROUPS,
    NESTED_RATIO,
    Ring,
    SmallCopy,
    ring_edges,
    ring_groups,
    shrink,
    stands_out,
)
from endface.fiber.core import find_core
from endface.fiber.edge import Edge, fit_cladding_edge
from endface.fiber.ellipse import CLEAR_VOTE, moved
from endface.fiber.ferrule import find_inside, is_alike
from endface.fiber.neighbors import find_neighbors, looks_alike
from endface.report import Ellipse, Fiber

MIN_RADIUS_SHARE: Final = 0.06
"""Smallest cladding radius as a share of the picture's longer side in the first search."""

FINE_PX: Final = 600
SMALLEST_PX: Final = 6.0
"""Side of a square copy for the second search, after small fibers, and their smallest radius on it."""

EDGE_REACH: Final = 0.09
"""How far off the edge on the small copy may lie from the one at full resolution, as a share of the radius."""

FAR_OFF: Final = 0.05
"""An edge is followed again from itself where the guess was off by more than this share of the radius."""

CLEAR_SUPPORT: Final = 0.8
"""An edge that fewer of the rays support competes with what other outlines of the same rim lead to."""

CLEARER: Final = 2.0
"""A dark disc of so many times the step of an outline around it that cannot be followed is the cladding: the outline
is that of the light."""

MIN_CLEAR_LEVELS: Final = 25.0
"""Least step of such a disc; cores are told from claddings by fewer levels."""

NEIGHBOR_REACH: Final = 0.15
"""How far off the edge of a further fiber may lie from its place on the small copy, as a share of the radius."""

ALIKE_RADIUS: Final = 0.08
"""Fibers of one picture differ in radius by less than this share."""

CONCENTRIC: Final = 0.03
"""Core and cladding share a center within this share of the radius; a fiber seldom lies so well in a field of view."""

CUT_SHARE: Final = 0.02
"""A fiber of which more than this share of the radius lies beyond the picture's border is cut off."""


@dataclass(frozen=True)
class Located:
    """A fiber of a picture.

    Attributes:
        cladding: its outline.
        core: the core's outline, None where none is seen.
        edge: the cladding's edge as it was followed; None where too little of it is seen.
        cut_off: whether the picture's border cuts through the cladding.
    """

    cladding: Ellipse
    core: Ellipse | None
    edge: Edge | None
    cut_off: bool

    @property
    def fiber(self) -> Fiber:
        """The fiber as a value of the report."""
        return Fiber(self.cladding, self.core)

    def moved(self, x_px: float, y_px: float) -> Located:
        """The same fiber in a picture of which this one is a part."""
        edge = replace(self.edge, ellipse=moved(self.edge.ellipse, x_px, y_px)) if self.edge else None
        core = moved(self.core, x_px, y_px) if self.core else None
        return Located(moved(self.cladding, x_px, y_px), core, edge, self.cut_off)


def locate(gray: NDArray[np.uint8]) -> Fiber:
    """Find the only fiber in a gray picture uint8 (H, W) without a black frame.

    Raises:
        NoFiberError: no edge of the shape of a cladding stands out.
        DefocusError: one does, but it cannot be followed at full resolution.
        SeveralFibersError: there are several.
    """
    return choose(locate_all(gray)).fiber


def choose(fibers: Sequence[Located], number: int | None = None) -> Located:
    """The fiber of that number, from 1 in reading order; None for the only one.

    Raises:
        SeveralFibersError: none is named, and there are several.
        NoSuchFiberError: there is none of that number.
    """
    if number is None:
        if len(fibers) > 1:
            raise SeveralFibersError(
                f"{len(fibers)} fibers are in the picture, at {', '.join(map(_place, fibers))}; "
                "name one of them by its number, or inspect the whole connector"
            )
        return _followed(fibers[0])
    if not 1 <= number <= len(fibers):
        count = "1 fiber is" if len(fibers) == 1 else f"{len(fibers)} fibers are"
        raise NoSuchFiberError(
            f"there is no fiber {number}: {count} in the picture, at {', '.join(map(_place, fibers))}"
        )
    return _followed(fibers[number - 1])


def _followed(fiber: Located) -> Located:
    """A fiber that can be judged as far as it is seen."""
    if fiber.edge is None and not fiber.cut_off:
        raise DefocusError("the fiber's edge is too soft, or too dirty, to follow; clean it, or focus again")
    return fiber


def locate_all(gray: NDArray[np.uint8], field: Ellipse | None = None) -> tuple[Located, ...]:
    """Find all fibers in a gray picture uint8 (H, W) without a black frame, in reading order.

    Of nested edges (core, index rings, cladding) the outermost that stands out is the cladding, unless it is that of
    the round ``field`` of view or of the ferrule.

    Raises:
        NoFiberError: no edge of the shape of a cladding stands out.
        DefocusError: one does, but it cannot be followed at full resolution.
    """
    copy, (small, edge) = _search(gray, field)
    inside = find_inside(gray, edge)
    if inside is not None and (inner := _at_full_resolution(gray, inside)) is not None:
        edge = inner
        small = replace(inner, ellipse=copy.to_small(inner.ellipse))
    if field is not None:
        _require_cladding(edge, field)
    others = [_neighbor(gray, edge, copy.to_full(place)) for place in find_neighbors(copy.gray, small)]
    known = Located(edge.ellipse, find_core(gray, edge.ellipse), edge, _is_cut_off(edge.ellipse, gray))
    return _in_reading_order([known, *(other for other in others if other is not None)])


def _search(gray: NDArray[np.uint8], field: Ellipse | None) -> tuple[SmallCopy, tuple[Edge, Edge]]:
    """The clearest edge, on a small copy and at full resolution; on a finer copy where the small one is too coarse.

    Raises:
        NoFiberError, DefocusError: as ``locate_all``.
    """
    failed: Edge | None = None
    fine_px = round(FINE_PX * math.sqrt(max(gray.shape) / max(min(gray.shape), 1)))  # rows of fibers are long
    for longest_px, smallest_px in ((COARSE_PX, MIN_RADIUS_SHARE * COARSE_PX), (fine_px, SMALLEST_PX)):
        copy = shrink(gray, longest_px)
        groups = ring_groups(copy.gray, min(smallest_px, MIN_RADIUS_SHARE * max(copy.gray.shape)))
        found, failed = _clearest(gray, copy, groups, field, failed)
        if found is not None:
            return copy, found
    if failed is None:
        raise NoFiberError(
            "no cladding edge was found in the picture; check that a connector is under the microscope and in focus"
        )
    raise DefocusError("the outline of a fiber is there, but its edge is too soft to follow; focus again")


def _require_cladding(edge: Edge, field: Ellipse) -> None:
    """Refuse a disc in the middle of a round field where both may as well be a core and a cladding in black."""
    if edge.levels < 0 and math.dist(edge.ellipse.center_px, field.center_px) < CONCENTRIC * min(field.radii_px):
        raise NoFiberError(
            "a bright disc lies in the middle of a circle that is black around: this may be a fiber in a round field of "
            "view, or a core in its cladding; light the ferrule, or send the picture without the mask"
        )


def _clearest(
    gray: NDArray[np.uint8], copy: SmallCopy, groups: list[list[Ring]], field: Ellipse | None, failed: Edge | None
) -> tuple[tuple[Edge, Edge] | None, Edge | None]:
    """The clearest edge on the small copy and at full resolution, or None; and what stood out and could not be
    followed, of a search before or of this one.
    """
    if field is not None:
        border = copy.to_small(field)
        groups = [kept for group in groups if (kept := [ring for ring in group if not is_alike(ring.ellipse, border)])]
    firsts = [
        (first, edges)
        for group in groups[:MAX_GROUPS]
        if (first := next(edges := ring_edges(copy.gray, group), None)) is not None
    ]
    firsts.sort(key=lambda pair: -_clarity(pair[0]))
    best: tuple[Edge, Edge] | None = None
    for first, edges in firsts:
        for small in chain([first], edges):
            guess = replace(small, ellipse=copy.to_full(small.ellipse))
            if failed is not None and not _may_replace(guess, failed):
                continue
            failed = failed or guess
            edge = _at_full_resolution(gray, guess.ellipse)
            if edge is not None and edge.support >= CLEAR_SUPPORT:
                return (small, edge), failed
            if edge is not None and (best is None or edge.support > best[1].support):
                best = small, edge
        if best is not None:
            break
    return best, failed


def _clarity(edge: Edge) -> float:
    return abs(edge.levels) * edge.support**2 * sum(edge.ellipse.radii_px) ** 0.25


def _may_replace(edge: Edge, failed: Edge) -> bool:
    """Whether an edge is the same rim as one that could not be followed, or a disc that stands out much more."""
    ratio = sum(failed.ellipse.radii_px) / sum(edge.ellipse.radii_px)
    if 1 / NESTED_RATIO < ratio < NESTED_RATIO:
        return True
    return edge.levels >= max(CLEARER * abs(failed.levels), MIN_CLEAR_LEVELS)


def _at_full_resolution(gray: NDArray[np.uint8], guess: Ellipse) -> Edge | None:
    edge = fit_cladding_edge(gray, guess, reach=EDGE_REACH)
    if edge is not None and (edge.support < CLEAR_VOTE or _is_off(guess, edge.ellipse)):
        # One that is not found again from itself is not kept: its radii would be the scale of all sizes.
        edge = fit_cladding_edge(gray, edge.ellipse, reach=EDGE_REACH)
    return edge if edge is not None and stands_out(edge) else None


def _is_off(guess: Ellipse, found: Ellipse) -> bool:
    """Whether a guess was so far off that the edge was near the ends of the rays."""
    return any(abs(was - radius) > FAR_OFF * radius for was, radius in zip(guess.radii_px, found.radii_px, strict=True))


def _neighbor(gray: NDArray[np.uint8], known: Edge, place: Ellipse) -> Located | None:
    """Another fiber like a known one at a place; None where something else is there."""
    near = fit_cladding_edge(gray, place, reach=NEIGHBOR_REACH)
    edge = None if near is None else _at_full_resolution(gray, near.ellipse)
    if edge is not None and _is_alike(edge, known) and looks_alike(gray, edge.ellipse, known.ellipse):
        return Located(edge.ellipse, find_core(gray, edge.ellipse), edge, _is_cut_off(edge.ellipse, gray))
    return Located(place, None, None, _is_cut_off(place, gray)) if looks_alike(gray, place, known.ellipse) else None


def _is_alike(edge: Edge, known: Edge) -> bool:
    ratio = sum(edge.ellipse.radii_px) / sum(known.ellipse.radii_px)
    return abs(ratio - 1) < ALIKE_RADIUS and edge.levels * known.levels > 0


def _is_cut_off(ellipse: Ellipse, gray: NDArray[np.uint8]) -> bool:
    sides = zip(ellipse.center_px, ellipse.radii_px, gray.shape[::-1], strict=True)
    return any(
        place - (1 - CUT_SHARE) * radius < 0 or place + (1 - CUT_SHARE) * radius > side - 1
        for place, radius, side in sides
    )


def _in_reading_order(fibers: list[Located]) -> tuple[Located, ...]:
    """Row by row from above, each from left to right: a row is what lies within a radius of its first."""
    rest = sorted(fibers, key=lambda fiber: fiber.cladding.center_px[1])
    ordered: list[Located] = []
    while rest:
        lowest = rest[0].cladding.center_px[1] + rest[0].cladding.radii_px[1]
        row = [fiber for fiber in rest if fiber.cladding.center_px[1] <= lowest]
        ordered += sorted(row, key=lambda fiber: fiber.cladding.center_px[0])
        rest = rest[len(row) :]
    return tuple(ordered)


def _place(fiber: Located) -> str:
    x, y = fiber.cladding.center_px
    return f"({x:.0f}, {y:.0f}){' cut off by the border' if fiber.cut_off else ''}"
