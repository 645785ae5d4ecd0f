"""Defects as the rows of a table count them: a scratch by its width, anything else by its size.

What an expert could read in two ways is there in both: a row of beads as one scratch and as its pieces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from endface.report import Defect, DefectType, LimitKind

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
        size_um: width of a scratch, size of anything else.
        off_um: how far ``size_um`` may be off, either way.
        piece: whether it is only a piece of the defect.
    """

    defect: Defect
    type: DefectType
    zones: tuple[str, ...]
    size_um: float
    off_um: float
    piece: bool = False

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


def readings(defect: Defect, uncertainty_um: float) -> tuple[tuple[Mark, ...], ...]:
    """The ways to read a defect that rows tell apart, its own type first; each gives one mark or several.

    As a scratch it counts whole, in every zone that it crosses.  As anything else it counts in the innermost zone that
    it touches; a line is then no object, and each of its pieces counts by itself.

    Args:
        defect: what was measured.
        uncertainty_um: the least that a size may be off.
    """
    types: dict[LimitKind, DefectType] = {}
    for defect_type in (defect.type, *defect.type_alternatives):
        types.setdefault(kind_of(defect_type), defect_type)
    in_pieces = "scratch" in types and bool(defect.parts)

    def off_um(sigma_um: float) -> float:
        return max(uncertainty_um, SIGMAS * sigma_um)

    def marks(kind: LimitKind, read_as: DefectType) -> tuple[Mark, ...]:
        if kind == "scratch":
            return (Mark(defect, read_as, defect.zones, defect.width_um, off_um(defect.width_sigma_um)),)
        if not in_pieces:
            return (Mark(defect, read_as, defect.zones[:1], defect.size_um, off_um(defect.size_sigma_um)),)
        return tuple(
            Mark(defect, read_as, part.zones[:1], part.size_um, off_um(part.size_sigma_um), piece=True)
            for part in defect.parts
        )

    return tuple(marks(kind, read_as) for kind, read_as in types.items())
