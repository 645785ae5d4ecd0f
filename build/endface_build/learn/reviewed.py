"""Reviewed cases as labelled pictures, and which of them are learned from and which only judged on."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from endface.contract import Label
from endface.errors import ReviewError
from endface.review.case import Case
from endface.review.marks import Mark, covered
from endface.review.opinions import settled, standing
from endface_build.data.labelled import Labelled

HELD_OUT_SHARE: Final = 0.3
"""Share of the parts that are never learned from."""

Side = Literal["learned", "held-out"]


@dataclass(frozen=True)
class ReviewedSet:
    """Cases whose reviews say what their pictures show.

    Attributes:
        cases: them.
    """

    cases: tuple[Case, ...]

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Labelled]:
        return (labelled_of(case) for case in self.cases)

    @property
    def parts(self) -> dict[str, str]:
        """The part that each picture shows, by the picture's name in the set."""
        return {picture_name(case): case.part for case in self.cases}

    @property
    def profiles(self) -> tuple[str, ...]:
        """The profiles that they were judged by."""
        return tuple(sorted({case.report.criteria.profile for case in self.cases}))

    def of_profile(self, profile: str) -> ReviewedSet:
        """Those that were judged by a profile."""
        return ReviewedSet(tuple(case for case in self.cases if case.report.criteria.profile == profile))


@dataclass(frozen=True)
class Split:
    """Reviewed cases on the two sides, and why the others are on neither.

    Attributes:
        learned: what the network learns from.
        held_out: what it is judged on; no part of these is among the learned.
        left_out: how many cases are on neither side, by the reason.
    """

    learned: ReviewedSet
    held_out: ReviewedSet
    left_out: dict[str, int]


def split(cases: Iterable[Case], share: float = HELD_OUT_SHARE) -> Split:
    """Sort reviewed cases by part: all pictures of a part, and all later ones, are on one side.

    Args:
        cases: any cases.
        share: of the parts that are held out.
    """
    sides: dict[Side, list[Case]] = {"learned": [], "held-out": []}
    left_out: Counter[str] = Counter()
    for case in cases:
        reason = _unusable(case)
        if reason:
            left_out[reason] += 1
        else:
            sides[side_of(case.part, share)].append(case)
    seen = {case.report.image.sha256 for case in sides["held-out"]}
    twice = [case for case in sides["learned"] if case.report.image.sha256 in seen]
    if twice:  # one picture under two serial numbers
        left_out["the same picture is held out under another serial number"] += len(twice)
    learned = [case for case in sides["learned"] if case not in twice]
    return Split(ReviewedSet(tuple(learned)), ReviewedSet(tuple(sides["held-out"])), dict(left_out))


def side_of(part: str, share: float = HELD_OUT_SHARE) -> Side:
    """The side that a part is on: for good, whatever else is reviewed before or after.

    Args:
        part: its serial number.
        share: of all parts that are held out.
    """
    place = int.from_bytes(hashlib.sha256(part.encode()).digest()[:8], "big") / 2**64
    return "held-out" if place < share else "learned"


def labelled_of(case: Case) -> Labelled:
    """A reviewed case as a labelled picture.

    Raises:
        ReviewError: its reviews do not say what it shows.
    """
    review = settled(case.reviews)
    if review is None or review.marks is None or case.size is None:
        raise ReviewError(f"The reviews of the case {case.name} do not say what it shows.")
    return Labelled(picture_name(case), case.picture(), painted(review.marks, case.size))


def picture_name(case: Case) -> str:
    """The name of a case's picture in a set."""
    return f"{case.name}.png"


def painted(marks: Sequence[Mark], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Marks as a label map, small ones on top of large ones.

    Args:
        marks: the marks.
        size: width and height of the picture.

    Returns:
        uint8 (H, W), ``Label`` codes.
    """
    width, height = size
    labels = np.zeros((height, width), np.uint8)
    pieces = []
    for mark in marks:
        x0, y0, x1, y1 = mark.box
        box = max(0, x0), max(0, y0), min(width - 1, x1), min(height - 1, y1)
        if box[0] <= box[2] and box[1] <= box[3]:
            pieces.append((covered(mark, box), box, Label[mark.type.upper()]))
    for pixels, (x0, y0, x1, y1), label in sorted(pieces, key=lambda piece: -int(piece[0].sum())):
        labels[y0 : y1 + 1, x0 : x1 + 1][pixels] = label
    return labels


def _unusable(case: Case) -> str:
    """Why nothing can be learned from a case; empty if something can."""
    review = settled(case.reviews)
    if review is None:
        return "the opinions conflict" if standing(case.reviews) == "conflict" else "nobody has reviewed it"
    if review.opinion == "not_judgeable":
        return "nobody can judge the picture"
    if review.marks is None:
        return "the review does not say what is right"
    if case.size is None or case.report.verdict == "invalid":
        return "the picture was refused before any network saw it"
    if case.report.fiber_number is not None:
        return "the picture shows several fibers"
    return ""
