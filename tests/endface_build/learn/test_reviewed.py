"""Reviewed cases as labels, and the two sides that no part crosses."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from endface.contract import Label
from endface.report import Report
from endface.review.cases import Cases
from endface.review.marks import Mark
from endface.review.opinions import Review
from endface_build.data.drawn_pictures import DrawnFaces
from endface_build.learn.reviewed import labelled_of, painted, side_of, split
from tests.endface_build.learn.conftest import FACES
from tests.endface_build.review.conftest import PIT, report, ring

CORRECTED = (Mark("chip", (ring(10, 10, 4),)),)


def keep(cases: Cases, kept: Report, number: int, *reviews: Review) -> None:
    """Keep a picture of its own with some reviews."""
    image = dataclasses.replace(kept.image, sha256=f"{number:064}")
    case = cases.keep(dataclasses.replace(kept, image=image), b"\x89PNG" + bytes([number]))
    assert case is not None
    for review in reviews:
        cases.add_review(case.name, review)


def said(who: str, opinion: Any, marks: tuple[Mark, ...] | None = CORRECTED) -> Review:
    """A review."""
    return Review(who, "2026-11-29T08:00:00+00:00", opinion, marks)


def test_labels_are_what_was_drawn(reviewed: Cases) -> None:
    """The label map of a review is the one that the face was drawn with."""
    drawn = {f"P{number:03}": each for number, each in enumerate(DrawnFaces("multimode", FACES, seed=77))}

    for case in reviewed:
        labelled, truth = labelled_of(case), drawn[case.report.serial]
        sure = truth.labels < 255
        assert (labelled.labels == truth.labels)[sure].mean() > 0.9999
        assert labelled.data == truth.data


def test_small_marks_lie_on_large_ones() -> None:
    """A pit on a patch of dirt is not painted over, whichever was drawn first; what lies outside is cut off."""
    dirt, pit = Mark("contamination", (ring(-5, -5, 30),)), Mark("pit", (ring(10, 10, 4),))
    maps = [painted(marks, (40, 20)) for marks in ((dirt, pit), (pit, dirt))]

    assert (maps[0] == maps[1]).all()
    assert maps[0].shape == (20, 40)
    assert maps[0][12, 12] == Label.PIT
    assert maps[0][3, 3] == Label.CONTAMINATION


def test_part_stays_on_its_side() -> None:
    """A part's side depends on its serial number alone, and about three of ten are held out."""
    sides = [side_of(f"SN{number}") for number in range(1000)]

    assert sides == [side_of(f"SN{number}") for number in range(1000)]
    assert 0.25 < np.mean([side == "held-out" for side in sides]) < 0.35


def test_no_part_is_on_both_sides(tmp_path: Path) -> None:
    """All pictures of a part are on one side, and so is a picture that was kept under two serial numbers."""
    cases = Cases(tmp_path)
    for number in range(60):
        keep(cases, report(f"SN{number % 20}", PIT), number, said("Ana", "wrong"))
    sides = split(cases)
    learned, held_out = ({case.part for case in side.cases} for side in (sides.learned, sides.held_out))

    assert learned
    assert held_out
    assert not learned & held_out
    assert len(sides.learned) + len(sides.held_out) == 60


def test_same_picture_under_two_serials_is_not_learned(tmp_path: Path) -> None:
    """A picture that is held out under one serial number is not learned from under another."""
    names = [f"SN{number}" for number in range(50)]
    learned = next(name for name in names if side_of(name) == "learned")
    held_out = next(name for name in names if side_of(name) == "held-out")
    cases = Cases(tmp_path)
    for number, name in enumerate((learned, held_out)):
        kept = cases.keep(report(name, PIT), bytes([number]))  # the reports name the same picture
        assert kept is not None
        cases.add_review(kept.name, said("Ana", "wrong"))
    sides = split(cases)

    assert (len(sides.learned), len(sides.held_out)) == (0, 1)
    assert sum(sides.left_out.values()) == 1


@pytest.mark.parametrize(
    ("reviews", "changed", "reason"),
    [
        ([], {}, "nobody has reviewed it"),
        ([said("Ana", "wrong"), said("Bo", "right", ())], {}, "conflict"),
        ([said("Ana", "not_judgeable", None)], {}, "nobody can judge"),
        ([said("Ana", "wrong", None)], {}, "does not say what is right"),
        ([said("Ana", "wrong")], {"fiber_number": 3}, "several fibers"),
    ],
)
def test_what_says_nothing_is_left_out(
    tmp_path: Path, reviews: list[Review], changed: dict[str, Any], reason: str
) -> None:
    """A case is on neither side where it does not say what its picture shows, and the reason is told."""
    cases = Cases(tmp_path)
    keep(cases, dataclasses.replace(report("A", PIT), **changed), 1, *reviews)
    sides = split(cases)

    assert len(sides.learned) == len(sides.held_out) == 0
    ((told, count),) = sides.left_out.items()
    assert reason in told
    assert count == 1
