"""Rules by which a picture is kept, on hand-made reports."""

from __future__ import annotations

import dataclasses

import pytest

from endface.report import Defect, Report
from endface.review.reasons import disagreements, reasons_to_keep
from tests.endface_client.faces import DIRT, FOUND, REFUSED, SCRATCH

CLEAR = dataclasses.replace(FOUND, borderline=False)
PASSED = dataclasses.replace(
    CLEAR,
    verdict="pass",
    reasons=(),
    defects=(),
    zones=tuple(dataclasses.replace(zone, verdict="pass") for zone in FOUND.zones),
)


def with_defects(report: Report, *defects: Defect) -> Report:
    """A report with other defects."""
    return dataclasses.replace(report, defects=defects)


@pytest.mark.parametrize(
    ("report", "kinds"),
    [
        (PASSED, []),
        (CLEAR, ["fail"]),
        (FOUND, ["borderline", "fail"]),
        (REFUSED, ["invalid"]),
        (with_defects(PASSED, dataclasses.replace(SCRATCH, confidence=0.59)), ["low_confidence"]),
        (with_defects(PASSED, dataclasses.replace(SCRATCH, confidence=0.6)), []),
        (with_defects(PASSED, dataclasses.replace(SCRATCH, confidence=0.3, size_um=2.9)), []),
        (with_defects(PASSED, dataclasses.replace(DIRT, confidence=0.3)), []),  # outside every zone
    ],
)
def test_report_is_kept_by_its_own_rules(report: Report, kinds: list[str]) -> None:
    """Failures, borderlines, invalids and doubtful marks are kept; a clear pass is not."""
    assert [reason.kind for reason in reasons_to_keep(report)] == kinds


def test_clear_pass_is_kept_when_asked() -> None:
    """A person may have any picture kept."""
    assert [reason.kind for reason in reasons_to_keep(PASSED, asked=True)] == ["asked"]


@pytest.mark.parametrize(
    ("candidate", "texts"),
    [
        (CLEAR, []),
        (
            PASSED,
            ["the verdict is fail, the candidate says pass", "only the serving network found scratch 2"],
        ),
        (with_defects(CLEAR, *CLEAR.defects, dataclasses.replace(SCRATCH, id=9, polygon_px=(
            ((300.0, 300.0), (310.0, 300.0), (310.0, 310.0)),
        ))), ["only the candidate found scratch 9"]),
        (with_defects(CLEAR, dataclasses.replace(SCRATCH, type="contamination")), []),  # a tiny pit is not missed
        (REFUSED, ["the verdict is fail, the candidate says invalid"]),
    ],
)  # fmt: skip
def test_candidate_disagrees_in_verdict_or_marks(candidate: Report, texts: list[str]) -> None:
    """A disagreement is another verdict, or a mark from 3 um in a zone that one of them found alone."""
    found = disagreements(CLEAR, candidate)

    assert len(found) == len(texts)
    assert all(text.startswith(start) for text, start in zip(found, texts, strict=True))
    assert [each.kind for each in reasons_to_keep(CLEAR, candidate)] == ["disagreement"] * len(texts) + ["fail"]
