"""Faults on a real server, each once."""

from __future__ import annotations

import pytest

from benchmarks.common.limit import Work
from benchmarks.common.options import network_file
from benchmarks.common.pictures import Picture
from benchmarks.studies.faults import measure as faults
from benchmarks.studies.faults.causes import CONTAINER, HANGS, ONE_OF_FLEET, STUBS
from benchmarks.studies.faults.line import Call, Line
from benchmarks.studies.faults.measure import Plan, measure
from benchmarks.studies.faults.section import text


def test_figures_of_a_line(pictures: list[Picture]) -> None:
    """What ended before the fault does not count; silence is counted from the fault on."""
    line = Line("127.0.0.1:1", "mm-pc", pictures, stations=1)
    line._calls = [
        Call(0.0, 9.0, "pass", "pass", 1),
        Call(9.5, 10.5, "pass", "pass", 1),
        Call(10.5, 12.5, "", "pass", 3),
        Call(12.5, 13.0, "fail", "pass", 2),
    ]

    assert line.figures(10.0) == {
        "calls": 3,
        "repeated": 2,
        "lost": 1,
        "wrong_verdicts": 1,
        "slowest_ms": 2000,
        "silence_ms": 2500,
    }


@pytest.mark.triton
@pytest.mark.slow
def test_a_fault_of_each_healer(pictures: list[Picture], monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that heals itself, one that is started again, and one whose neighbour takes over."""
    monkeypatch.setattr(faults, "TOURS", [STUBS[0][:2], HANGS[:1], [CONTAINER], ONE_OF_FLEET])

    record = measure(Work(pictures, network_file(), "mm-pc"), Plan(repeats=1, stations=2), print)

    first, second, hang, container, in_fleet, fleet = (fault["tries"][0] for fault in record["faults"])
    assert [each["action"] for each in (first, second, hang, in_fleet)] == ["reload", "reload", "reload", "restart"]
    assert all(0 < each["noticed_ms"] < each["serving_ms"] for each in (first, second, hang, in_fleet))
    assert container["serving_ms"] > 0
    assert fleet["noticed_ms"] is None
    assert all(fault["tries"][0]["calls"] > 0 for fault in record["faults"])
    assert all(fault["tries"][0]["wrong_verdicts"] == 0 for fault in record["faults"])
    assert len(text(record).splitlines()) > 10
