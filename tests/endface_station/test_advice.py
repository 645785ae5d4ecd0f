"""What the operator is told to do."""

from __future__ import annotations

import dataclasses

import pytest

from endface.report import Defect, DefectType, LimitResult, Problem, Report, ZoneResult
from endface_client.testing import PASS
from endface_station.advice import Culprit, culprits, step_after
from endface_station.texts import Texts
from tests.endface_client.faces import SCRATCH
from tests.endface_station.conftest import INVALID

NO_SCRATCH = LimitResult("scratch", "none > 3 um", 0, 1, -2.0, "fail", lower_um=3.0)
NO_DEFECT = LimitResult("defect", "none > 5 um", 0, 1, -2.0, "fail", lower_um=5.0)


def mark(kind: DefectType, size_um: float, zone: str = "B") -> Defect:
    """A mark of one zone, as wide as it is large."""
    return dataclasses.replace(SCRATCH, type=kind, size_um=size_um, width_um=size_um, zone=zone, zones=(zone,))


def failed(*marks: Defect) -> Report:
    """A face that fails in zone B by scratches above 3 um and other defects above 5 um."""
    zone = ZoneResult("B", 65.0, 115.0, 1.0, "fail", (NO_SCRATCH, NO_DEFECT))
    return dataclasses.replace(PASS, verdict="fail", zones=(zone,), defects=marks, reasons=("zone B: too large",))


@pytest.mark.parametrize(
    ("marks", "step"),
    [
        ([mark("contamination", 9.0)], "clean"),
        ([mark("pit", 6.0)], "clean_again"),
        ([mark("scratch", 4.0)], "polish"),
        ([mark("chip", 20.0)], "replace"),
        ([mark("chip", 20.0), mark("contamination", 6.0)], "clean"),  # what costs least comes first
        ([mark("scratch", 4.0), mark("contamination", 4.0)], "polish"),  # the limits allow that dirt
        ([mark("scratch", 4.0), mark("contamination", 9.0, "D")], "polish"),  # nor is dirt elsewhere the reason
    ],
)
def test_step_follows_from_the_defect_that_decides(marks: list[Defect], step: str) -> None:
    """Not from one that the limits allow."""
    assert step_after(failed(*marks), 1, 3) == step


def test_culprits_are_named_the_largest_first() -> None:
    """With zone and deciding size; those that the limits allow are none."""
    marks = (mark("pit", 6.0), dataclasses.replace(mark("pit", 8.0), id=7), mark("scratch", 2.0))
    assert culprits(failed(*marks)) == [Culprit(7, "pit", "B", 8.0), Culprit(2, "pit", "B", 6.0)]


def test_row_of_droplets_is_named_as_the_limit_reads_it() -> None:
    """A joined line that fails as contamination is dirt to the operator."""
    row = dataclasses.replace(mark("scratch", 59.0), width_um=2.0, type_alternatives=("contamination",))
    assert culprits(failed(row)) == [Culprit(2, "contamination", "B", 59.0)]
    assert step_after(failed(row), 1, 3) == "clean"


def test_part_goes_to_rework_after_its_last_try() -> None:
    """However often a picture was out of focus, that is no try at cleaning."""
    assert step_after(failed(mark("pit", 6.0)), 3, 3) == "rework"
    assert step_after(INVALID, 3, 3) == "refocus"


@pytest.mark.parametrize(
    ("code", "step"),
    [("defocus", "refocus"), ("profile_mismatch", "profile"), ("saturated", "light"), ("new", "again")],
)
def test_step_follows_from_the_code_of_an_invalid_picture(code: str, step: str) -> None:
    """A code that is newer than the station asks for another picture."""
    assert step_after(dataclasses.replace(INVALID, error=Problem(code, "a sentence")), 1, 3) == step


def test_every_code_and_step_has_its_text() -> None:
    """So no operator meets a key."""
    from endface import errors
    from endface_station import advice

    codes = {
        each.code for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.PictureError)
    } - {errors.PictureError.code}
    texts = Texts.of()

    assert [code for code in codes if not texts.has(f"problem.{code}")] == []
    assert codes <= set(advice._OF_ERROR)
    assert all(texts.has(f"advice.{step}") for step in (*advice._OF_ERROR.values(), "rework", "again", "polish"))
