"""Severities from limits: the margin, the table, and what is lowered so that a good face passes."""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endface.criteria.limits import Interval, Limit
from endface.report import Defect, LimitResult, Report, ZoneResult
from endface_client.legacy._defects import NAMES
from endface_client.legacy._severity import MARGINS_UM, POINTS, fitted, grade, severity_at, sizes


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    """Intervals as a profile may write them, in tenths of a micrometre."""
    low, high = sorted(draw(st.lists(st.integers(0, 3000), min_size=2, max_size=2, unique=True)))
    upper = math.inf if draw(st.booleans()) else high / 10
    lower = draw(st.sampled_from((0.0, low / 10)))
    return Interval(lower, upper, draw(st.booleans()), upper < math.inf and draw(st.booleans()))


@given(
    interval=intervals(),
    kind=st.sampled_from(("scratch", "defect")),
    allowed=st.one_of(st.none(), st.integers(0, 99)),
    size_um=st.floats(0.1, 400),
)
def test_rows_are_read_back(interval: Interval, kind: str, allowed: int | None, size_um: float) -> None:
    """The words of every row that a profile can hold say which sizes it holds; bounds included."""
    read = sizes(Limit(kind, interval, allowed).text)

    for each in (size_um, interval.lower or 0.1, interval.upper if interval.upper < math.inf else 1e6):
        assert (each in read) == (each in interval)


def test_words_of_another_release_blame_everything() -> None:
    """What is not understood is taken for every size."""
    assert all(size_um in sizes("some new sentence") for size_um in (0.0, 5.0, 1e6))


def row(text: str, allowed: int | None, found: int) -> LimitResult:
    """A row of defects; its verdict follows from the counts."""
    verdict = "fail" if allowed is not None and found > allowed else "pass"
    return LimitResult("scratch" if "scratches" in text else "defect", text, allowed, found, None, verdict)


@pytest.fixture
def face(found: Report) -> Report:
    """One zone A with a full row from 5 to 10 um, room below and none above."""
    rows = (
        row("no limit on defects smaller than 5 um", None, 3),
        row("at most 2 defects from 5 to 10 um", 2, 2),
        row("no defects larger than 10 um", 0, 0),
        row("no scratches wider than 3 um", 0, 0),
    )
    return dataclasses.replace(found, verdict="pass", zones=(ZoneResult("A", 0, 65, 1.0, "pass", rows),))


@pytest.fixture
def pit(found: Report) -> Defect:
    """A pit in zone A."""
    return found.defects[0]


@pytest.mark.parametrize(
    ("size_um", "margin_um", "severity"),
    [
        (4.9, 0.1, "HIGH"),  # one more from 5 to 10 um is one too many
        (4.5, 0.5, "HIGH"),
        (4.4, 0.6, "MEDIUM"),
        (3.0, 2.0, "MEDIUM"),
        (2.9, 2.1, "LOW"),
        (5.0, 5.0, "LOW"),  # it is counted already; the next row begins above 10 um
        (10.0, 0.0, "HIGH"),
    ],
)
def test_severity_follows_the_margin(
    face: Report, pit: Defect, size_um: float, margin_um: float, severity: str
) -> None:
    """How much larger the defect may become until a row fails decides."""
    found = grade(dataclasses.replace(pit, size_um=size_um), face)

    assert (round(found.margin_um, 6), found.severity, found.breaks_limit) == (margin_um, severity, False)


def test_a_row_with_room_is_no_limit_yet(face: Report, pit: Defect) -> None:
    """Growing into a row that takes one more breaks nothing."""
    (zone,) = face.zones
    limits = (zone.limits[0], dataclasses.replace(zone.limits[1], found=1), *zone.limits[2:])
    face = dataclasses.replace(face, zones=(dataclasses.replace(zone, limits=limits),))

    assert grade(dataclasses.replace(pit, size_um=4.9), face).margin_um == pytest.approx(5.1)


def test_all_that_a_failed_row_counts_is_critical(face: Report, pit: Defect) -> None:
    """One too many makes each of them CRITICAL, and none beside the row."""
    (zone,) = face.zones
    limits = (zone.limits[0], row("at most 2 defects from 5 to 10 um", 2, 3), *zone.limits[2:])
    failed = dataclasses.replace(
        face, verdict="fail", zones=(dataclasses.replace(zone, verdict="fail", limits=limits),)
    )

    assert grade(dataclasses.replace(pit, size_um=7.0), failed).severity == "CRITICAL"
    assert grade(dataclasses.replace(pit, size_um=4.9), failed).severity != "CRITICAL"


def test_a_scratch_is_judged_in_every_zone_it_crosses(face: Report, found: Report) -> None:
    """Its width counts, in all of its zones; another defect counts in the innermost one."""
    scratch = dataclasses.replace(found.defects[1], zone="X", zones=("X", "A"), width_um=2.8, size_um=40.0)

    assert grade(scratch, face).margin_um == pytest.approx(0.2)
    assert grade(dataclasses.replace(found.defects[0], zone="X", zones=("X", "A")), face).severity == "NEGLIGIBLE"


@given(st.lists(st.sampled_from([name for name in POINTS if name != "CRITICAL"]), max_size=60))
def test_a_good_face_is_left_room(severities: list) -> None:
    """At most 30 points, none raised, none lowered where all fit, and the worst keep their place."""
    lowered = fitted(severities)
    points = [POINTS[name] if name else 0 for name in lowered]

    assert sum(points) <= 30
    assert all(less <= POINTS[name] for less, name in zip(points, severities, strict=True))
    assert sum(1 for name in lowered if name) == min(len(severities), 30)
    if sum(POINTS[name] for name in severities) <= 30:
        assert lowered == severities


# --- what docs/migrating.md says -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guide(project: Path) -> str:
    """The guide's text."""
    return (project / "docs" / "migrating.md").read_text(encoding="utf-8")


def test_the_guides_table_is_the_codes(guide: str) -> None:
    """Severities, their points and the margins between them stand in the guide as they are."""
    rows = re.findall(r"^\| `([A-Z]+)` \| (\d+) \| (.*) \|$", guide, re.MULTILINE)

    assert {name: int(points) for name, points, _ in rows} == POINTS
    words = {name: words for name, _, words in rows}
    for name, lowest_um in {"HIGH": -1.0, "MEDIUM": MARGINS_UM["HIGH"], "LOW": MARGINS_UM["MEDIUM"]}.items():
        above = re.search(r"more than ([\d.]+) um", words[name])
        upto = re.search(r"up to ([\d.]+) um", words[name])
        assert float(above[1] if above else -1) == lowest_um
        assert float(upto[1] if upto else math.inf) == MARGINS_UM[name]
        assert severity_at(lowest_um + 1.001) == name
    assert severity_at(math.inf) == "NEGLIGIBLE"


def test_the_guides_types_are_the_codes(guide: str) -> None:
    """So do the types and the beginnings of their ids."""
    rows = re.findall(r"^\| (\w+) \| `([A-Z]+)` \| `([A-Z]+)_0001` \|$", guide, re.MULTILINE)

    assert {ours: (theirs, prefix) for ours, theirs, prefix in rows} == NAMES
