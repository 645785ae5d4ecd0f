"""Defects as the rows of a table count them: a scratch by its width, anything else by its size.

What an expert could read in two ways is there in both: a row of beads as one scratch and as its pieces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.criteria.profile import Profile
from endface.picture.square import Placement
from endface.report import Defect, DefectPart, DefectType, LimitKind

Points = NDArray[np.float64]

SIGMAS: Final = 2.0
"""A size is taken to be right within so many of its standard deviations: 19 of 20 are."""

DOUBTFUL_CONFIDENCE: Final = 0.65
"""Confidence below which a mark may be none: on drawn faces every fifth one is none below it, above it one in forty."""


@dataclass(frozen=True)
class Mark:
    """A defect, or a piece of one, read as one type.

    Attributes:
        defect: what was measured.
        type: what it is read as.
        zones: those in which it counts.
        farther_in: those in which it would count if it lay nearer to the center by what a place may be off.
        farther_out: the same, farther from the center.
        size_um: width of a scratch, size of anything else.
        off_um: how far ``size_um`` may be off, either way.
        piece: whether it is only a piece of the defect.
        joined: how many marks it is, together with its near neighbors.
    """

    defect: Defect
    type: DefectType
    zones: tuple[str, ...]
    farther_in: tuple[str, ...]
    farther_out: tuple[str, ...]
    size_um: float
    off_um: float
    piece: bool = False
    joined: int = 1

    @property
    def kind(self) -> LimitKind:
        """Which rows count it."""
        return kind_of(self.type)

    @property
    def doubtful(self) -> bool:
        """Whether it may be no mark at all."""
        return self.defect.confidence < DOUBTFUL_CONFIDENCE


def kind_of(defect_type: DefectType) -> LimitKind:
    """Which rows count a type."""
    return "scratch" if defect_type == "scratch" else "defect"


def reaches_um(defects: Sequence[Defect], placement: Placement) -> list[tuple[float, float] | None]:
    """How near to the fiber's center each defect comes, and how far from it; None without an outline."""
    outlines = outlines_um(defects, placement)
    radii_um = np.hypot(*np.concatenate([np.empty((0, 2)), *outlines]).T).tolist()
    ends = accumulate(map(len, outlines), initial=0)
    parts = [radii_um[start:stop] for start, stop in pairwise(ends)]
    return [(min(part), max(part)) if part else None for part in parts]


def outlines_um(defects: Sequence[Defect], placement: Placement) -> list[Points]:
    """Points (N, 2) of each defect's outline, in um from the fiber's center."""
    rings = [list(chain.from_iterable(defect.polygon_px)) for defect in defects]
    points_px = np.fromiter(chain.from_iterable(chain.from_iterable(rings)), np.float64).reshape(-1, 2)
    points_um = (points_px - placement.center_px) * placement.um_per_px
    return [points_um[start:stop] for start, stop in pairwise(accumulate(map(len, rings), initial=0))]


def readings(defect: Defect, profile: Profile, reach_um: tuple[float, float] | None) -> tuple[tuple[Mark, ...], ...]:
    """The ways to read a defect that rows tell apart, its own type first; each gives one mark or several.

    As a scratch it counts whole, in every zone that it crosses.  As anything else it counts in the innermost zone that
    it touches; a line is then no object, and each of its pieces counts by itself.

    Args:
        defect: what was measured.
        profile: says how much a size and a place may be off at least.
        reach_um: how near to the fiber's center it comes, and how far from it; None where its place is certain.
    """
    types: dict[LimitKind, DefectType] = {}
    for defect_type in (defect.type, *defect.type_alternatives):
        types.setdefault(kind_of(defect_type), defect_type)
    in_pieces = "scratch" in types and bool(defect.parts)

    def mark(read_as: DefectType, found: Defect | DefectPart) -> Mark:
        scratch = kind_of(read_as) == "scratch"
        count = None if scratch else 1
        places = (found.zones, *_zones_around(found, profile, reach_um))
        size_um, sigma_um = (
            (defect.width_um, defect.width_sigma_um) if scratch else (found.size_um, found.size_sigma_um)
        )
        off_um = max(profile.uncertainty_um, SIGMAS * sigma_um)
        zones, farther_in, farther_out = (names[:count] for names in places)
        return Mark(defect, read_as, zones, farther_in, farther_out, size_um, off_um, found is not defect)

    return tuple(
        tuple(mark(read_as, found) for found in (defect.parts if in_pieces and kind == "defect" else (defect,)))
        for kind, read_as in types.items()
    )


def _zones_around(
    found: Defect | DefectPart, profile: Profile, reach_um: tuple[float, float] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The zones that it would touch a little farther in, and a little farther out."""
    if reach_um is None:
        return found.zones, found.zones
    least_um, most_um = reach_um
    if isinstance(found, DefectPart):
        middle_um = math.hypot(*found.center_um)
        least_um, most_um = middle_um - found.size_um / 2, middle_um + found.size_um / 2

    def touched(shift_um: float) -> tuple[str, ...]:
        return tuple(
            row.zone.name
            for row in profile.rows
            if least_um + shift_um < row.zone.outer_um / 2 and most_um + shift_um >= row.zone.inner_um / 2
        )

    return touched(-profile.uncertainty_um), touched(profile.uncertainty_um)
