"""Verdicts at every bound of the tables, with their reasons and margins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endface.criteria.profile import Profile, load_profile, read_profile
from endface.criteria.verdict import MIN_COVERAGE, Judgement, judge, require_coverage
from endface.errors import ZoneCutOffError
from endface.report import Defect, DefectType, LimitResult

SEEN = dict.fromkeys("ABCD", 1.0)
SHIPPED = ("mm-pc", "mm-pc-ed1", "sm-apc", "sm-pc-45", "sm-pc-45-ed1")


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


def verdict(profile: str, *defects: Defect) -> str:
    """Pass or fail by a shipped profile."""
    return judge(defects, load_profile(profile), SEEN).verdict


def row(judgement: Judgement, zone: str, text: str) -> LimitResult:
    """One limit of the report."""
    limits = next(result.limits for result in judgement.zones if result.name == zone)
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
    judgement = judge([], load_profile(profile), SEEN)

    assert (judgement.verdict, judgement.borderline, judgement.reasons) == ("pass", False, ())
    assert [zone.verdict for zone in judgement.zones] == ["pass"] * 4
    assert {limit.margin_um for zone in judgement.zones for limit in zone.limits} == {None}


@pytest.mark.parametrize(
    ("profile", "zone", "width_um", "expected"),
    [
        ("sm-pc-45", "A", 0.1, "fail"),
        ("sm-pc-45", "B", 3, "pass"),
        ("sm-pc-45", "B", 3.01, "fail"),
        ("sm-pc-45", "C", 50, "pass"),
        ("sm-pc-45", "D", 50, "pass"),
        ("sm-pc-45-ed1", "A", 0.1, "fail"),
        ("sm-pc-45-ed1", "B", 3, "pass"),
        ("sm-pc-45-ed1", "B", 3.01, "fail"),
        ("sm-pc-45-ed1", "D", 50, "pass"),
        ("sm-apc", "A", 3, "pass"),
        ("sm-apc", "A", 3.01, "fail"),
        ("sm-apc", "B", 50, "pass"),
        ("sm-apc", "D", 50, "pass"),
        ("mm-pc", "A", 3, "pass"),
        ("mm-pc", "A", 3.01, "fail"),
        ("mm-pc", "B", 5, "pass"),
        ("mm-pc", "B", 5.01, "fail"),
        ("mm-pc", "C", 50, "pass"),
        ("mm-pc", "D", 50, "pass"),
        ("mm-pc-ed1", "A", 5, "pass"),
        ("mm-pc-ed1", "A", 5.01, "fail"),
        ("mm-pc-ed1", "B", 5, "pass"),
        ("mm-pc-ed1", "B", 5.01, "fail"),
    ],
)
def test_a_scratch_at_its_bound(profile: str, zone: str, width_um: float, expected: str) -> None:
    """One scratch of exactly 3 or 5 um, and a hundredth more; its length of 200 um is nothing to the limits."""
    assert verdict(profile, mark("scratch", zone, width_um)) == expected


@pytest.mark.parametrize(
    ("profile", "zone", "size_um", "expected"),
    [
        ("sm-pc-45", "A", 0.1, "fail"),
        ("sm-pc-45", "B", 5, "pass"),
        ("sm-pc-45", "B", 5.01, "fail"),
        ("sm-pc-45", "C", 99, "pass"),
        ("sm-pc-45", "D", 9.99, "pass"),
        ("sm-pc-45", "D", 10, "pass"),
        ("sm-pc-45", "D", 10.01, "fail"),
        ("sm-pc-45-ed1", "A", 0.1, "fail"),
        ("sm-pc-45-ed1", "B", 5, "pass"),
        ("sm-pc-45-ed1", "B", 5.01, "fail"),
        ("sm-pc-45-ed1", "D", 9.99, "pass"),
        ("sm-pc-45-ed1", "D", 10, "fail"),
        ("sm-apc", "A", 0.1, "fail"),
        ("sm-apc", "B", 5, "pass"),
        ("sm-apc", "B", 5.01, "fail"),
        ("sm-apc", "D", 10, "pass"),
        ("sm-apc", "D", 10.01, "fail"),
        ("mm-pc", "A", 5, "pass"),
        ("mm-pc", "A", 5.01, "fail"),
        ("mm-pc", "B", 10, "pass"),
        ("mm-pc", "B", 10.01, "fail"),
        ("mm-pc", "C", 99, "pass"),
        ("mm-pc", "D", 30, "pass"),
        ("mm-pc", "D", 30.01, "fail"),
        ("mm-pc-ed1", "A", 5, "pass"),
        ("mm-pc-ed1", "A", 5.01, "fail"),
        ("mm-pc-ed1", "B", 5, "pass"),
        ("mm-pc-ed1", "B", 5.01, "fail"),
        ("mm-pc-ed1", "D", 9.99, "pass"),
        ("mm-pc-ed1", "D", 10, "fail"),
    ],
)
@pytest.mark.parametrize("kind", ["pit", "contamination", "chip"])
def test_a_defect_at_its_bound(kind: DefectType, profile: str, zone: str, size_um: float, expected: str) -> None:
    """One defect of exactly 5, 10 or 30 um, and a hundredth more; every kind but the scratch counts alike."""
    assert verdict(profile, mark(kind, zone, size_um)) == expected


@pytest.mark.parametrize(
    ("profile", "zone", "kind", "um", "count", "expected"),
    [
        ("sm-pc-45", "B", "pit", 1.99, 50, "pass"),
        ("sm-pc-45", "B", "pit", 2, 5, "pass"),
        ("sm-pc-45", "B", "pit", 2, 6, "fail"),
        ("sm-pc-45", "B", "pit", 5, 5, "pass"),
        ("sm-pc-45", "B", "pit", 5, 6, "fail"),
        ("sm-pc-45", "B", "scratch", 3, 50, "pass"),
        ("sm-pc-45", "D", "pit", 10, 50, "pass"),
        ("sm-pc-45-ed1", "B", "pit", 1.99, 50, "pass"),
        ("sm-pc-45-ed1", "B", "pit", 2, 6, "fail"),
        ("mm-pc-ed1", "A", "pit", 5, 4, "pass"),
        ("mm-pc-ed1", "A", "pit", 0.5, 5, "fail"),
        ("mm-pc-ed1", "B", "pit", 1.99, 50, "pass"),
        ("mm-pc-ed1", "B", "pit", 2, 6, "fail"),
        ("sm-apc", "A", "scratch", 3, 4, "pass"),
        ("sm-apc", "A", "scratch", 0.5, 5, "fail"),
        ("sm-apc", "B", "pit", 2, 5, "pass"),
        ("sm-apc", "B", "pit", 2, 6, "fail"),
        ("mm-pc", "A", "pit", 5, 4, "pass"),
        ("mm-pc", "A", "pit", 0.5, 5, "fail"),
        ("mm-pc", "B", "pit", 4.99, 50, "pass"),
        ("mm-pc", "B", "pit", 5, 5, "pass"),
        ("mm-pc", "B", "pit", 5, 6, "fail"),
        ("mm-pc", "B", "pit", 10, 6, "fail"),
        ("mm-pc", "D", "pit", 19.99, 50, "pass"),
        ("mm-pc", "D", "pit", 20, 5, "pass"),
        ("mm-pc", "D", "pit", 20, 6, "fail"),
        ("mm-pc", "D", "pit", 30, 6, "fail"),
    ],
)
def test_how_many_are_allowed(
    profile: str, zone: str, kind: DefectType, um: float, *, count: int, expected: str
) -> None:
    """The last that is allowed and the first that is not, at either end of each row that counts."""
    assert verdict(profile, *(mark(kind, zone, um, number) for number in range(count))) == expected


def test_a_sixth_defect_from_2_to_5_um_fails() -> None:
    """Five of mixed kinds and sizes are allowed in zone B of single-mode; smaller ones beside them do not count."""
    five = [mark("pit", "B", 2, 1), mark("chip", "B", 3, 2), mark("contamination", "B", 5, 3)]
    five += [mark("pit", "B", 4, 4), mark("pit", "B", 2.5, 5), mark("pit", "B", 1.9, 6)]

    assert verdict("sm-pc-45", *five) == "pass"
    assert verdict("sm-pc-45", *five, mark("pit", "B", 2, 7)) == "fail"


def test_zone_d_at_exactly_10_um_fails_in_edition_1_and_passes_in_edition_2() -> None:
    """Edition 1 prints "none >= 10", edition 2 "none > 10"."""
    ten = mark("contamination", "D", 10)

    assert verdict("sm-pc-45-ed1", ten) == "fail"
    assert verdict("mm-pc-ed1", ten) == "fail"
    assert verdict("sm-pc-45", ten) == "pass"
    assert verdict("sm-apc", ten) == "pass"


@pytest.mark.parametrize("profile", SHIPPED)
def test_zone_c_has_no_limit(profile: str) -> None:
    """IEC; Glenair and ARINC allow at most 5 debris below 10 um there."""
    debris = [mark("contamination", "C", 40, number) for number in range(9)]

    assert verdict(profile, *debris, mark("scratch", "C", 20)) == "pass"


@pytest.mark.parametrize(
    ("zones", "expected"),
    [("AB", "fail"), ("B", "pass"), ("BC", "pass"), ("C", "pass"), ("CD", "pass"), ("D", "fail"), ("BCD", "pass")],
)
def test_a_defect_across_a_bound_lies_wholly_in_the_innermost_zone(zones: str, expected: str) -> None:
    """Multimode, 31 and 7 um: too large for A, or for D, but nothing in C; BICSI counts it in the innermost alone."""
    size_um = 7 if "A" in zones or "B" in zones else 31

    assert verdict("mm-pc", mark("contamination", zones, size_um)) == expected


def test_a_defect_across_a_bound_is_counted_once() -> None:
    """The outer zone's row does not see it."""
    judgement = judge([mark("pit", "AB", 5)], load_profile("mm-pc"), SEEN)

    assert row(judgement, "A", "at most 4 defects up to 5 um").found == 1
    assert row(judgement, "B", "at most 5 defects from 5 to 10 um").found == 0


def test_a_scratch_through_several_zones_is_judged_in_each() -> None:
    """Multimode, 4 um wide: allowed in B, too wide in A; a line that only grazes A breaks A's limit."""
    through = mark("scratch", "ABCD", 4)
    judgement = judge([through], load_profile("mm-pc"), SEEN)

    assert [zone.verdict for zone in judgement.zones] == ["fail", "pass", "pass", "pass"]
    assert [row(judgement, zone, "no limit on scratches").found for zone in "CD"] == [1, 1]
    assert row(judgement, "B", "no limit on scratches up to 5 um wide").found == 1
    assert [verdict("mm-pc", mark("scratch", zones, 4)) for zones in ("B", "BCD", "AB")] == ["pass", "pass", "fail"]


def test_a_wide_scratch_breaks_the_limit_of_each_zone_that_it_crosses() -> None:
    """One sentence for each."""
    judgement = judge([mark("scratch", "ABCD", 6, number=3)], load_profile("mm-pc"), SEEN)

    assert judgement.reasons == (
        "zone A: scratch 3 is 6.0 um wide, limit 3 um (mm-pc)",
        "zone B: scratch 3 is 6.0 um wide, limit 5 um (mm-pc)",
    )


def test_a_core_off_centre_does_not_move_zone_a() -> None:
    """A defect that was measured in zone B stays there: judging knows the cladding's zones and no core."""
    assert verdict("sm-pc-45", mark("pit", "B", 4)) == "pass"


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
        "zone D: chip 29 is 14.5 um, limit 10 um (sm-pc-45); so are 30, 31",
    )


def test_a_sentence_lists_ten_defects_at_most() -> None:
    """The report's list has the others."""
    many = [mark("pit", "B", 3, number) for number in range(1, 15)]

    (reason,) = judge(many, load_profile("sm-pc-45"), SEEN).reasons

    assert reason.endswith(": 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 4 more")


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
    marks = [mark(*defect, number=number) for number, defect in enumerate(defects)]

    found = row(judge(marks, load_profile(profile), SEEN), zone, text).margin_um

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
    """Within half a micrometre, the profile's uncertainty, either way; a row that leads nowhere does not count."""
    marks = [mark(*defect, number=number) for number, defect in enumerate(defects)]

    judgement = judge(marks, load_profile("sm-pc-45"), SEEN)

    assert (judgement.verdict, judgement.borderline) == (expected, borderline)


def test_borderline_follows_the_profiles_uncertainty() -> None:
    """A profile that trusts the measurement to the last digit knows no borderline but the bound itself."""
    profile = replace(load_profile("sm-pc-45"), uncertainty_um=0.0)

    assert not judge([mark("scratch", "B", 3.01)], profile, SEEN).borderline


def test_zones_echo_their_bounds_and_coverage() -> None:
    """In the profile's order."""
    zones = judge([], load_profile("mm-pc"), SEEN | {"D": 0.99}).zones

    assert [(zone.name, zone.inner_um, zone.outer_um, zone.coverage) for zone in zones] == [
        ("A", 0, 65, 1),
        ("B", 65, 115, 1),
        ("C", 115, 135, 1),
        ("D", 135, 250, 0.99),
    ]


@pytest.mark.parametrize("zone", ["A", "B", "D"])
def test_a_zone_that_is_cut_off_is_refused(zone: str) -> None:
    """What the camera did not see may hold the defect: no verdict, and the sentence says what to do."""
    profile = load_profile("mm-pc")

    require_coverage(profile, SEEN | {zone: MIN_COVERAGE})
    with pytest.raises(ZoneCutOffError, match=rf"shows 97\.9 % of zone {zone}, 98 % are needed \(mm-pc\)"):
        require_coverage(profile, SEEN | {zone: 0.9799})


def test_a_zone_without_limits_may_be_cut_off() -> None:
    """Nothing in zone C can fail, so nothing there needs to be seen."""
    require_coverage(load_profile("mm-pc"), SEEN | {"C": 0.1})


def test_a_users_limits_are_applied_as_written(tmp_path: Path) -> None:
    """Half-open rows, a row that counts narrow scratches, and no zone beyond the second."""
    path = tmp_path / "plant.toml"
    path.write_text(
        'standard = "x"\nedition = "1"\nstatus = "user"\nsource = "y"\n'
        '[[zones]]\nname = "core"\ninner_um = 0\nouter_um = 50\n'
        'scratches = [{ width_um = "[1, 2)", allowed = 1 }]\n'
        'defects = [{ size_um = "[3, 4)", allowed = 0 }]\n',
        encoding="utf-8",
    )
    profile, seen = read_profile(path), {"core": 1.0}
    pit = replace(mark("pit", "x", 3), zone="core", zones=("core",))
    scratch = replace(mark("scratch", "x", 1), zone="core", zones=("core",))

    assert judge([pit], profile, seen).reasons == ("zone core: pit 1 is 3.0 um, must be below 3 um (plant)",)
    assert judge([replace(pit, size_um=4.0), scratch], profile, seen).verdict == "pass"
    assert judge([scratch, scratch], profile, seen).reasons == (
        "zone core: 2 scratches from 1 to below 2 um wide, at most 1 are allowed (plant): 1, 1",
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
def test_a_shift_below_the_margin_keeps_a_rows_verdict(defects: list[Defect], profile: Profile, share: float) -> None:
    """Whichever way, for every row of every zone."""
    for zone in judge(defects, profile, SEEN).zones:
        for index, limit in enumerate(zone.limits):
            shift_um = share * (50 if limit.margin_um is None else abs(limit.margin_um))
            after = judge(shifted(defects, shift_um), profile, SEEN)
            again = next(result for result in after.zones if result.name == zone.name).limits[index]
            assert again.verdict == limit.verdict


@settings(deadline=None)
@given(defects=FACES, profile=PROFILES)
def test_a_shift_just_beyond_the_margin_flips_a_row_one_way_or_the_other(
    defects: list[Defect], profile: Profile
) -> None:
    """The margin is not merely safe, it is the largest."""
    for zone in judge(defects, profile, SEEN).zones:
        for index, limit in enumerate(zone.limits):
            if limit.margin_um is None:
                continue
            moved = [abs(limit.margin_um) + more for more in (0, 1e-4)]
            after = [judge(shifted(defects, way * um), profile, SEEN).zones for way in (-1, 1) for um in moved]
            verdicts = [next(z for z in zones if z.name == zone.name).limits[index].verdict for zones in after]
            assert any(verdict != limit.verdict for verdict in verdicts)


@settings(deadline=None)
@given(defects=FACES, profile=PROFILES, shift_um=st.floats(-0.5, 0.5))
def test_a_verdict_that_is_not_borderline_stands_for_every_shift_within_the_uncertainty(
    defects: list[Defect], profile: Profile, shift_um: float
) -> None:
    """Half a micrometre either way."""
    judgement = judge(defects, profile, SEEN)

    if not judgement.borderline:
        assert judge(shifted(defects, shift_um), profile, SEEN).verdict == judgement.verdict


@settings(deadline=None)
@given(defects=FACES, profile=PROFILES)
def test_the_parts_of_a_judgement_agree(defects: list[Defect], profile: Profile) -> None:
    """It fails exactly where a zone fails, a zone where a row does, a row where more is found than allowed."""
    judgement = judge(defects, profile, SEEN)
    rows = [limit for zone in judgement.zones for limit in zone.limits]

    assert (judgement.verdict == "fail") == any(zone.verdict == "fail" for zone in judgement.zones)
    assert len(judgement.reasons) == sum(limit.verdict == "fail" for limit in rows)
    for zone in judgement.zones:
        assert (zone.verdict == "fail") == any(limit.verdict == "fail" for limit in zone.limits)
    for limit in rows:
        assert (limit.verdict == "fail") == (limit.allowed is not None and limit.found > limit.allowed)
        assert limit.margin_um is None or (limit.margin_um >= 0 if limit.verdict == "pass" else limit.margin_um <= 0)
