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
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.errors import DefocusError, NoSuchFiberError, SeveralFibersError
from endface.fiber.core import Inside, look_inside
from endface.fiber.edge import Edge
from endface.fiber.ellipse import moved
from endface.fiber.follow import follow_far
from endface.fiber.neighbors import find_neighbors, looks_alike
from endface.fiber.rival import find_fiber_in_field
from endface.fiber.search import search
from endface.report import Ellipse, Fiber

ALIKE_RADIUS: Final = 0.08
"""Fibers of one picture differ in radius by less than this share."""

MOST_PLACES: Final = 12
"""Of more fibers a sentence does not say where each is."""

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
        structure: whether a core, a ring or anything else of a fiber is seen inside; a plain disc has nothing.
        rival: another reading of the picture, in which a second outline is the cladding; None where there is none.
    """

    cladding: Ellipse
    core: Ellipse | None
    edge: Edge | None
    cut_off: bool
    structure: bool = False
    rival: Located | None = None

    @property
    def core_share(self) -> float | None:
        """The core's diameter as a share of the cladding's; None where no core is seen."""
        return None if self.core is None else sum(self.core.radii_px) / sum(self.cladding.radii_px)

    @property
    def fiber(self) -> Fiber:
        """The fiber as a value of the report."""
        return Fiber(self.cladding, self.core)

    def moved(self, x_px: float, y_px: float) -> Located:
        """The same fiber in a picture of which this one is a part."""
        edge = replace(self.edge, ellipse=moved(self.edge.ellipse, x_px, y_px)) if self.edge else None
        core = moved(self.core, x_px, y_px) if self.core else None
        rival = self.rival.moved(x_px, y_px) if self.rival else None
        return replace(self, cladding=moved(self.cladding, x_px, y_px), core=core, edge=edge, rival=rival)

    def of_radius(self, radius_px: float) -> Located:
        """The reading whose cladding comes closer to a radius, by their ratio."""
        readings = (self,) if self.rival is None else (self, self.rival)
        return min(readings, key=lambda each: abs(math.log(sum(each.cladding.radii_px) / 2 / radius_px)))


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
                f"{len(fibers)} fibers are in the picture, at {_places(fibers)}; "
                "name one of them by its number, or inspect the whole connector"
            )
        return _followed(fibers[0])
    if not 1 <= number <= len(fibers):
        count = "1 fiber is" if len(fibers) == 1 else f"{len(fibers)} fibers are"
        raise NoSuchFiberError(f"there is no fiber {number}: {count} in the picture, at {_places(fibers)}")
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
    found = search(gray, field)
    edge = found.edge
    others = [
        _neighbor(gray, edge, found.copy.to_full(place)) for place in find_neighbors(found.copy.gray, found.small)
    ]
    inside = look_inside(gray, edge.ellipse)
    rival = found.rival or find_fiber_in_field(gray, edge, inside)
    first = replace(_located(gray, edge, inside), rival=None if rival is None else _located(gray, rival))
    return _in_reading_order([first, *(other for other in others if other is not None)])


def _located(gray: NDArray[np.uint8], edge: Edge, inside: Inside | None = None) -> Located:
    inside = inside or look_inside(gray, edge.ellipse)
    return Located(edge.ellipse, inside.core, edge, _is_cut_off(edge.ellipse, gray), inside.structure)


def _neighbor(gray: NDArray[np.uint8], known: Edge, place: Ellipse) -> Located | None:
    """Another fiber like a known one at a place; None where something else is there."""
    edge = follow_far(gray, place)
    if edge is not None and _is_alike(edge, known) and looks_alike(gray, edge.ellipse, known.ellipse):
        return _located(gray, edge)
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


def _places(fibers: Sequence[Located]) -> str:
    """Where the first fibers are, in words; the report holds all."""
    more = f" and {len(fibers) - MOST_PLACES} more places" if len(fibers) > MOST_PLACES else ""
    return ", ".join(map(_place, fibers[:MOST_PLACES])) + more


def _place(fiber: Located) -> str:
    x, y = fiber.cladding.center_px
    return f"({x:.0f}, {y:.0f}){' cut off by the border' if fiber.cut_off else ''}"
