"""Faces before and after cleaning: drawn ones, of which every mark's fate is known, and photographs of one part."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endface.comparison import ComparedMark, Reinspection
from endface.contract import Label
from endface.reinspection.compare import compare
from endface.reinspection.face import Face
from endface.reinspection.marks import compare_marks
from endface.reinspection.register import register
from endface.report import Report
from endface_build.drawing.camera import Photograph, photograph
from endface_build.drawing.faces import Face as DrawnFace
from endface_build.drawing.marks import Blob, Mark, particle, pit
from endface_build.drawing.sample_scenes import MULTIMODE, SINGLE_MODE
from tests.endface.reinspection.drawn_pairs import SIDE_PX, STILL, Pair, Shot, draw_pair, face_of, random_marks

TEXTURED = replace(MULTIMODE, grain=1.2, seed=5)
MARKS = random_marks(np.random.default_rng(3), 8)
ELSEWHERE = Shot(47.0, ((SIDE_PX - 1) / 2 + 9, (SIDE_PX - 1) / 2 - 7), seed=1)


def states(before: Face, after: Face) -> Counter[str]:
    """How many rows of a comparison have each state."""
    return Counter(row.state for row in compare(before, after).marks)


def off_deg(found: float | None, truth: float) -> float:
    """Angle between two turns."""
    assert found is not None
    return abs((found - truth + 180) % 360 - 180)


def wrong_rows(pair: Pair, result: Reinspection) -> list[tuple[ComparedMark, str]]:
    """The rows of a pair that do not say what was done to their marks."""
    before = {defect.id: defect for defect in pair.before.report.defects}
    after = {defect.id: defect for defect in pair.after.report.defects}
    wrong = []
    for row in result.marks:
        if row.previous_id is not None:
            truth = pair.truth_before(before[row.previous_id].center_um)
        else:
            truth = pair.truth_after(after[row.id or 0].center_um)
        wrong += [(row, truth)] if truth != row.state else []
    return wrong


def judge(pairs: list[Pair]) -> None:
    """Check a set: every turn to a degree, and 98 of 100 marks."""
    results = [compare(pair.before, pair.after) for pair in pairs]
    rows = sum(len(result.marks) for result in results)

    assert all(result.registered for result in results)
    assert max(off_deg(result.turn_deg, pair.turn_deg) for result, pair in zip(results, pairs, strict=True)) <= 1
    assert sum(len(wrong_rows(pair, result)) for pair, result in zip(pairs, results, strict=True)) <= 0.02 * rows


def test_cleaned_faces_are_registered_and_their_marks_told_apart() -> None:
    """Turned by any angle, shifted, re-lit and refocused, with other marks: the turn is found, and each mark's fate."""
    judge([draw_pair(seed) for seed in range(100, 105)])


@pytest.mark.long
def test_fifty_cleaned_faces() -> None:
    """The same for the set that the page speaks of."""
    judge([draw_pair(seed) for seed in range(50)])


@cache
def drawing_of(drawn: DrawnFace) -> Photograph:
    """A face drawn once for all turns."""
    return photograph(drawn, STILL, seed=0)


@settings(max_examples=5, deadline=None)
@given(st.floats(0, 359), st.floats(-12, 12), st.floats(-12, 12))
def test_a_face_against_itself_has_lost_and_won_nothing(turn_deg: float, x_px: float, y_px: float) -> None:
    """However it is turned and shifted, every mark stayed, and the turn is found."""
    drawn = replace(TEXTURED, marks=MARKS)
    middle = (SIDE_PX - 1) / 2
    drawing = drawing_of(drawn)
    after = face_of(drawn, Shot(turn_deg, (middle + x_px, middle + y_px), seed=1), drawing=drawing)
    result = compare(face_of(drawn, Shot(), drawing=drawing), after)

    assert {row.state for row in result.marks} == {"stayed"}
    assert off_deg(result.turn_deg, turn_deg) <= 0.2


def test_shift_is_that_of_the_fiber_centers_that_the_reports_name() -> None:
    """Zero but for the error of finding the fiber: the square is centered on it."""
    drawn = replace(TEXTURED, marks=MARKS)
    result = compare(face_of(drawn, Shot()), face_of(drawn, ELSEWHERE))

    assert result.shift_um is not None
    assert math.hypot(*result.shift_um) <= 0.5


@pytest.mark.parametrize(
    "other",
    [
        (replace(TEXTURED, seed=6, marks=MARKS[:0]), ELSEWHERE),
        (replace(TEXTURED, seed=6, marks=random_marks(np.random.default_rng(4), 8)), ELSEWHERE),
        (replace(TEXTURED, marks=MARKS), replace(ELSEWHERE, mirrored=True)),
        (replace(SINGLE_MODE, grain=1.2, seed=7, marks=MARKS[:2]), ELSEWHERE),
    ],
    ids=["another clean face", "another dirty face", "mirrored", "another kind of fiber"],
)
def test_another_face_is_not_registered(other: tuple[DrawnFace, Shot]) -> None:
    """No turn is claimed, no mark is compared, and the reason is said."""
    result = compare(face_of(replace(TEXTURED, marks=MARKS), Shot()), face_of(*other))

    assert not result.registered
    assert (result.turn_deg, result.shift_um, result.marks) == (None, None, ())
    assert result.evidence < 1
    assert result.text.startswith("not compared: no turn lays the earlier picture over this one")


@pytest.mark.parametrize("seed", range(2))
def test_a_face_without_texture_loses_no_mark(seed: int) -> None:
    """Where neither texture nor enough marks tell the turn, nothing is called gone."""
    bare = replace(MULTIMODE, grain=0.0, lamp=0.0, rings=(), seed=8)
    marks = random_marks(np.random.default_rng((seed, 9)), 4)
    before = face_of(replace(bare, marks=marks), Shot())
    after = face_of(replace(bare, marks=marks[:1]), replace(ELSEWHERE, turn_deg=100.0 + seed))
    result = compare(before, after)

    assert not result.registered
    assert not result.marks


def test_enough_marks_that_stayed_register_a_face_without_texture() -> None:
    """Marks are evidence, too: eight of them lie as they lay."""
    bare = replace(MULTIMODE, grain=0.0, lamp=0.0, rings=(), seed=8)
    marks = random_marks(np.random.default_rng(5), 12)
    result = compare(face_of(replace(bare, marks=marks), Shot()), face_of(replace(bare, marks=marks[:8]), ELSEWHERE))

    assert off_deg(result.turn_deg, 47.0) <= 1
    assert Counter(row.state for row in result.marks) == {"stayed": 8, "gone": 4}


def with_dust_on_the_camera(face: Face, seed: int) -> Face:
    """The face as it shows through dust that stays with the camera: the same wherever the fiber lies."""
    rng = np.random.default_rng(seed)
    x, y = np.asarray(face.fiber.cladding.center_px) * np.asarray(face.um_per_px)
    square = face.square.astype(np.float64)
    rows, columns = np.mgrid[:512, :512] * 0.5
    for _ in range(150):
        spot_x, spot_y = rng.uniform(80, 250, 2)
        square *= 1 - 0.15 * np.exp(-((columns + x - 128 - spot_x) ** 2 + (rows + y - 128 - spot_y) ** 2) / 3)
    return replace(face, square=square.astype(np.uint8))


def test_dust_on_the_camera_registers_no_other_face() -> None:
    """It agrees at no turn wherever two fibers lie at one place; without marks that agree nothing is believed."""
    one, other = replace(TEXTURED, grain=0.4), replace(TEXTURED, grain=0.4, seed=6)
    before, after = (
        with_dust_on_the_camera(face_of(replace(drawn, marks=marks), Shot(seed=number)), 1)
        for number, (drawn, marks) in enumerate([(one, MARKS[:3]), (other, MARKS[3:6])])
    )
    result = compare(before, after)

    assert not result.registered
    assert "dust in the microscope" in result.text


def test_a_face_that_lies_where_it_lay_is_registered_by_its_marks() -> None:
    """Cleaned in place: marks that stayed tell it from dust on the camera."""
    before = face_of(replace(TEXTURED, marks=MARKS), Shot())
    after = face_of(replace(TEXTURED, marks=MARKS[:5]), Shot(seed=1))

    assert states(before, after) == {"stayed": 5, "gone": 3}


PLACE = (35.0, -18.0)
WHOLE = particle(PLACE, 12.0, seed=2)


@pytest.mark.parametrize(
    ("before", "after", "rows"),
    [
        ((WHOLE,), (particle((33.0, -16.0), 5.0, seed=3),), 1),
        ((WHOLE,), (pit((31.5, -18.0), 4.0), pit((38.5, -18.0), 4.0)), 2),
        ((pit((31.5, -18.0), 4.0), pit((38.5, -18.0), 4.0)), (WHOLE,), 2),
    ],
    ids=["shrunk", "split", "merged"],
)
def test_a_mark_that_shrank_split_or_merged_stayed(
    before: tuple[Mark, ...], after: tuple[Mark, ...], rows: int
) -> None:
    """It is not gone: a row for each piece, all of them ``stayed``."""
    one = face_of(replace(TEXTURED, marks=before), Shot())
    other = face_of(replace(TEXTURED, marks=after), ELSEWHERE)
    result = compare(one, other)

    assert [row.state for row in result.marks] == ["stayed"] * rows


def test_a_mark_that_the_network_missed_is_not_gone() -> None:
    """The picture still shows it, so it stayed, without a number in this report; and it is not new the other way."""
    drawn = replace(TEXTURED, marks=MARKS)
    before, after = face_of(drawn, Shot()), face_of(drawn, ELSEWHERE)
    pose = register(before, after).pose
    assert pose is not None
    missed = replace(after, report=replace(after.report, defects=after.report.defects[1:]))
    missed_before = replace(before, report=replace(before.report, defects=before.report.defects[1:]))

    (row,) = (row for row in compare_marks(before, missed, pose) if row.id is None)
    (other,) = (row for row in compare_marks(missed_before, after, pose) if row.previous_id is None)

    assert row.state == other.state == "stayed"


def test_a_mark_outside_of_the_other_picture_is_unseen() -> None:
    """Nothing is said about what one of the pictures does not show."""
    corner = Blob(Label.PIT, (118.0, -2.0), 5.0, 5.0)
    before = face_of(replace(TEXTURED, marks=(*MARKS, corner)), Shot())
    after = face_of(replace(TEXTURED, marks=MARKS), ELSEWHERE)
    half = after.seen.copy()
    half[np.hypot(*(np.mgrid[:512, :512] - 255.5)) * 0.5 > 112] = False

    assert states(before, replace(after, seen=half)) == {"stayed": 8, "unseen": 1}


@pytest.mark.parametrize(
    ("verdict", "attempts", "advice"), [("fail", 1, "clean"), ("fail", 2, "clean"), ("fail", 3, "rework")]
)
def test_advice_is_to_clean_until_it_was_tried_often_enough(verdict: str, attempts: int, advice: str) -> None:
    """The verdict stays what the limits say; only the advice follows the attempts."""
    drawn = replace(TEXTURED, marks=(pit((5.0, 5.0), 9.0),))
    before, after = face_of(drawn, Shot()), face_of(drawn, ELSEWHERE)
    assert after.report.verdict == verdict

    assert compare(before, after, attempts=attempts, rework_after=3).advice == advice


def test_a_face_that_passes_needs_no_advice() -> None:
    """However often it was cleaned."""
    before = face_of(replace(TEXTURED, marks=(pit((5.0, 5.0), 9.0),)), Shot())
    after = face_of(replace(TEXTURED, marks=()), ELSEWHERE)
    result = compare(before, after, attempts=7)

    assert (after.report.verdict, result.advice) == ("pass", "none")
    assert result.text == "1 of 1 marks gone (removable)"


def test_a_comparison_survives_the_reports_json() -> None:
    """What was written is what is read back."""
    drawn = replace(TEXTURED, marks=MARKS)
    before, after = face_of(drawn, Shot()), face_of(drawn, ELSEWHERE)
    comparison = compare(before, after, previous_time="2026-01-31T06:12:03.512+00:00")
    report = replace(after.report, reinspection=comparison)

    assert Report.from_json(report.to_json()) == report
    assert json.loads(report.to_json())["reinspection"]["marks"][0] == {"id": 1, "previous_id": 1, "state": "stayed"}
