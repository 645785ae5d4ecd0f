"""One verdict out of the reports of a connector's fibers, and what is asked for them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from endface.connector import ConnectorReport, Question, first, further, judge_connector
from endface.contract import LABELS
from endface.offline import Inspector
from endface.options import Options
from endface.report import FoundFiber, Problem, Report, Scope, VerdictName
from endface_build.drawing import scopes
from endface_build.drawing.camera import Camera
from endface_build.drawing.faces import Face
from endface_client.testing import PASS

NUMBERS = itertools.count()


def report(verdict: VerdictName, *, borderline: bool = False) -> Report:
    """The report of a fiber, each time of another picture."""
    image = replace(PASS.image, sha256=f"{next(NUMBERS):064x}")
    if verdict == "invalid":
        return replace(PASS, image=image, verdict=verdict, error=Problem("defocus", "too soft"), reasons=("too soft",))
    reasons = ("zone B: a scratch",) if verdict == "fail" else ()
    return replace(PASS, image=image, verdict=verdict, reasons=reasons, borderline=borderline)


def several(*cut_off: bool) -> Report:
    """The report of a picture with several fibers, of which none was chosen."""
    fibers = tuple(
        FoundFiber(number, (100.0 * number, 50.0), (30.0, 30.0), cut) for number, cut in enumerate(cut_off, 1)
    )
    return replace(report("invalid"), error=Problem("several_fibers", "name one"), fibers=fibers)


@pytest.mark.parametrize(
    ("verdicts", "whole"),
    [
        (["pass"], "pass"),
        (["pass", "pass"], "pass"),
        (["pass", "invalid"], "invalid"),
        (["pass", "fail"], "fail"),
        (["invalid", "fail", "pass"], "fail"),
        (["invalid"], "invalid"),
    ],
)
def test_a_connector_is_as_good_as_its_worst_fiber(verdicts: list[VerdictName], whole: VerdictName) -> None:
    """A failed fiber fails it; without one, a fiber that was not judged keeps it from passing."""
    connector = judge_connector([report(verdict) for verdict in verdicts], [], [])

    assert connector.verdict == whole
    assert [fiber.verdict for fiber in connector.fibers] == verdicts
    assert ConnectorReport.from_json(connector.to_json()) == connector


def test_a_verdict_on_a_connector_has_the_scope_of_its_fibers() -> None:
    """Only what was judged on every fiber counts."""
    inner, whole = Scope(("A", "B"), ("C", "D")), Scope(("A", "B", "C", "D"))
    reports = [replace(report("pass"), scope=scope) for scope in (inner, whole)]

    connector = judge_connector(reports, [], [])

    assert connector.scope == inner
    assert connector.scope_text == "zones A, B only"
    assert ConnectorReport.from_json(connector.to_json()) == connector
    assert judge_connector(reports[1:], [], []).scope_text == ""


def test_reasons_name_their_fibers_the_decisive_ones_first() -> None:
    """What failed comes before what could not be judged."""
    connector = judge_connector([report("invalid"), report("pass"), report("fail")], [], [])

    assert connector.reasons == ("fiber 3: zone B: a scratch", "fiber 1: too soft")


@pytest.mark.parametrize(
    ("reports", "borderline"),
    [
        ([report("pass"), report("pass", borderline=True)], True),
        ([report("fail"), report("fail", borderline=True)], False),
        ([report("fail", borderline=True), report("pass")], True),
        ([report("invalid"), report("pass", borderline=True)], False),
    ],
)
def test_a_connector_is_borderline_where_its_verdict_could_be_another_one(
    reports: list[Report], borderline: bool
) -> None:
    """One borderline pass is enough; of failed fibers all must be borderline."""
    assert judge_connector(reports, [], []).borderline is borderline


@pytest.mark.parametrize(("verdict", "whole"), [("pass", "invalid"), ("fail", "fail")])
def test_another_number_of_fibers_never_passes(verdict: VerdictName, whole: VerdictName) -> None:
    """A fiber that is too dark to be found is missed by the count."""
    connector = judge_connector([report(verdict)], [], [], fiber_count=2)

    assert connector.verdict == whole
    assert connector.error is not None
    assert connector.reasons[0] == "the connector has 2 fibers, found: 1; check the field, the light and the focus"


def test_the_same_picture_twice_never_passes() -> None:
    """A frozen camera shows one fiber for two."""
    connector = judge_connector([report("pass")] * 2, [], [])

    assert connector.verdict == "invalid"
    assert connector.error is not None
    assert connector.error.code == "repeated_picture"


def test_a_connector_that_claims_too_much_is_no_report() -> None:
    """The type itself refuses a pass with a failed fiber, and one without fibers."""
    with pytest.raises(ValueError, match="passes only if"):
        ConnectorReport("pass", (report("fail"),))
    with pytest.raises(ValueError, match="at least one"):
        ConnectorReport("pass", ())
    with pytest.raises(ValueError, match="no picture"):
        first(0)


def test_every_fiber_of_one_picture_is_asked_for() -> None:
    """Those that are cut off as well: they are not judged, and say so."""
    assert further([several(True, False, True)]) == [Question(0, 1), Question(0, 2), Question(0, 3)]
    assert further([report("pass")]) == []


def test_of_one_picture_a_fiber_the_only_whole_one_is_asked_for() -> None:
    """Neighbors at the border belong to other pictures; two whole ones are no picture of one fiber."""
    reports = [several(True, False), report("pass"), several(False, False)]

    assert further(reports) == [Question(0, 2)]
    connector = judge_connector(reports, further(reports), [report("pass")])
    assert [fiber.verdict for fiber in connector.fibers] == ["pass", "pass", "invalid"]
    assert connector.verdict == "invalid"


def clean(squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A network that finds nothing."""
    nothing = np.zeros((len(squares), *LABELS.dims), np.uint8)
    return nothing, nothing


def test_a_drawn_row_is_inspected_fiber_by_fiber() -> None:
    """Three fibers in one picture, the outer ones with their zones in the picture as well."""
    camera = Camera(1700, 600, um_per_px=(0.5, 0.5))
    data = scopes.row_of_fibers([Face()] * 3, camera, seed=1).encode()
    inspector = Inspector(clean, Options("mm-pc", serial="A1", name="row.png"))

    alone, connector = inspector(data), inspector.inspect_connector(data, fiber_count=3)

    assert alone.error is not None
    assert alone.error.code == "several_fibers"
    assert [fiber.number for fiber in alone.fibers] == [1, 2, 3]
    assert [(fiber.verdict, fiber.fiber_number, fiber.image.name) for fiber in connector.fibers] == [
        ("pass", number, "row.png") for number in (1, 2, 3)
    ]
    assert (connector.verdict, connector.serial) == ("pass", "A1")
