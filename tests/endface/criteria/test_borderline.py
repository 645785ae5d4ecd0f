from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endface.criteria.limits import Interval, Limit
from endface.criteria.profile import Profile, load_profile
from endface.criteria.verdict import judge
from endface.picture.square import Placement
from endface.report import Defect, DefectType, Quality
from tests.endface.criteria.found import defect

SEEN = dict.fromkeys("ABCD", 1.0)
SHIPPED = ("mm-pc", "mm-pc-ed1", "sm-apc", "sm-pc-45", "sm-pc-45-ed1")
MM, SM = load_profile("mm-pc"), load_profile("sm-pc-45")


BEADS = (("B", 4.0), ("AB", 6.0), ("D", 4.0))
"""Pieces of a row of beads; in zone A at most four defects up to 5 um are allowed, and none that is larger."""


@pytest.mark.parametrize(
    ("um", "sigma_um", "uncertainty_um", "expected", "borderline"),
    [
        (9.5, 0.0, 0.5, "pass", False),  # at 10.0 after the shift it still passes
        (9.51, 0.0, 0.5, "pass", True),
        (9.51, 0.2, 0.5, "pass", True),  # two sigmas are less than the profile's uncertainty
        (9.39, 0.3, 0.5, "pass", False),
        (9.41, 0.3, 0.5, "pass", True),  # two sigmas are more
        (9.41, 0.3, 0.0, "pass", True),
        (9.41, 0.2, 0.0, "pass", False),
        (10.6, 0.3, 0.5, "fail", True),
        (10.61, 0.3, 0.5, "fail", False),
        (10.0, 0.0, 0.0, "pass", False),
        (10.01, 0.0, 0.0, "fail", False),
    ],
)
def test_each_size_is_off_by_two_of_its_own_sigmas(
    um: float, sigma_um: float, uncertainty_um: float, expected: str, *, borderline: bool
) -> None:
    """Or by the profile's uncertainty where that is more: multimode, zone B, limit 10 um."""
    judgment = judge([defect("pit", "B", um, sigma_um=sigma_um)], replace(MM, uncertainty_um=uncertainty_um), SEEN)

    assert (judgment.verdict, judgment.borderline) == (expected, borderline)


def test_sizes_are_off_together() -> None:
    """Six of 1.9 um enter the row of five at one shift, by 0.2 of their reach; a seventh that is known stays out."""
    vague = [defect("pit", "B", 1.9, sigma_um=0.25, number=number) for number in range(1, 7)]
    known = [replace(each, size_sigma_um=0.0) for each in vague[:5]]
    profile = replace(SM, uncertainty_um=0.0)

    assert judge(vague, profile, SEEN).borderline
    assert not judge([*known, vague[5]], profile, SEEN).borderline


@pytest.mark.parametrize(
    ("found", "expected", "borderline"),
    [
        pytest.param(defect("scratch", "ABCD", 2), "pass", False, id="a scratch for sure, too narrow to count"),
        pytest.param(defect("scratch", "BCD", 2, or_="contamination"), "fail", True, id="one piece of 60 um, or dirt"),
        pytest.param(defect("scratch", "C", 2, or_="contamination"), "pass", False, id="dirt may lie in zone C"),
        pytest.param(defect("contamination", "BCD", 60, or_="scratch"), "fail", True, id="dirt, or narrow enough"),
        pytest.param(
            defect("contamination", "BCD", 60, or_="scratch", width_um=7), "fail", False, id="dirt, or a wide scratch"
        ),
        pytest.param(defect("contamination", "BCD", 60, or_="pit"), "fail", False, id="tables count both alike"),
        pytest.param(
            defect("scratch", "ABD", 2, or_="contamination", parts=BEADS), "fail", True, id="a bead of 6 um in the core"
        ),
        pytest.param(
            defect("contamination", "ABD", 60, or_="scratch", parts=BEADS), "fail", True, id="the same, dirt first"
        ),
        pytest.param(
            defect("scratch", "BD", 2, or_="pit", parts=BEADS[:1]), "pass", False, id="beads that are all allowed"
        ),
        pytest.param(defect("chip", "BC", 21, parts=BEADS), "fail", False, id="pieces along the rim are one chip"),
    ],
)
def test_the_worse_reading_is_the_verdict(found: Defect, expected: str, *, borderline: bool) -> None:
    """As a scratch a line counts whole, by its width; as anything else each of its pieces counts by its size."""
    judgment = judge([found], MM, SEEN)

    assert (judgment.verdict, judgment.borderline) == (expected, borderline)


@pytest.mark.parametrize(
    ("kind", "zones", "um", "nearest_um", "expected", "borderline"),
    [
        # Zone C ends and D begins at a radius of 67.5 um; nothing is limited in C, 30 um are in D.
        ("contamination", "CD", 40.0, 66.9, "pass", False),
        ("contamination", "CD", 40.0, 67.1, "pass", True),
        ("contamination", "D", 40.0, 67.9, "fail", True),
        ("contamination", "D", 40.0, 68.1, "fail", False),
        ("contamination", "D", 30.2, 69.0, "fail", True),  # by its size
        ("contamination", "CD", 29.0, 67.1, "pass", False),  # allowed in both
        # Zone A ends at 32.5 um; scratches may be 3 um wide there, and 5 um in B.
        ("scratch", "B", 4.0, 32.9, "pass", True),
        ("scratch", "B", 4.0, 33.1, "pass", False),
        ("scratch", "AB", 4.0, 32.1, "fail", True),
        ("scratch", "AB", 4.0, 31.9, "fail", False),
    ],
)
def test_a_mark_at_a_zones_bound_may_lie_on_either_side(
    kind: DefectType, zones: str, um: float, nearest_um: float, expected: str, *, borderline: bool
) -> None:
    """A place may be off by the profile's uncertainty, 0.5 um."""
    ends = ((nearest_um, 0.0), (nearest_um + 10, 0.0))
    found = replace(defect(kind, zones, um), polygon_px=(tuple((100 + 2 * x, 50 + 2 * y) for x, y in ends),))
    placement = Placement(center_px=(100.0, 50.0), um_per_px=(0.5, 0.5))

    judgment = judge([found], MM, SEEN, placement=placement)

    assert (judgment.verdict, judgment.borderline) == (expected, borderline)
    assert not judge([found], replace(MM, uncertainty_um=0.0), SEEN, placement=placement).borderline


def disc(kind: DefectType, at_um: tuple[float, float], um: float, number: int) -> Defect:
    """A round defect in zone B, seen by a camera of 0.5 um a pixel whose fiber lies at (100, 50)."""
    turns = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    x, y = (100 + 2 * (at_um[0] + um / 2 * np.cos(turns)), 50 + 2 * (at_um[1] + um / 2 * np.sin(turns)))
    ring = tuple(zip(x.tolist(), y.tolist(), strict=True))
    return replace(defect(kind, "B", um, number=number), polygon_px=(ring,), center_um=at_um)


@pytest.mark.parametrize(
    ("apart_um", "kinds", "um", "borderline"),
    [
        (2.9, ("pit", "pit"), 6.0, True),  # 14.9 um together, limit 10 um
        (3.1, ("pit", "pit"), 6.0, False),
        (2.9, ("pit", "contamination"), 6.0, True),
        (2.9, ("pit", "scratch"), 4.0, False),  # a scratch stays one
        (2.9, ("pit", "pit"), 3.0, False),  # 8.9 um together
        (2.9, ("pit", "pit", "pit"), 3.0, True),  # each near the next
    ],
)
def test_near_neighbors_may_be_one_mark(
    apart_um: float, kinds: tuple[DefectType, ...], um: float, *, borderline: bool
) -> None:
    """A face passes with the pieces, and is borderline where it would fail with them as one."""
    places = [(40.0, number * (um + apart_um)) for number in range(len(kinds))]
    face = [disc(kind, at, um, number) for number, (kind, at) in enumerate(zip(kinds, places, strict=True), start=1)]

    judgment = judge(face, MM, SEEN, placement=Placement((100.0, 50.0), (0.5, 0.5)))

    assert (judgment.verdict, judgment.borderline) == ("pass", borderline)
    assert not borderline or "near by, is " in judgment.borderline_reasons[0]


def test_neighbors_that_are_one_are_not_counted_twice() -> None:
    """Five of 5 to 10 um are allowed in zone B: with two of them as one there are four."""
    near = [disc("pit", (40.0, 0.0), 5.6, 1), disc("pit", (40.0, 3.0), 5.6, 2)]
    far = [disc("pit", (-42.0, 10.0 * (number - 4)), 6.0, number) for number in (3, 4, 5)]

    assert not judge([*near, *far], MM, SEEN, placement=Placement((100.0, 50.0), (0.5, 0.5))).borderline


@pytest.mark.parametrize(
    ("faces", "borderline"),
    [
        ([defect("pit", "A", 8, confidence=0.55)], True),
        ([defect("pit", "A", 8, confidence=0.7)], False),
        ([defect("pit", "A", 8, confidence=0.55), defect("pit", "A", 7)], False),  # fails anyway
        ([defect("pit", "A", 3, confidence=0.55)] + [defect("pit", "A", 3)] * 4, True),  # four are allowed
        ([defect("pit", "A", 8, confidence=0.55), defect("pit", "A", 5.3)], True),  # with the other one's size
    ],
)
def test_a_mark_that_may_be_none_fails_a_face_only_borderline(faces: list[Defect], *, borderline: bool) -> None:
    """It counts, for the worse reading is the verdict; without it the face would pass."""
    judgment = judge([replace(each, id=number) for number, each in enumerate(faces, start=1)], MM, SEEN)

    assert (judgment.verdict, judgment.borderline) == ("fail", borderline)


def test_a_pass_of_a_soft_picture_is_borderline() -> None:
    """What is not seen may be there; a face that fails does so all the same."""
    soft, sharp = Quality(0.9, 1.0), Quality(0.4, 1.0)

    (reason,) = judge([], MM, SEEN, soft).borderline_reasons
    assert reason.startswith("the picture's blur is 0.90 um")
    assert not judge([], MM, SEEN, sharp).borderline
    assert not judge([defect("pit", "A", 20)], MM, SEEN, soft).borderline


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (
            [defect("pit", "B", 9.8, number=3), defect("pit", "B", 9.7, number=4)],
            ("zone B: pit 3 is 9.80 um, give or take 0.50 um, limit 10 um (mm-pc)",),
        ),
        (
            [defect("scratch", "AB", 2.9, sigma_um=0.4)],
            ("zone A: scratch 1 is 2.90 um wide, give or take 0.80 um, limit 3 um (mm-pc)",),
        ),
        (
            [defect("pit", "B", 4.8, number=number) for number in range(1, 7)],
            ("zone B: up to 6 defects from 5 to 10 um, at most 5 are allowed (mm-pc): 1, 2, 3, 4, 5, 6",),
        ),
        (
            [defect("chip", "B", 10.2)],
            ("zone B: it may hold no defects larger than 10 um (mm-pc): chip 1 is 10.20 um, give or take 0.50 um",),
        ),
        (
            [defect("pit", "A", 8, confidence=0.52, number=2), defect("scratch", "A", 2, or_="pit", number=7)],
            (
                "zone A: it may hold no defects larger than 5 um (mm-pc): "
                "scratch 7, read as pit, may be scratch; pit 2 may be no mark (confidence 0.52)",
            ),
        ),
        (
            [defect("scratch", "AB", 2, or_="contamination", parts=BEADS[1:2])],
            (
                "zone A: it may hold no defects larger than 5 um (mm-pc): "
                "a piece of scratch 1, read as contamination, may be scratch",
            ),
        ),
    ],
)
def test_the_report_says_why_it_is_borderline(found: list[Defect], reasons: tuple[str, ...]) -> None:
    """Zone, row, mark, and what is not sure about it, in a sentence for the operator."""
    assert judge(found, MM, SEEN).borderline_reasons == reasons


def test_a_failure_by_another_reading_names_it() -> None:
    """The reason does not call a defect what the report's list does not call it."""
    found = defect("scratch", "AB", 2, or_="contamination", parts=BEADS, number=7)

    assert judge([found], MM, SEEN).reasons == (
        "zone A: a piece of scratch 7, read as contamination, is 6.0 um, limit 5 um (mm-pc)",
    )


KINDS = st.sampled_from(["scratch", "pit", "contamination", "chip"])
ZONES = st.sampled_from(["A", "AB", "B", "BC", "BCD", "C", "CD", "D", "ABCD", ""])
# Quarters, so that sums and products are exact; bounds are hit often.
SIZES = st.integers(1, 140).map(lambda quarters: quarters / 4)
SIGMAS = st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0])
MARKS = st.builds(
    defect,
    KINDS,
    ZONES,
    SIZES,
    sigma_um=SIGMAS,
    width_um=SIZES,
    or_=st.none() | KINDS,
    parts=st.lists(st.tuples(ZONES, SIZES), max_size=3).map(tuple),
    confidence=st.sampled_from([0.5, 0.55, 0.8, 1.0]),
)
FACES = st.lists(MARKS, max_size=8).map(
    lambda marks: [replace(each, id=number) for number, each in enumerate(marks, start=1)]
)
PROFILES = st.sampled_from(SHIPPED).map(load_profile)


def certain(found: Defect) -> Defect:
    """The same defect without any doubt."""
    parts = tuple(replace(part, size_sigma_um=0.0) for part in found.parts)
    return replace(found, size_sigma_um=0.0, width_sigma_um=0.0, type_alternatives=(), confidence=1.0, parts=parts)


@settings(deadline=None)
@given(face=FACES, another=MARKS, profile=PROFILES)
def test_one_more_defect_never_turns_fail_into_pass(face: list[Defect], another: Defect, profile: Profile) -> None:
    """However doubtful it is, and however it is read; nor does it make a clear failure less clear."""
    before, after = (judge(each, profile, SEEN) for each in (face, [*face, replace(another, id=99)]))

    assert before.verdict == "pass" or after.verdict == "fail"
    if before.verdict == "fail" and not before.borderline:
        assert not after.borderline


@settings(deadline=None)
@given(face=FACES, profile=PROFILES)
def test_without_any_doubt_nothing_is_borderline(face: list[Defect], profile: Profile) -> None:
    """Sigma 0, uncertainty 0, one reading each: the verdict could not be another."""
    assert not judge([certain(each) for each in face], replace(profile, uncertainty_um=0.0), SEEN).borderline


@settings(deadline=None)
@given(face=FACES, profile=PROFILES, doubled=st.sampled_from([2.0, 4.0, 0.5]))
def test_units_do_not_matter(face: list[Defect], profile: Profile, doubled: float) -> None:
    """With sizes, sigmas, uncertainty and limits all larger by a factor, the judgment is the same."""

    def larger(found: Defect) -> Defect:
        parts = tuple(
            replace(part, size_um=part.size_um * doubled, size_sigma_um=part.size_sigma_um * doubled)
            for part in found.parts
        )
        names = ("size_um", "width_um", "size_sigma_um", "width_sigma_um")
        return replace(found, parts=parts, **{name: getattr(found, name) * doubled for name in names})

    def scaled(limit: Limit) -> Limit:
        bounds = limit.interval
        return replace(
            limit,
            interval=Interval(bounds.lower * doubled, bounds.upper * doubled, bounds.lower_closed, bounds.upper_closed),
        )

    rows = tuple(replace(row, limits=tuple(map(scaled, row.limits))) for row in profile.rows)
    other = replace(profile, rows=rows, uncertainty_um=profile.uncertainty_um * doubled)

    before, after = judge(face, profile, SEEN), judge([larger(each) for each in face], other, SEEN)

    assert (after.verdict, after.borderline) == (before.verdict, before.borderline)


@settings(deadline=None)
@given(face=FACES, profile=PROFILES, shift=st.floats(-1, 1), data=st.data())
def test_a_clear_verdict_stands_for_everything_that_is_in_doubt(
    face: list[Defect], profile: Profile, shift: float, data: st.DataObject
) -> None:
    """Each size moved by the same share of its reach, doubtful marks left out or not: the verdict is the same."""
    judgment = judge(face, profile, SEEN)
    sharper = replace(profile, uncertainty_um=0.0)

    def moved(found: Defect) -> Defect | None:
        if found.confidence < 0.65 and data.draw(st.booleans()):
            return None
        reach, width = (max(profile.uncertainty_um, 2 * s) for s in (found.size_sigma_um, found.width_sigma_um))
        parts = tuple(
            replace(part, size_um=part.size_um + shift * max(profile.uncertainty_um, 2 * part.size_sigma_um))
            for part in found.parts
        )
        return replace(
            found, size_um=found.size_um + shift * reach, width_um=found.width_um + shift * width, parts=parts
        )

    if not judgment.borderline:
        left = [other for each in face if (other := moved(each))]
        assert judge(left, sharper, SEEN).verdict == judgment.verdict
