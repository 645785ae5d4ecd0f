from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endface.report import (
    Calibration,
    Defect,
    DefectPart,
    Ellipse,
    Fiber,
    LimitResult,
    ModelInfo,
    Problem,
    Report,
    ZoneResult,
)

GOLDEN = (Path(__file__).parents[1] / "data" / "report.v1.json").read_text(encoding="utf-8").rstrip("\n")

st.register_type_strategy(int, st.integers(-(2**53), 2**53))  # the whole numbers that every reader of JSON keeps
numbers = st.floats(-1e6, 1e6)
points = st.tuples(numbers, numbers)
ellipses = st.builds(Ellipse, points, points)
limits = st.builds(LimitResult, margin_um=st.none() | numbers)
zone_fields = {
    **dict.fromkeys(("inner_um", "outer_um", "coverage"), numbers),
    "limits": st.lists(limits, max_size=2).map(tuple),
}
names = st.lists(st.text(), max_size=3).map(tuple)
parts = st.builds(DefectPart, center_um=points, zones=names, size_um=numbers, size_sigma_um=numbers)
defects = st.builds(
    Defect,
    zones=names,
    type_alternatives=st.sampled_from([(), ("contamination",), ("pit", "chip")]),
    parts=st.lists(parts, max_size=2).map(tuple),
    polygon_px=st.lists(st.lists(points, max_size=4).map(tuple), max_size=2).map(tuple),
    center_um=points,
    **dict.fromkeys(("confidence", "size_um", "width_um", "length_um", "area_um2", "orientation_deg"), numbers),
    **dict.fromkeys(("size_sigma_um", "width_sigma_um"), numbers),
)
common: dict[str, Any] = {
    "reasons": st.lists(st.text(), max_size=3).map(tuple),
    "meta": st.dictionaries(st.text(), st.text(), max_size=3),
    "timings_ms": st.dictionaries(st.text(), numbers, max_size=3),
    "model": st.none() | st.builds(ModelInfo),
    "calibration": st.none() | st.builds(Calibration, points),
}
judged = st.sampled_from(["pass", "fail"]).flatmap(
    lambda verdict: st.builds(
        Report,
        verdict=st.just(verdict),
        error=st.none(),
        fiber=st.builds(Fiber, ellipses, st.none() | ellipses),
        zones=st.lists(st.builds(ZoneResult, verdict=st.just(verdict), **zone_fields), min_size=1, max_size=3).map(
            tuple
        ),
        defects=st.lists(defects, max_size=3).map(tuple),
        **common,
    )
)
invalid = st.builds(Report, verdict=st.just("invalid"), error=st.builds(Problem), fiber=st.none(), **common)


@settings(deadline=None)
@given(judged | invalid)
def test_a_report_survives_the_wire(report: Report) -> None:
    """What was written as one line is what is read back, as text or bytes, whatever the texts and numbers."""
    text = report.to_json()

    assert "\n" not in text
    assert Report.from_json(text) == Report.from_json(text.encode()) == report


def _holds(new: Any, old: Any) -> bool:
    """Whether a JSON value has all that another one has, in the same places."""
    if isinstance(old, dict):
        return all(key in new and _holds(new[key], value) for key, value in old.items())
    if isinstance(old, list):
        return len(new) == len(old) and all(map(_holds, new, old))
    return bool(new == old)


def test_golden_report_loads_and_keeps_what_it_says() -> None:
    """A report of schema 1 written by hand keeps its meaning; what is written of it only has additions."""
    report = Report.from_json(GOLDEN)

    assert report.image.name == "Stirnfläche 7.png"
    assert report.fiber == Fiber(Ellipse((602.36, 343.79), (145.34, 144.91)), Ellipse((602.1, 344.0), (10.5, 10.4)))
    assert report.zones[1].limits[1] == LimitResult("scratch", "none > 3 um", 0, 1, -1.1, "fail")
    assert report.defects[0].polygon_px[1] == ((611.0, 310.0), (612.0, 310.0), (611.5, 311.0))
    assert _holds(json.loads(report.to_json()), json.loads(GOLDEN))
    assert [key for key in json.loads(report.to_json()) if key in json.loads(GOLDEN)] == list(json.loads(GOLDEN))


def test_a_defect_tells_its_uncertainty_its_other_readings_and_its_parts() -> None:
    """Additions since 0.3, by name; a report without them has a defect of one piece that is beyond doubt."""
    report = Report.from_json(GOLDEN)
    (old, *_) = report.defects
    part = DefectPart((1.5, -2.0), 3.25, 0.1, "A", ("A", "B"))
    new = replace(old, size_sigma_um=0.2, width_sigma_um=0.1, type_alternatives=("contamination",), parts=(part,))

    values = json.loads(replace(report, defects=(new,)).to_json())["defects"][0]

    assert (old.size_sigma_um, old.width_sigma_um, old.type_alternatives, old.parts) == (0.0, 0.0, (), ())
    assert (values["size_sigma_um"], values["width_sigma_um"]) == (0.2, 0.1)
    assert values["type_alternatives"] == ["contamination"]
    assert values["parts"] == [
        {"center_um": [1.5, -2.0], "size_um": 3.25, "size_sigma_um": 0.1, "zone": "A", "zones": ["A", "B"]}
    ]


@pytest.mark.parametrize("text", ["", "no json", "[]", "null", "{}", GOLDEN.replace("report/1", "report/2")])
def test_another_schema_is_refused(text: str) -> None:
    """Only a report of this schema is read."""
    with pytest.raises(ValueError, match=r"not JSON|not a report of schema"):
        Report.from_json(text)


@pytest.mark.parametrize("key", sorted(set(json.loads(GOLDEN)) - {"schema_version"}))
def test_a_missing_key_is_refused(key: str) -> None:
    """No key has a silent default on the wire."""
    values = json.loads(GOLDEN)
    del values[key]
    with pytest.raises(ValueError, match=key):
        Report.from_json(json.dumps(values))


def test_additions_of_a_newer_server_are_ignored() -> None:
    """New keys anywhere in a report are free: an older client reads what it knows."""

    def extended(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: each if key == "meta" else extended(each) for key, each in value.items()} | {"mood": "good"}
        return [extended(each) for each in value] if isinstance(value, list) else value

    values = json.loads(GOLDEN)
    newer = extended(values) | {key: values[key] for key in ("meta", "timings_ms")}

    assert Report.from_json(json.dumps(newer)) == Report.from_json(GOLDEN)


@pytest.mark.parametrize("verdict", ["passed", "PASS", "", None, True])
def test_another_verdict_is_refused(verdict: object) -> None:
    """There are three verdicts and no way to spell a fourth."""
    with pytest.raises(ValueError, match="verdict"):
        Report.from_json(json.dumps(json.loads(GOLDEN) | {"verdict": verdict}))


@pytest.mark.parametrize(
    "change",
    [
        {"fiber": None},
        {"zones": ()},
        {"error": Problem("no_fiber", "no cladding edge was found")},
        {"verdict": "invalid"},
        {"verdict": "pass", "fiber": None},
        {"verdict": "pass", "reasons": ()},  # a zone of the golden report failed
    ],
)
def test_a_verdict_needs_what_it_was_made_from(change: dict[str, Any]) -> None:
    """A verdict without fiber or zones, with an error, or invalid without one cannot exist."""
    with pytest.raises(ValueError, match=r"a verdict needs a fiber|invalid exactly when|only if each of its zones"):
        replace(Report.from_json(GOLDEN), **change)


def test_a_number_that_json_cannot_hold_is_refused() -> None:
    """NaN would be written as something that is not JSON."""
    report = Report.from_json(GOLDEN)
    with pytest.raises(ValueError, match="not finite"):
        replace(report, timings_ms={"segment": float("nan")}).to_json()
