"""Faults on real servers."""

from __future__ import annotations

import pytest

from benchmarks.common.limit import Work
from benchmarks.common.origin import Json, network_file
from benchmarks.common.pictures import Picture
from benchmarks.studies.faults.causes import (
    CLIENTS,
    CONTAINER,
    FOLDER_REMOVED,
    HANGS,
    LOG_FULL,
    ONE_OF_FLEET,
    STUBS,
    InjectedFault,
)
from benchmarks.studies.faults.measure import FaultsPlan, measure
from benchmarks.studies.faults.section import text

pytestmark = [pytest.mark.triton, pytest.mark.long]


@pytest.fixture(scope="module")
def work(pictures: list[Picture]) -> Work:
    """Drawn pictures and the committed network."""
    return Work(pictures, network_file(), "mm-pc")


def test_a_fault_of_each_healer(work: Work, origin: Json) -> None:
    """A server that heals itself, one that is started again, and one whose neighbour takes over."""
    tours = [STUBS[0][:2], HANGS[:1], [CONTAINER], ONE_OF_FLEET]

    record = measure(tours, work, FaultsPlan(repeats=1, stations=2), print)

    first, second, hang, container, in_fleet, fleet = (fault["tries"][0] for fault in record["faults"])
    assert [each["action"] for each in (first, second, hang, in_fleet)] == ["reload", "reload", "reload", "restart"]
    assert all(0 < each["noticed_ms"] < each["serving_ms"] for each in (first, second, hang, in_fleet))
    assert container["serving_ms"] > 0
    assert fleet["noticed_ms"] is None
    for each in (fault["tries"][0] for fault in record["faults"]):
        assert each["goes_on"]
        assert each["calls"] > 0
        assert each["wrong_verdicts"] == 0
    assert len(text(origin | record).splitlines()) > 10


@pytest.mark.parametrize("fault", [*CLIENTS, LOG_FULL, FOLDER_REMOVED], ids=lambda fault: fault.name)
def test_what_stations_lose_is_counted(fault: InjectedFault, work: Work, origin: Json) -> None:
    """Whatever a server makes of it, there is a row with the calls of the healthy stations and those that they lost."""
    record = measure([[fault]], work, FaultsPlan(repeats=1, stations=2), print)

    ((found,),) = (each["tries"] for each in record["faults"])
    assert found["calls"] > 0 or not found["goes_on"]
    assert found["lost"] <= found["calls"]
    assert found["wrong_verdicts"] == 0
    assert f"| {fault.name} | " in text(origin | record)
