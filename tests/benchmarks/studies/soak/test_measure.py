"""A short soak on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.common.limit import Work
from benchmarks.common.origin import Json, network_file
from benchmarks.common.pictures import Picture
from benchmarks.studies.soak import section
from benchmarks.studies.soak.measure import SoakPlan, measure

PLAN = SoakPlan(parts=200, kills=2, stations=2, seed=4)  # all processes of two stages: a restart takes long

pytestmark = [pytest.mark.triton, pytest.mark.long]


def test_short_soak(pictures: list[Picture], origin: Json, tmp_path: Path) -> None:
    """Two hundred pictures, two faults: every picture gets its own right report, and nothing is left behind."""
    record = origin | measure(Work(pictures, network_file(), "mm-pc"), PLAN, print)

    figures = record["figures"]
    assert (figures["right"], figures["lost"], figures["crossed"], figures["twice"]) == (200, 0, 0, 0), figures
    assert len(record["repairs"]) == 2
    assert record["unasked_repairs"] == 0
    assert record["exit_statuses"] == [0]
    assert record["left_over"] == []
    assert record["is_clean"]
    assert "**200 of 200 pictures** got the right report from one server that fell ill\n2 times" in section.text(record)
    section.plot(record, tmp_path)
    assert (tmp_path / section.PLOT).stat().st_size > 1000
