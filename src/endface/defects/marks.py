"""Marks as an inspector counts them: which objects are one defect, of which type, and which other type it could be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from endface.contract import Label
from endface.defects.lines import MIN_LENGTH_UM, find_lines
from endface.defects.objects import LINE_RATIO
from endface.defects.pieces import Piece, piece_of
from endface.defects.rim import find_chips
from endface.defects.shapes import Shape
from endface.report import DefectType

TYPES: Final[dict[int, DefectType]] = {
    Label.SCRATCH: "scratch",
    Label.PIT: "pit",
    Label.CONTAMINATION: "contamination",
    Label.CHIP: "chip",
}
"""Types by the network's classes."""

_NEARLY: Final = 0.7
"""Share of a line's least length in widths from which another camera or pose may measure a line."""


@dataclass(frozen=True)
class Mark:
    """One defect: the places of its objects, along it where they are several, its type, and other readings of it."""

    members: tuple[int, ...]
    type: DefectType
    alternatives: tuple[DefectType, ...] = ()


def find_marks(shapes: Sequence[Shape], labels: Sequence[int]) -> list[Mark]:
    """Join objects to marks: pieces along the rim to chips, pieces on one line to lines.

    A row of beads may be read as one scratch or as droplets (labelling convention), and so may a long soft smear that
    the network takes for contamination: such a mark is a scratch with contamination as its alternative.

    Args:
        shapes: the objects' shapes.
        labels: their classes.
    """
    outlines = [shape.points_um for shape in shapes]
    marks = [Mark(chip, "chip", _other("chip", chip, labels)) for chip in find_chips(outlines, labels)]
    taken = {member for mark in marks for member in mark.members}
    free = [place for place in range(len(shapes)) if place not in taken]
    pieces = {place: piece_of(shapes[place]) for place in free}
    scratches = [labels[place] == Label.SCRATCH for place in free]
    for line in find_lines([pieces[place] for place in free], scratches):
        members = tuple(free[member] for member in line.members)
        marks.append(Mark(members, "scratch", () if line.plain else ("contamination",)))
        taken.update(members)
    marks += [
        _single(place, pieces[place], shapes[place].area_um2, labels[place]) for place in free if place not in taken
    ]
    return marks


def _other(kind: DefectType, members: Sequence[int], labels: Sequence[int]) -> tuple[DefectType, ...]:
    """Another type that most members of a mark have."""
    found = [TYPES[labels[member]] for member in members]
    most = max(sorted(set(found)), key=found.count)
    return () if most == kind else (most,)


def _single(place: int, piece: Piece, area_um2: float, label: int) -> Mark:
    """The mark of one object: a line is four times as long as wide, what is nearly that may be read both ways."""
    kind = TYPES[label]
    if kind == "scratch":
        bent = piece.length**2 / area_um2  # a line with a bend fills little of its rectangle
        if bent < _NEARLY * LINE_RATIO:
            return Mark((place,), "contamination", (kind,))
        return Mark((place,), kind, () if bent >= LINE_RATIO else ("contamination",))
    if kind == "contamination" and piece.length >= MIN_LENGTH_UM:
        ratio = piece.length / piece.width
        if ratio >= LINE_RATIO and piece.straight:
            return Mark((place,), "scratch", (kind,))
        if _NEARLY * LINE_RATIO <= ratio < LINE_RATIO:
            return Mark((place,), kind, ("scratch",))
    return Mark((place,), kind)
