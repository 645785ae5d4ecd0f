"""Severities from limits: the margin, the table, and what is lowered so that a good face passes."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endface.criteria.limits import Interval
from endface.report import Defect, LimitKind, LimitResult, Report, ZoneResult
from endface_client.legacy._defects import NAMES
from endface_client.legacy._severity import MARGINS_UM, POINTS, Severity, fitted, grade, severity_at


def limit(kind: LimitKind, interval: str, allowed: int | None, found: int) -> LimitResult:
    """A row whose verdict follows from the counts."""
    verdict: Literal["pass", "fail"] = "fail" if allowed is not None and found > allowed else "pass"
    sizes = Interval.parse(interval)
    upper_um = sizes.upper if sizes.upper < math.inf else None
    ends = (sizes.lower, upper_um, sizes.lower_closed, sizes.upper_closed)
    return LimitResult(kind, "words that nobody parses", allowed, found, None, verdict, *ends)


@pytest.fixture
def face(found: Report) -> Report:
    """One zone A with a full row from 5 to 10 um, room below and none above."""
    rows = (
        limit("defect", "[0, 5)", None, 3),
        limit("defect", "[5, 10]", 2, 2),
        limit("defect", "(10, inf)", 0, 0),
        limit("scratch", "(3, inf)", 0, 0),
    )
    return dataclasses.replace(found, verdict="pass", zones=(ZoneResult("A", 0, 65, 1.0, "pass", rows),))


@pytest.fixture
def pit(found: Report) -> Defect:
    """A pit in zone A."""
    return found.defects[0]


def with_rows(face: Report, verdict: Literal["pass", "fail"], *rows: LimitResult) -> Report:
    """The face with other rows in its zone."""
    zone = dataclasses.replace(face.zones[0], verdict=verdict, limits=rows)
    return dataclasses.replace(face, verdict=verdict, zones=(zone,))


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


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        ("[2, 5]", (2.0, 5.0), (1.999, 5.001)),
        ("(2, 5)", (2.001, 4.999), (2.0, 5.0)),
        ("(3, inf)", (3.001, 1e6), (3.0,)),
        ("[3, inf)", (3.0, 1e6), (2.999,)),
        ("(0, inf)", (0.001, 1e6), ()),
    ],
)
def test_a_broken_row_blames_the_sizes_that_it_holds(
    face: Report, pit: Defect, interval: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    """By the report's numbers; whether an end belongs to the row is one of them."""
    failed = with_rows(face, "fail", limit("defect", interval, 0, 1))

    assert all(grade(dataclasses.replace(pit, size_um=size_um), failed).breaks_limit for size_um in inside)
    assert not any(grade(dataclasses.replace(pit, size_um=size_um), failed).breaks_limit for size_um in outside)


def test_a_row_with_room_is_no_limit_yet(face: Report, pit: Defect) -> None:
    """Growing into a row that takes one more breaks nothing."""
    below, full, *above = face.zones[0].limits
    face = with_rows(face, "pass", below, dataclasses.replace(full, found=1), *above)

    assert grade(dataclasses.replace(pit, size_um=4.9), face).margin_um == pytest.approx(5.1)


def test_all_that_a_failed_row_counts_is_critical(face: Report, pit: Defect) -> None:
    """One too many makes each of them CRITICAL, and none beside the row."""
    below, _, *above = face.zones[0].limits
    failed = with_rows(face, "fail", below, limit("defect", "[5, 10]", 2, 3), *above)

    assert grade(dataclasses.replace(pit, size_um=7.0), failed).severity == "CRITICAL"
    assert grade(dataclasses.replace(pit, size_um=4.9), failed).severity != "CRITICAL"


def test_a_scratch_is_judged_in_every_zone_it_crosses(face: Report, found: Report) -> None:
    """Its width counts, in all of its zones; another defect counts in the innermost one."""
    scratch = dataclasses.replace(found.defects[1], zone="X", zones=("X", "A"), width_um=2.8, size_um=40.0)

    assert grade(scratch, face).margin_um == pytest.approx(0.2)
    assert grade(dataclasses.replace(found.defects[0], zone="X", zones=("X", "A")), face).severity == "NEGLIGIBLE"


@given(st.lists(st.sampled_from([name for name in POINTS if name != "CRITICAL"]), max_size=60))
def test_a_good_face_is_left_room(severities: list[Severity]) -> None:
    """At most 30 points, none raised, none lowered where all fit, and the worst keep their place."""
    lowered = fitted(severities)
    points = [POINTS[name] if name else 0 for name in lowered]

    assert sum(points) <= 30
    assert all(less <= POINTS[name] for less, name in zip(points, severities, strict=True))
    assert sum(1 for name in lowered if name) == min(len(severities), 30)
    if sum(POINTS[name] for name in severities) <= 30:
        assert lowered == severities


# --- what docs/migrating.md says -----------------------------------------------------------------------------------


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
