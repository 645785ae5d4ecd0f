"""What the pipeline's last stage makes of any report: it passes what endface passes, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from endface.criteria.profile import Profile, load_profile, profile_names
from endface.criteria.verdict import judge
from endface.report import Calibration, Defect, Ellipse, Fiber, ImageInfo, Problem, Report
from endface_client.legacy._answer import answered, as_json, failed
from endface_client.legacy._config import OmniConfig
from endface_client.legacy._inspection import Inspection

SIZE_PX = (640, 480)
TYPES = ("scratch", "pit", "contamination", "chip")
Read = Callable[..., Any]


@st.composite
def defects(draw: st.DrawFn, zones: tuple[str, ...], number: int) -> Defect:
    """A defect of any type, size and zone, often close to others: places lie on a coarse grid with some jitter."""
    spacing = draw(st.sampled_from((3, 12, 40)))
    x, y = (min(draw(st.integers(0, side // spacing)) * spacing, side - 1) for side in SIZE_PX)
    first = draw(st.integers(0, len(zones)))
    touched = zones[first : first + draw(st.integers(1, len(zones)))]
    size_um = draw(st.one_of(st.sampled_from((2.0, 3.0, 5.0, 10.0, 25.0)), st.floats(0.5, 60)))
    return Defect(
        id=number,
        type=draw(st.sampled_from(TYPES)),
        zone=touched[0] if touched else "",
        zones=touched,
        confidence=draw(st.floats(0, 1)),
        bbox_px=(x - 1, y - 1, 3, 3),
        polygon_px=(((x - 1.0, y - 1.0), (x + 1.0, y - 1.0), (x + 1.0, y + 1.0), (x - 1.0, y + 1.0)),),
        center_um=(float(x), float(y)),
        size_um=size_um,
        width_um=size_um / draw(st.sampled_from((1, 2, 10))),
        length_um=size_um,
        area_um2=size_um,
        orientation_deg=draw(st.floats(0, 179.9)),
    )


@st.composite
def reports(draw: st.DrawFn, most: int = 45) -> Report:
    """A face with defects, judged by one of the profiles that are shipped."""
    profile = load_profile(draw(st.sampled_from(profile_names())))
    zones = tuple(zone.name for zone in profile.zones)
    count = draw(st.one_of(st.integers(0, 6), st.integers(0, most)))
    found = tuple(draw(defects(zones, number)) for number in range(1, count + 1))
    return judged(profile, found)


def judged(profile: Profile, found: tuple[Defect, ...], size_px: tuple[int, int] = SIZE_PX) -> Report:
    """The report of a face with these defects, in whole zones."""
    judgement = judge(found, profile, {zone.name: 1.0 for zone in profile.zones})
    return Report(
        verdict=judgement.verdict,
        image=ImageInfo("face.png", "0" * 64, *size_px),
        criteria=profile.criteria,
        software="endface, a test",
        borderline=judgement.borderline,
        reasons=judgement.reasons,
        calibration=Calibration((0.55, 0.5), "cladding"),
        fiber=Fiber(Ellipse((320.0, 240.0), (113.6, 125.0))),
        zones=judgement.zones,
        defects=found,
    )


def face(*marks: tuple[int, int, float], size_px: tuple[int, int] = SIZE_PX) -> Report:
    """Contamination in zone D of mm-pc, where more than 30 um fail: column, row and size of each."""
    found = tuple(
        Defect(
            number, "contamination", "D", ("D",), 0.9, (x, y, 1, 1), (((float(x), float(y)),),),
            (0.0, 0.0), size_um, 2.0, size_um, 4.0, 0.0,
        )
        for number, (x, y, size_um) in enumerate(marks, start=1)
    )  # fmt: skip
    return judged(load_profile("mm-pc"), found, size_px)


DUSTY = face(*((15 * number, 100, 2.0) for number in range(1, 41)))
"""Passes with more specks than the last stage has points."""

CROWDED = face((15, 110, 50.0), *((15 * number, 100 + 9 * (number % 3), 2.0) for number in range(2, 140)))
"""Fails for one of more than a hundred: then the last stage looks less far around."""

HIDDEN = face((100, 100, 50.0), (103, 100, 2.0), (320, 240, 2.0), (0, 0, 2.0), (639, 479, 2.0))
"""Fails for a defect that merges with a mild one; other mild ones wait in the middle and in two corners."""

CRAMPED = face((5, 5, 50.0), (6, 5, 2.0), (0, 0, 2.0), (9, 9, 2.0), size_px=(12, 12))
"""Fails, and leaves no place that is far from everything."""


def written(report: Report, *, displaced: bool = False) -> dict[str, Any]:
    """The JSON of a report, as it is read back."""
    values = answered("face.png", Inspection(report, None, None), OmniConfig(), displaced=displaced)
    read: dict[str, Any] = json.loads(as_json(values))
    return read


@settings(max_examples=60, deadline=None)
@given(report=reports(), eps_px=st.sampled_from((1.0, 9.0, 20.0, 30.0, 60.0, 1000.0)))
@example(report=DUSTY, eps_px=1.0)
@example(report=DUSTY, eps_px=30.0)
@example(report=CROWDED, eps_px=30.0)
@example(report=HIDDEN, eps_px=5.0)
@example(report=HIDDEN, eps_px=30.0)
@example(report=CRAMPED, eps_px=30.0)
def test_both_verdicts_are_one(read_reports: Read, report: Report, eps_px: float) -> None:
    """Whatever is merged with whatever, the last stage passes a face exactly where endface does."""
    analysis = read_reports([("face", written(report))], SIZE_PX, eps_px=eps_px)

    assert (analysis.status == "PASS") == (report.verdict == "pass")


@settings(max_examples=40, deadline=None)
@given(
    report=reports(most=12),
    offset=st.tuples(st.sampled_from((0, 200, 630, 639)), st.sampled_from((0, 200, 470, 479))),
    eps_px=st.sampled_from((1.0, 30.0, 1000.0)),
)
@example(report=HIDDEN, offset=(639, 479), eps_px=30.0)
def test_a_moved_face_does_not_pass(read_reports: Read, report: Report, offset: tuple[int, int], eps_px: float) -> None:
    """A face whose name makes the last stage move its defects fails there as well if it fails here."""
    values = written(report, displaced=True)
    analysis = read_reports([("face_core", values)], SIZE_PX, eps_px=eps_px, offsets={"core": offset})

    assert (analysis.status == "PASS") == (report.verdict == "pass")


@settings(max_examples=40, deadline=None)
@given(report=reports(most=12))
def test_every_defect_is_somewhere(report: Report) -> None:
    """None is lost: counted or not, each stands in the file once, under its own number, and plain."""
    values = written(report)
    found = [defect for defect in values["defects"] + values["uncounted_defects"] if defect["defect_type"] != "UNKNOWN"]

    assert sorted(int(defect["defect_id"].split("_")[1]) for defect in found) == [each.id for each in report.defects]
    for defect in found:
        x, y = defect["location_xy"]
        assert type(x) is type(y) is type(defect["area_px"]) is int
        assert 0 <= x < SIZE_PX[0]
        assert 0 <= y < SIZE_PX[1]
        assert 0 < defect["confidence"] == defect["detection_confidence"] <= 1
        assert ("orientation" in defect) == (defect["defect_type"] == "SCRATCH")
        assert -90 < defect.get("orientation", 0.0) <= 90


@given(
    size_px=st.tuples(st.integers(0, 5000), st.integers(0, 5000)),
    verdict=st.sampled_from(("invalid", "error")),
    message=st.text(),
)
def test_what_was_not_judged_never_passes(
    read_reports: Read, size_px: tuple[int, int], verdict: str, message: str
) -> None:
    """A failure of any kind, of a picture of any size or none, fails."""
    values = json.loads(as_json(failed("x.png", "code", message, size_px=size_px, verdict=verdict)))

    assert read_reports([("x", values)], size_px).status == "FAIL"


def test_an_invalid_report_fails(read_reports: Read) -> None:
    """A picture that endface cannot judge is a failure with its sentence."""
    blank = face()
    report = Report("invalid", blank.image, blank.criteria, "endface, a test", error=Problem("no_fiber", "look again"))
    values = written(report)

    assert (values["success"], values["error"], values["error_code"]) == (False, "look again", "no_fiber")
    assert read_reports([("face", values)], SIZE_PX).status == "FAIL"


DIG = {"defect_type": "DIG", "confidence": 0.8, "area_px": 3}
PAIR = [
    DIG | {"location_xy": [100, 100], "severity": "CRITICAL"},
    DIG | {"location_xy": [105, 100], "severity": "LOW"},
]
ROW = [DIG | {"location_xy": [25 * number, 9], "severity": "HIGH"} for number in range(40)]


@pytest.mark.parametrize(
    ("report", "score"),
    [
        ({}, 100),
        ({"timestamp": "now"}, 100),
        ({"timestamp": "now", "defects": []}, 100),
        ({"timestamp": "now", "defects": PAIR}, 97),  # of what it merges the alphabet decides: LOW
        ({"timestamp": "now", "defects": ROW}, 85),  # 25 pixels apart they are one for it
    ],
    ids=["empty", "no defects", "no defect", "a CRITICAL dig beside a LOW one", "forty HIGH digs in a row"],
)
def test_the_checker_fails_open(read_reports: Read, report: dict[str, Any], score: int) -> None:
    """The rules that these tests guard against are those of the checker, which passes all of these."""
    analysis = read_reports([("face", report)], SIZE_PX)

    assert (analysis.status, analysis.score) == ("PASS", score)
