"""What a verdict is about: the zones that are judged, how much of them is seen, and the fiber that a profile is for."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from endface.criteria.core import check_core
from endface.criteria.limits import Interval
from endface.criteria.profile import load_profile
from endface.criteria.scale import clear_marks, coarsest_um_per_px, require_scale
from endface.criteria.verdict import judge
from endface.errors import BadParameterError, CoarseScaleError, NoCoreError, ProfileMismatchError
from endface.picture.square import Placement
from endface.report import Defect, DefectType, Ellipse, Fiber

SEEN = dict.fromkeys("ABCD", 1.0)
AS_SEEN = Placement((255.5, 255.5), (0.5, 0.5))


def mark(kind: DefectType, zones: str, um: float) -> Defect:
    """A defect in zones such as "BC"; ``um`` is the width of a scratch and the size of anything else."""
    long = 200.0 if kind == "scratch" else um
    innermost = zones[:1]
    box, middle = (0, 0, 1, 1), (0.0, 0.0)
    return Defect(1, kind, innermost, tuple(zones), 0.9, box, (), middle, long, um, long, 1.0, 0.0)


def verdict_of(profile: str, *defects: Defect) -> str:
    """Pass or fail by a shipped profile."""
    return judge(defects, load_profile(profile), SEEN).verdict


@pytest.mark.parametrize(("share", "certain"), [(0.98, True), (0.9799, False)])
def test_a_pass_is_borderline_where_a_whole_defect_could_lie_unseen(share: float, certain: bool) -> None:
    """A strip of zone D of more than a fiftieth is wider than 10 um, its strictest limit; a failure stays certain."""
    profile = load_profile("sm-pc-45")

    judgment = judge([], profile, SEEN | {"D": share})

    assert (judgment.verdict, judgment.borderline) == ("pass", not certain)
    if not certain:
        assert judgment.borderline_reasons == (
            "the picture shows 97.9 % of zone D, and a defect that fails it could lie in the rest (sm-pc-45)",
        )
    assert not judge([mark("pit", "A", 9)], profile, SEEN | {"D": share}).borderline


@pytest.mark.parametrize(("from_um", "borderline"), [(57.7, True), (58.5, False)])
def test_a_defect_beside_the_judged_zones_may_lie_in_them(from_um: float, borderline: bool) -> None:
    """So little outside zone B, which ends 57.5 um from the middle, that it may touch it."""
    profile = load_profile("sm-pc-45").confined_to(("A", "B"))
    ends_px = tuple(255.5 + um / 0.5 for um in (from_um, from_um + 6.0))
    outline = tuple((x, y) for x in ends_px for y in (253.5, 257.5))
    beside = replace(mark("pit", "C", 6.0), polygon_px=(outline,), center_um=(from_um + 3, 0.0))

    judgment = judge([beside, replace(beside, id=2)], profile, SEEN, None, AS_SEEN)

    assert (judgment.verdict, judgment.borderline) == ("pass", borderline)


def test_a_defect_outside_the_judged_zones_does_not_count() -> None:
    """A request for A and B says nothing about D; a defect from B into D counts in B."""
    profile = load_profile("sm-pc-45").confined_to(("A", "B"))

    far, across = judge([mark("pit", "D", 40)], profile, SEEN), judge([mark("pit", "BCD", 40)], profile, SEEN)

    assert (far.verdict, [zone.name for zone in far.zones]) == ("pass", ["A", "B"])
    assert across.verdict == "fail"


@pytest.mark.parametrize(
    ("zones", "message"),
    [
        (("A", "X"), "sm-pc-45 has no zone 'X'; name some of A, B, C, D, or all"),
        (("C",), "sm-pc-45 limits nothing in zone C, so every face would pass there; add some of A, B, D"),
    ],
)
def test_zones_that_cannot_be_judged_are_refused(zones: tuple[str, ...], message: str) -> None:
    """A zone that does not exist, and a scope in which nothing could fail."""
    with pytest.raises(BadParameterError, match=re.escape(message)):
        load_profile("sm-pc-45").confined_to(zones)


@pytest.mark.parametrize(
    ("profile", "kind", "zone", "um", "verdict"),
    [
        ("sm-apc-mt", "scratch", "A", 3.0, "pass"),
        ("sm-apc-mt", "scratch", "A", 3.01, "fail"),
        ("sm-apc-mt", "pit", "A", 2.0, "fail"),
        ("sm-apc-mt", "scratch", "B", 40.0, "pass"),
        ("sm-apc-mt", "pit", "B", 5.0, "pass"),
        ("sm-apc-mt", "pit", "B", 5.01, "fail"),
        ("sm-pc-mt", "scratch", "A", 0.5, "fail"),
        ("sm-pc-mt", "scratch", "B", 3.0, "pass"),
        ("sm-pc-mt", "scratch", "B", 3.01, "fail"),
        ("sm-pc-mt", "pit", "B", 5.0, "pass"),
        ("sm-pc-mt", "pit", "B", 5.01, "fail"),
        ("mm-pc-mt", "scratch", "A", 3.0, "pass"),
        ("mm-pc-mt", "scratch", "A", 3.01, "fail"),
        ("mm-pc-mt", "pit", "A", 5.0, "pass"),
        ("mm-pc-mt", "pit", "A", 5.01, "fail"),
        ("mm-pc-mt", "scratch", "B", 5.0, "pass"),
        ("mm-pc-mt", "scratch", "B", 5.01, "fail"),
        ("mm-pc-mt", "pit", "B", 10.0, "pass"),
        ("mm-pc-mt", "pit", "B", 10.01, "fail"),
    ],
)
def test_bounds_of_rectangular_ferrules(profile: str, kind: DefectType, zone: str, um: float, verdict: str) -> None:
    """Zones A and B of the round ferrule's table, at each bound."""
    assert verdict_of(profile, mark(kind, zone, um)) == verdict


@pytest.mark.parametrize("profile", ["sm-apc-mt", "sm-pc-mt", "mm-pc-mt"])
def test_rectangular_ferrules_have_no_limits_outside_the_cladding(profile: str) -> None:
    """Only A and B apply; their bounds are those of the round ferrule of that fiber."""
    core_um = 65.0 if profile.startswith("mm") else 25.0
    zones = load_profile(profile).zones

    assert [(zone.name, zone.inner_um, zone.outer_um) for zone in zones] == [("A", 0, core_um), ("B", core_um, 115)]
    assert verdict_of(profile, mark("pit", "", 80)) == "pass"


def test_a_pass_without_a_visible_core_is_borderline() -> None:
    """A plain disc has no core; a profile that expects none is content."""
    profile = load_profile("sm-pc-45")

    judgment = judge([], profile, SEEN, core_seen=False)

    assert (judgment.verdict, judgment.borderline_reasons) == (
        "pass",
        ("no core is seen, and sm-pc-45 expects one: the picture may show no fiber, or another one",),
    )
    assert not judge([], replace(profile, core="optional"), SEEN, core_seen=False).borderline


@pytest.mark.parametrize(
    ("profile", "zones", "needed"),
    [
        ("sm-pc-45", (), 1.0),
        ("sm-pc-45", ("B",), 1.5),
        ("sm-pc-45", ("D",), 1.5),
        ("mm-pc", (), 1.5),
        ("mm-pc-ed1", (), 1.5),
        ("sm-apc-mt", (), 1.0),
    ],
)
def test_scale_follows_from_the_smallest_limit_that_decides(
    profile: str, zones: tuple[str, ...], needed: float
) -> None:
    """A mark of 2 um in zone A needs two pixels, one of 3 um elsewhere as well; no face is judged beyond 1.5 um."""
    limits = load_profile(profile).confined_to(zones)

    assert coarsest_um_per_px(limits) == needed
    require_scale(limits, needed, screening=False)
    with pytest.raises(CoarseScaleError):
        require_scale(limits, needed + 0.001, screening=False)


@pytest.mark.parametrize(
    ("um_per_px", "screening", "message"),
    [
        (
            1.0004,
            False,
            "a pixel is 1.0004 um, sm-pc-45 needs 1 um or less (a mark of 2 um fails a face, and must cover 2 pixels); "
            "use a stronger objective, or ask for a screening (screen)",
        ),
        (
            3.0,
            False,
            "a pixel is 3.00 um, sm-pc-45 needs 1 um or less (a mark of 2 um fails a face, and must cover 2 pixels); "
            "use a stronger objective",
        ),
        (3.0, True, "a pixel is 3.00 um, and a screening needs 2.5 um or less; use a stronger objective"),
    ],
)
def test_refusal_names_the_scale_and_the_one_that_is_needed(um_per_px: float, screening: bool, message: str) -> None:
    """Both in micrometers per pixel, and a screening is offered only where it helps."""
    with pytest.raises(CoarseScaleError, match=f"^{re.escape(message)}$"):
        require_scale(load_profile("sm-pc-45"), um_per_px, screening=screening)


def test_screening_counts_only_what_covers_four_pixels_both_ways_off_the_rim() -> None:
    """A scratch that is narrower may be wider than it is; a coarse picture's rim shows chips that are none."""
    at_rim = replace(mark("chip", "B", 20.0), center_um=(0.0, -52.6))
    off_rim = replace(at_rim, center_um=(0.0, -52.4))

    seen = clear_marks(
        [mark("pit", "B", 8.0), mark("pit", "B", 7.99), mark("scratch", "B", 7.99), at_rim, off_rim], 2.0, 125.0
    )

    assert [(defect.type, defect.size_um) for defect in seen] == [("pit", 8.0), ("chip", 20.0)]


def drawn(core_um: float, levels: float, *, only_right: bool = False) -> tuple[Fiber, NDArray[np.uint8]]:
    """A fiber with a core of a diameter, brighter by some levels, all around or on one side."""
    y, x = (np.mgrid[:512, :512] - 255.5) * 0.5
    inside = (np.hypot(x, y) < core_um / 2) & ((x > 0) | (not only_right))
    square = np.where(inside, 100 + levels, 100).astype(np.uint8)
    radius_px = core_um / 2 / 0.5
    return Fiber(Ellipse((255.5, 255.5), (125, 125)), Ellipse((255.5, 255.5), (radius_px, radius_px))), square


@pytest.mark.parametrize(
    ("profile", "core_um", "message"),
    [
        ("sm-pc-45", 50.0, "the core is 50 um wide, and sm-pc-45 is for cores up to 30 um"),
        ("sm-apc-mt", 62.0, "the core is 62 um wide, and sm-apc-mt is for cores up to 30 um"),
        ("mm-pc", 9.0, "the core is 9 um wide, and mm-pc is for cores above 20 to below 92 um"),
        ("mm-pc", 20.0, "the core is 20 um wide, and mm-pc is for cores above 20 to below 92 um"),
        ("mm-pc", 98.0, "the core is 98 um wide, and mm-pc is for cores above 20 to below 92 um"),
    ],
)
def test_a_core_that_the_profile_is_not_for_is_refused(profile: str, core_um: float, message: str) -> None:
    """With the diameter found; a request that insists gets it as a note."""
    fiber, square = drawn(core_um, 40)
    limits = load_profile(profile)

    with pytest.raises(ProfileMismatchError, match=re.escape(message)):
        check_core(limits, fiber, square, AS_SEEN, any_core=False)
    (note,) = check_core(limits, fiber, square, AS_SEEN, any_core=True)
    assert note == f"{message}; the request insisted on it"


@pytest.mark.parametrize(
    ("profile", "core_um", "levels", "only_right"),
    [
        pytest.param("sm-pc-45", 9.0, 40, False, id="right-kind"),
        pytest.param("sm-pc-45", 30.0, 40, False, id="at-the-bound"),
        pytest.param("mm-pc", 50.0, -40, False, id="dark-core"),
        pytest.param("sm-pc-45", 60.0, 7, False, id="faint-ring"),
        pytest.param("sm-pc-45", 80.0, 11, False, id="faint-line-along-the-rim"),
        pytest.param("sm-pc-45", 110.0, 40, False, id="the-rim-itself"),
        pytest.param("sm-pc-45", 60.0, 60, True, id="shadow-on-one-side"),
        pytest.param("mm-pc", 6.0, 60, False, id="dip-of-a-multimode-core"),
    ],
)
def test_only_a_clear_core_of_another_kind_is_held_against_a_request(
    profile: str, core_um: float, levels: float, only_right: bool
) -> None:
    """Rings, shadows and the dip in the middle of a multimode core are no cores."""
    fiber, square = drawn(core_um, levels, only_right=only_right)

    assert check_core(load_profile(profile), fiber, square, AS_SEEN, any_core=False) == ()


def test_a_profile_may_require_a_visible_core_or_take_any() -> None:
    """A fiber without one is refused by the first; the second takes every diameter."""
    fiber, square = drawn(50.0, 40)
    limits = load_profile("sm-pc-45")

    with pytest.raises(NoCoreError, match="no core is seen, and sm-pc-45 requires one"):
        check_core(replace(limits, core="required"), Fiber(fiber.cladding), square, AS_SEEN, any_core=False)
    assert check_core(limits, Fiber(fiber.cladding), square, AS_SEEN, any_core=False) == ()
    assert check_core(replace(limits, core_um=None), fiber, square, AS_SEEN, any_core=False) == ()
    assert limits.core_um == Interval(0, 30, lower_closed=False, upper_closed=True)
