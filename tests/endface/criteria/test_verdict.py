from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endface.criteria.profile import Profile, load_profile, read_profile
from endface.criteria.verdict import Judgment, judge, require_coverage
from endface.errors import ZoneCutOffError
from endface.report import Defect, DefectType, LimitResult

SEEN = dict.fromkeys("ABCD", 1.0)
SM_PC, MM, ED1 = ("sm-pc-45", "sm-pc-45-ed1"), ("mm-pc", "mm-pc-ed1"), ("mm-pc-ed1", "sm-pc-45-ed1")
SM = ("sm-apc", *SM_PC)
SHIPPED = (*MM, *SM)
NO_SCRATCHES = ("pit", "contamination", "chip")
"""The tables count them alike."""


def mark(kind: DefectType, zones: str, um: float, number: int = 1) -> Defect:
    """A defect in zones such as "BC"; ``um`` is the width of a scratch and the size of anything else."""
    scratch = kind == "scratch"
    return Defect(
        id=number,
        type=kind,
        zone=zones[:1],
        zones=tuple(zones),
        confidence=0.9,
        bbox_px=(0, 0, 1, 1),
        polygon_px=(),
        center_um=(0.0, 0.0),
        size_um=200.0 if scratch else um,
        width_um=um if scratch else 99.0,
        length_um=200.0 if scratch else um,
        area_um2=1.0,
        orientation_deg=0.0,
    )


def marks_of(defects: list[tuple[DefectType, str, float]]) -> list[Defect]:
    """Numbered defects."""
    return [mark(*defect, number=number) for number, defect in enumerate(defects)]


def verdict(profile: str, *defects: Defect) -> str:
    """Pass or fail by a shipped profile."""
    return judge(defects, load_profile(profile), SEEN).verdict


def row(judgment: Judgment, zone: str, text: str) -> LimitResult:
    """One limit of the report."""
    limits = next(result.limits for result in judgment.zones if result.name == zone)
    return next(limit for limit in limits if limit.text == text)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("no limit on defects smaller than 5 um", (0.0, 5.0, False, False)),
        ("at most 5 defects from 5 to 10 um", (5.0, 10.0, True, True)),
        ("no defects larger than 10 um", (10.0, None, False, False)),
    ],
)
def test_limits_say_their_bounds_in_numbers(text: str, bounds: tuple[float, float | None, bool, bool]) -> None:
    """A reader needs no English: the ends, and whether they belong to the row; None where there is no upper one."""
    found = row(judge([], load_profile("mm-pc"), SEEN), "B", text)

    assert (found.lower_um, found.upper_um, found.lower_closed, found.upper_closed) == bounds


@pytest.mark.parametrize("profile", SHIPPED)
def test_a_clean_face_passes(profile: str) -> None:
    """Nothing found, nothing broken, nothing close."""
    judgment = judge([], load_profile(profile), SEEN | {"D": 0.99})

    assert [(zone.name, zone.coverage) for zone in judgment.zones] == [("A", 1), ("B", 1), ("C", 1), ("D", 0.99)]
    assert (judgment.verdict, judgment.borderline, judgment.reasons) == ("pass", False, ())
    assert [zone.verdict for zone in judgment.zones] == ["pass"] * 4
    assert {limit.margin_um for zone in judgment.zones for limit in zone.limits} == {None}


@pytest.mark.parametrize(
    ("profile", "zone", "kind", "passes_um", "fails_um"),
    [
        *((profile, "A", "scratch", None, 0.1) for profile in SM_PC),
        *((profile, "A", "scratch", 3, 3.01) for profile in ("sm-apc", "mm-pc")),
        ("mm-pc-ed1", "A", "scratch", 5, 5.01),
        *((profile, "B", "scratch", 3, 3.01) for profile in SM_PC),
        *((profile, "B", "scratch", 5, 5.01) for profile in MM),
        ("sm-apc", "B", "scratch", 50, None),
        *((profile, zone, "scratch", 50, None) for profile in SHIPPED for zone in "CD"),
        *((profile, "A", kind, None, 0.1) for profile in SM for kind in NO_SCRATCHES),
        *((profile, "A", kind, 5, 5.01) for profile in MM for kind in NO_SCRATCHES),
        *((profile, "B", kind, 5, 5.01) for profile in (*SM, "mm-pc-ed1") for kind in NO_SCRATCHES),
        ("mm-pc", "B", "contamination", 10, 10.01),
        *((profile, "C", "chip", 99, None) for profile in SHIPPED),
        *((profile, "D", "pit", 10, 10.01) for profile in ("sm-pc-45", "sm-apc")),
        *((profile, "D", "pit", 9.99, 10) for profile in ED1),  # edition 1 prints "none >= 10", edition 2 "none > 10"
        ("mm-pc", "D", "pit", 30, 30.01),
    ],
)
def test_one_mark_at_its_bound(
    profile: str, zone: str, kind: DefectType, passes_um: float | None, fails_um: float | None
) -> None:
    """The largest that passes and the smallest that fails; a scratch's length of 200 um is nothing to the limits."""
    for um, expected in ((passes_um, "pass"), (fails_um, "fail")):
        assert um is None or verdict(profile, mark(kind, zone, um)) == expected


@pytest.mark.parametrize(
    ("profile", "zone", "kind", "um", "allowed"),
    [
        *((profile, "B", "pit", *row) for profile in (*SM, "mm-pc-ed1") for row in ((1.99, None), (2, 5), (5, 5))),
        *((profile, "B", "scratch", 3, None) for profile in SM_PC),
        *((profile, "C", "contamination", 40, None) for profile in SHIPPED),  # Glenair, ARINC: at most 5 below 10 um
        *((profile, "D", "pit", 10, None) for profile in ("sm-pc-45", "sm-apc")),
        *(("sm-apc", "A", "scratch", um, 4) for um in (0.5, 3)),
        *((profile, "A", "pit", um, 4) for profile in MM for um in (0.5, 5)),
        *(("mm-pc", "B", "pit", *row) for row in ((4.99, None), (5, 5), (10, 5))),
        *(("mm-pc", "D", "pit", *row) for row in ((19.99, None), (20, 5), (30, 5))),
    ],
)
def test_how_many_are_allowed(profile: str, zone: str, kind: DefectType, um: float, allowed: int | None) -> None:
    """The last that is allowed and the first that is not, at either end of each row that counts."""
    many = [mark(kind, zone, um, number) for number in range(50)]

    assert verdict(profile, *many[:allowed]) == "pass"
    assert allowed is None or verdict(profile, *many[: allowed + 1]) == "fail"


def test_a_sixth_defect_from_2_to_5_um_fails() -> None:
    """Five of mixed kinds and sizes are allowed in zone B of single-mode; smaller ones beside them do not count."""
    five = [mark("pit", "B", 2, 1), mark("chip", "B", 3, 2), mark("contamination", "B", 5, 3)]
    five += [mark("pit", "B", 4, 4), mark("pit", "B", 2.5, 5), mark("pit", "B", 1.9, 6)]

    assert verdict("sm-pc-45", *five) == "pass"
    assert verdict("sm-pc-45", *five, mark("pit", "B", 2, 7)) == "fail"


@pytest.mark.parametrize(
    ("zones", "expected"),
    [("AB", "fail"), ("B", "pass"), ("BC", "pass"), ("C", "pass"), ("CD", "pass"), ("D", "fail"), ("BCD", "pass")],
)
def test_a_defect_across_a_bound_lies_wholly_in_the_innermost_zone(zones: str, expected: str) -> None:
    """Multimode, 31 and 7 um: too large for A, or for D, but nothing in C; BICSI counts it in the innermost alone."""
    size_um = 7 if "A" in zones or "B" in zones else 31

    assert verdict("mm-pc", mark("contamination", zones, size_um)) == expected
    rows = [
        limit for zone in judge([mark("pit", zones, 7)], load_profile("mm-pc"), SEEN).zones for limit in zone.limits
    ]
    assert sum(limit.found for limit in rows) == 1


def test_a_scratch_through_several_zones_is_judged_in_each() -> None:
    """Multimode, 4 um wide: allowed in B, too wide in A; a line that only grazes A breaks A's limit."""
    through = mark("scratch", "ABCD", 4)
    judgment = judge([through], load_profile("mm-pc"), SEEN)

    assert [zone.verdict for zone in judgment.zones] == ["fail", "pass", "pass", "pass"]
    assert [row(judgment, zone, "no limit on scratches").found for zone in "CD"] == [1, 1]
    assert row(judgment, "B", "no limit on scratches up to 5 um wide").found == 1
    assert [verdict("mm-pc", mark("scratch", zones, 4)) for zones in ("B", "BCD", "AB")] == ["pass", "pass", "fail"]
    assert judge([mark("scratch", "ABCD", 6, number=3)], load_profile("mm-pc"), SEEN).reasons == (
        "zone A: scratch 3 is 6.0 um wide, limit 3 um (mm-pc)",
        "zone B: scratch 3 is 6.0 um wide, limit 5 um (mm-pc)",
    )


def test_a_defect_outside_every_zone_is_judged_by_nothing() -> None:
    """Nothing is required outside the contact zone."""
    assert verdict("sm-pc-45", mark("chip", "", 100), mark("scratch", "", 100)) == "pass"


def test_reasons_are_the_designs_sentences() -> None:
    """Zone, defect, id, size, limit and profile: a line engineer needs no other page."""
    defects = [
        mark("scratch", "BCD", 4.1, 7),
        mark("pit", "A", 1.2, 1),
        mark("chip", "D", 12, 30),
        mark("chip", "D", 14.5, 29),
        mark("chip", "D", 11, 31),
        *(mark("contamination", "B", 3, number) for number in (3, 5, 8, 9, 11, 12)),
    ]

    assert judge(defects, load_profile("sm-pc-45"), SEEN).reasons == (
        "zone A: pit 1 is 1.2 um, none is allowed (sm-pc-45)",
        "zone B: scratch 7 is 4.1 um wide, limit 3 um (sm-pc-45)",
        "zone B: 6 defects from 2 to 5 um, at most 5 are allowed (sm-pc-45): 3, 5, 8, 9, 11, 12",
        "zone D: chip 29 is 14.5 um, limit 10 um (sm-pc-45); also defects 30, 31",
    )
    (reason,) = judge([mark("pit", "B", 3, number) for number in range(1, 15)], load_profile("sm-pc-45"), SEEN).reasons
    assert reason.endswith(": 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4 more")  # the report's list has the others


@pytest.mark.parametrize(
    ("profile", "kind", "zone", "um", "text"),
    [
        ("sm-pc-45", "chip", "B", 5.04, "is 5.04 um, limit 5 um"),
        ("sm-pc-45", "chip", "B", 5.0001, "is 5.0001 um, limit 5 um"),
        ("sm-pc-45", "chip", "B", 5.06, "is 5.1 um, limit 5 um"),
        ("sm-pc-45", "scratch", "B", 3.01, "is 3.01 um wide, limit 3 um"),
        ("sm-pc-45-ed1", "chip", "D", 10, "is 10.0 um, must be below 10 um"),
        ("sm-pc-45", "pit", "A", 0.02, "is 0.02 um, none is allowed"),
    ],
)
def test_a_rounded_size_never_contradicts_the_verdict(
    profile: str, kind: DefectType, zone: str, um: float, text: str
) -> None:
    """A sentence "5.0 um, limit 5 um" would read as a mistake: as many digits as the difference needs."""
    (reason,) = judge([mark(kind, zone, um)], load_profile(profile), SEEN).reasons

    assert text in reason


@pytest.mark.parametrize(
    ("profile", "defects", "zone", "text", "margin_um"),
    [
        ("sm-pc-45", [("scratch", "B", 2.6)], "B", "no scratches wider than 3 um", 0.4),
        ("sm-pc-45", [("scratch", "B", 3)], "B", "no scratches wider than 3 um", 0),
        ("sm-pc-45", [("scratch", "B", 4.1), ("scratch", "B", 3.5)], "B", "no scratches wider than 3 um", -1.1),
        ("sm-pc-45", [], "B", "no scratches wider than 3 um", None),
        ("sm-pc-45", [("scratch", "B", 2)], "B", "no limit on scratches up to 3 um wide", None),
        ("sm-pc-45", [("pit", "A", 1.2)], "A", "no defects", -1.2),
        ("sm-pc-45", [("pit", "B", 3)] * 5, "B", "at most 5 defects from 2 to 5 um", None),
        ("sm-pc-45", [("pit", "B", 3)] * 6, "B", "at most 5 defects from 2 to 5 um", -1),
        ("sm-pc-45", [("pit", "B", 4.8)] * 6, "B", "at most 5 defects from 2 to 5 um", -0.2),
        ("sm-pc-45", [("pit", "B", 3)] * 5 + [("pit", "B", 1.7)], "B", "at most 5 defects from 2 to 5 um", 0.3),
        ("sm-pc-45", [("pit", "B", 3)] * 5 + [("pit", "B", 5.2)], "B", "at most 5 defects from 2 to 5 um", 0.2),
        ("sm-pc-45-ed1", [("pit", "D", 10)], "D", "no defects of 10 um or more", 0),
    ],
)
def test_the_margin_is_the_shift_of_all_sizes_that_flips_a_row(
    profile: str, defects: list[tuple[DefectType, str, float]], zone: str, text: str, margin_um: float | None
) -> None:
    """Worked out by hand: to the next size that enters or leaves the row, so that the count crosses what is allowed."""
    found = row(judge(marks_of(defects), load_profile(profile), SEEN), zone, text).margin_um

    assert found == (margin_um if margin_um is None else pytest.approx(margin_um))


@pytest.mark.parametrize(
    ("defects", "expected", "borderline"),
    [
        ([("scratch", "B", 2.4)], "pass", False),
        ([("scratch", "B", 2.5)], "pass", False),  # at 3.0 after the shift it still passes
        ([("scratch", "B", 2.51)], "pass", True),
        ([("scratch", "B", 3)], "pass", True),
        ([("scratch", "B", 3.5)], "fail", True),  # at 3.0 after the shift it passes
        ([("scratch", "B", 3.51)], "fail", False),
        ([("scratch", "B", 3.2), ("pit", "A", 8)], "fail", False),  # fails anyway, by the pit
        ([("scratch", "B", 3.2), ("pit", "B", 5.4)], "fail", True),
        ([("pit", "B", 3)] * 6, "fail", False),
        ([("pit", "B", 2.3)] * 6, "fail", True),  # all fall below 2 um
        ([("pit", "B", 4.8)] * 6, "fail", False),  # leave the row of 5 into the row of none
        ([("pit", "B", 3)] * 5 + [("pit", "B", 1.8)], "pass", True),
    ],
)
def test_borderline_means_that_the_whole_verdict_could_turn(
    defects: list[tuple[DefectType, str, float]], expected: str, *, borderline: bool
) -> None:
    """Within half a micrometer, the profile's uncertainty, either way; a row that leads nowhere does not count."""
    marks, profile = marks_of(defects), load_profile("sm-pc-45")

    judgment = judge(marks, profile, SEEN)

    assert (judgment.verdict, judgment.borderline) == (expected, borderline)
    if expected == "fail":  # a profile that trusts the measurement knows no borderline beyond the bound itself
        assert not judge(marks, replace(profile, uncertainty_um=0.0), SEEN).borderline


@pytest.mark.parametrize(
    ("zone", "enough", "too_little", "said"),
    [("A", 0.999, 0.99899, "99.8"), ("B", 0.99, 0.98999, "98.9"), ("D", 0.9, 0.8999, "89.9")],
)
def test_a_zone_that_is_cut_off_is_refused(zone: str, enough: float, too_little: float, said: str) -> None:
    """A and B must be seen practically whole, of D nine tenths; zone C has no limits, so nothing of it."""
    profile = load_profile("mm-pc")
    for seen in ({"C": 0.1}, {zone: enough}):
        require_coverage(profile, SEEN | seen)

    message = rf"shows {said} % of zone {zone}, {enough * 100:g} % are needed \(mm-pc\)"
    with pytest.raises(ZoneCutOffError, match=message):
        require_coverage(profile, SEEN | {zone: too_little})


def test_a_users_limits_are_applied_as_written(tmp_path: Path) -> None:
    """Half-open rows, a row that counts narrow scratches, and no zone beyond the second."""
    path = tmp_path / "plant.toml"
    path.write_text(
        'standard = "x"\nedition = "1"\nstatus = "user"\nsource = "y"\n'
        '[[zones]]\nname = "core"\ninner_um = 0\nouter_um = 50\n'
        'scratches = [{ width_um = "[1, 2)", allowed = 1 }, { width_um = "[2, inf)", allowed = "no limit" }]\n'
        'defects = [{ size_um = "[3, 4)", allowed = 0 }, { size_um = "[4, inf)", allowed = "no limit" }]\n',
        encoding="utf-8",
    )
    profile, seen = read_profile(path), {"core": 1.0}
    pit = replace(mark("pit", "x", 3), zone="core", zones=("core",))
    scratch = replace(mark("scratch", "x", 1), zone="core", zones=("core",))

    assert judge([pit], profile, seen).reasons == ("zone core: pit 1 is 3.0 um, must be below 3 um (plant)",)
    assert judge([replace(pit, size_um=4.0), scratch], profile, seen).verdict == "pass"
    assert judge([scratch, replace(scratch, id=2)], profile, seen).reasons == (
        "zone core: 2 scratches from 1 to below 2 um wide, at most 1 are allowed (plant): 1, 2",
    )


KINDS: tuple[DefectType, ...] = ("scratch", "pit", "contamination", "chip")
MARKS = st.builds(
    mark,
    st.sampled_from(KINDS),
    st.sampled_from(["A", "AB", "B", "BC", "BCD", "C", "CD", "D", "ABCD", ""]),
    # Hundredths, as they are measured: bounds are hit exactly, often enough.
    st.one_of(st.sampled_from([2.0, 3.0, 5.0, 10.0, 20.0, 30.0]), st.integers(1, 3500).map(lambda um: um / 100)),
)
FACES = st.lists(MARKS, max_size=14).map(
    lambda marks: [replace(defect, id=number) for number, defect in enumerate(marks, start=1)]
)
PROFILES = st.sampled_from(SHIPPED).map(load_profile)


def shifted(defects: list[Defect], shift_um: float) -> list[Defect]:
    """All sizes larger by so much; what shrinks to nothing is gone."""
    moved = [replace(d, size_um=d.size_um + shift_um, width_um=d.width_um + shift_um) for d in defects]
    return [d for d in moved if (d.width_um if d.type == "scratch" else d.size_um) > 0]


@settings(deadline=None)
@given(defects=FACES, another=MARKS, profile=PROFILES)
def test_one_more_defect_never_turns_fail_into_pass(defects: list[Defect], another: Defect, profile: Profile) -> None:
    """Dirt does not clean."""
    before, after = (judge(face, profile, SEEN) for face in (defects, [*defects, replace(another, id=99)]))

    assert before.verdict == "pass" or after.verdict == "fail"
    assert len(after.reasons) >= len(before.reasons)


@settings(deadline=None)
@given(defects=FACES, profile=PROFILES, grown_um=st.floats(0, 20), data=st.data())
def test_a_larger_defect_never_turns_fail_into_pass(
    defects: list[Defect], profile: Profile, grown_um: float, data: st.DataObject
) -> None:
    """In the shipped tables every row is followed by a stricter one, so growing out of a row helps nobody."""
    if not defects:
        return
    index = data.draw(st.integers(0, len(defects) - 1))
    grown = shifted(defects[index : index + 1], grown_um)
    larger = [*defects[:index], *grown, *defects[index + 1 :]]

    before, after = (judge(face, profile, SEEN).verdict for face in (defects, larger))

    assert before == "pass" or after == "fail"


@settings(deadline=None)
@given(defects=FACES, profile=PROFILES, share=st.floats(-0.999, 0.999))
def test_margin_is_the_largest_shift_that_keeps_a_rows_verdict(
    defects: list[Defect], profile: Profile, share: float
) -> None:
    """Below it, either way, the row stands; just beyond it the row flips one way or the other."""
    zones = judge(defects, profile, SEEN).zones
    for place, zone in enumerate(zones):
        for index, limit in enumerate(zone.limits):

            def verdict_at(shift_um: float, place: int = place, index: int = index) -> str:
                return judge(shifted(defects, shift_um), profile, SEEN).zones[place].limits[index].verdict

            margin_um = 50 if limit.margin_um is None else abs(limit.margin_um)
            assert verdict_at(share * margin_um) == limit.verdict
            if limit.margin_um is not None:
                beyond = [verdict_at(way * (margin_um + more)) for way in (-1, 1) for more in (0, 1e-4)]
                assert set(beyond) != {limit.verdict}


@settings(deadline=None)
@given(defects=FACES, profile=PROFILES, shift_um=st.floats(-0.5, 0.5))
def test_a_verdict_that_is_not_borderline_stands_for_every_shift_within_the_uncertainty(
    defects: list[Defect], profile: Profile, shift_um: float
) -> None:
    """Half a micrometer either way."""
    judgment = judge(defects, profile, SEEN)

    if not judgment.borderline:
        assert judge(shifted(defects, shift_um), profile, SEEN).verdict == judgment.verdict


@settings(deadline=None)
@given(defects=FACES, profile=PROFILES)
def test_the_parts_of_a_judgment_agree(defects: list[Defect], profile: Profile) -> None:
    """It fails exactly where a zone fails, a zone where a row does, a row where more is found than allowed."""
    judgment = judge(defects, profile, SEEN)
    rows = [limit for zone in judgment.zones for limit in zone.limits]

    assert (judgment.verdict == "fail") == any(zone.verdict == "fail" for zone in judgment.zones)
    assert len(judgment.reasons) == sum(limit.verdict == "fail" for limit in rows)
    for zone in judgment.zones:
        assert (zone.verdict == "fail") == any(limit.verdict == "fail" for limit in zone.limits)
    for limit in rows:
        assert (limit.verdict == "fail") == (limit.allowed is not None and limit.found > limit.allowed)
        assert limit.margin_um is None or (limit.margin_um >= 0 if limit.verdict == "pass" else limit.margin_um <= 0)
