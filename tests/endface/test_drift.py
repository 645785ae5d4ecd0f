"""Drift of a line, on series made by hand and by chance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from endface.drift import REFERENCE, WINDOW, Drift, Inspected, Signal, find_drift
from endface.report import Criteria, Defect, Ellipse, Fiber, ImageInfo, ModelInfo, Problem, Quality, Report, ZoneResult

BEGIN = datetime(2026, 1, 5, 6, tzinfo=UTC)
NETWORK = ModelInfo("segment", "2", "onnxruntime", "ab" * 32)
PIT = Defect(1, "pit", "D", ("D",), 0.8, (0, 0, 1, 1), (), (70.0, 0.0), 2.0, 2.0, 2.0, 3.0, 0.0)


def report(
    verdict: str = "pass", *, defects: int = 1, confidence: float = 0.8, blur_um: float = 0.5, profile: str = "mm-pc"
) -> Report:
    """A report as far as the watch looks at it."""
    judged = Report(
        verdict="fail" if verdict == "fail" else "pass",
        image=ImageInfo("face.png", "0" * 64),
        criteria=Criteria(profile, "IEC 61300-3-35", "2", "public-copy", ""),
        software="endface",
        fiber=Fiber(Ellipse((0.0, 0.0), (1.0, 1.0))),
        zones=(ZoneResult("A", 0.0, 65.0, 1.0, "fail" if verdict == "fail" else "pass"),),
        defects=(replace(PIT, confidence=confidence),) * defects,
        model=NETWORK,
        quality=Quality(blur_um, 1.0),
    )
    if verdict != "invalid":
        return judged
    return replace(judged, verdict="invalid", error=Problem("defocus", "blurred"), defects=(), zones=())


def series(reports: Iterator[Report] | list[Report]) -> list[Inspected]:
    """Reports two seconds apart."""
    times = (BEGIN + timedelta(seconds=2 * number) for number in range(10**6))
    return [Inspected(time.isoformat(), each) for time, each in zip(times, reports, strict=False)]


def steady(count: int, seed: int = 0) -> list[Report]:
    """Faces of a line on which nothing changes: 2 % invalid, 8 % fail, about one defect each."""
    rng = np.random.default_rng(seed)
    words = rng.choice(["pass", "fail", "invalid"], count, p=[0.9, 0.08, 0.02])
    defects, sure, blur = rng.poisson(1.2, count), rng.beta(8, 3, count), rng.lognormal(-0.7, 0.2, count)
    return [
        report(str(word), defects=int(n), confidence=float(c), blur_um=float(b))
        for word, n, c, b in zip(words, defects, sure, blur, strict=True)
    ]


def drifting(found: list[Drift]) -> set[Signal]:
    """The signals that drift."""
    return {each.signal for each in found if each.is_drifting}


def test_a_steady_line_raises_no_alarm_in_ten_thousand_faces() -> None:
    """The state is looked at as often as somebody might; the false alarm rate is about one in a million."""
    reports = steady(10_000)

    assert not drifting(find_drift(series(reports)))
    for end in range(REFERENCE + WINDOW, len(reports), 900):
        assert not drifting(find_drift(series(reports[:end])))


@pytest.mark.parametrize(
    ("signal", "worse"),
    [
        ("invalid", [report("pass")] * 5 + [report("invalid")]),
        ("defects", [report(defects=n) for n in (1, 2, 3)]),
        ("confidence", [report(confidence=c) for c in (0.4, 0.6, 0.7)]),
        ("confidence", [report(confidence=c) for c in (0.85, 0.9, 0.95)]),
        ("blur_um", [report(blur_um=b) for b in (0.55, 0.6, 0.7)]),
    ],
    ids=["invalid", "defects", "less sure", "surer", "blur"],
)
def test_each_signal_that_gets_worse_is_named(signal: Signal, worse: list[Report]) -> None:
    """Within a window of faces that are worse."""
    reports = steady(2000) + worse * (WINDOW // len(worse) + 1)

    assert signal in drifting(find_drift(series(reports)))


@pytest.mark.parametrize("better", [report(defects=0, blur_um=0.2)])
def test_what_gets_better_is_no_alarm(better: Report) -> None:
    """Fewer defects and a sharper picture call nobody."""
    assert not drifting(find_drift(series(steady(2000) + [better] * WINDOW)))


def test_focus_that_wanders_off_is_named_before_the_yield_falls() -> None:
    """The blur grows a little with each face; from 1.2 um on pictures are refused, and no part passes any more."""
    rng = np.random.default_rng(1)
    blurs = 0.5 * np.exp(0.15 * rng.standard_normal(4000)) + np.maximum(np.arange(4000) - 1000, 0) * 0.0004
    reports = [report("invalid" if blur > 1.2 else "pass", blur_um=float(blur)) for blur in blurs]
    share_invalid = np.convolve(blurs > 1.2, np.ones(WINDOW) / WINDOW)[: len(blurs)]
    falls = int(np.argmax(share_invalid > 0.05))

    found = {each.signal: each for each in find_drift(series(reports))}
    named = (datetime.fromisoformat(found["blur_um"].since) - BEGIN) / timedelta(seconds=2)

    assert 1000 < named < falls - 500


def test_too_few_inspections_say_nothing() -> None:
    """Neither means nor a score before reference and window are full."""
    found = find_drift(series(steady(REFERENCE + WINDOW - 10)))

    assert {(each.reference, each.now, each.score, each.since) for each in found} == {(None, None, 0.0, "")}


def test_another_network_begins_a_new_reference() -> None:
    """Its confidence is another one, and no drift."""
    other = [replace(each, model=replace(NETWORK, sha256="cd" * 32)) for each in [report(confidence=0.5)] * 900]

    assert not drifting(find_drift(series(steady(2000) + other)))


def test_profiles_are_watched_apart() -> None:
    """A batch of another kind of part is no drift of the first."""
    mixed = [
        each for pair in zip(steady(1500), [report(defects=9, profile="sm-pc-45")] * 1500, strict=True) for each in pair
    ]

    found = find_drift(series(mixed))

    assert not drifting(found)
    assert {each.profile for each in found} == {"mm-pc", "sm-pc-45"}
