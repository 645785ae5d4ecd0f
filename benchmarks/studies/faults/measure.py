"""Study of faults: each several times, on a new machine each time; time to notice and to repair, and calls lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Final

from benchmarks.common.limit import Work
from benchmarks.common.origin import Json
from benchmarks.common.study import Progress
from benchmarks.studies.faults.causes import InjectedFault
from benchmarks.studies.line.ledger import Ledger
from benchmarks.studies.line.machine import PATIENCE_S, ServingMachine
from benchmarks.studies.line.part import known
from benchmarks.studies.line.stations import LOST, Shift, Stations

_ENDLESS: Final = 2**40
"""More parts than any line has."""

_WARM: Final = 10
"""Calls of each station before the fault, and after the repair."""

_UNHEARD: Final[Json] = {"noticed_ms": None, "serving_ms": None, "action": None}
"""A repair without an event."""

_POLL_S: Final = 0.005


@dataclass(frozen=True)
class FaultsPlan:
    """Extent of the study.

    Attributes:
        repeats: How often each fault is tried, on a fresh machine.
        stations: Stations that work all the time, the last one with an async client.
    """

    repeats: int = 5
    stations: int = 4


class HealthyLine:
    """Stations at work, the machines that serve them, and the ledger of what comes."""

    def __init__(self, machines: Sequence[ServingMachine], stations: Stations, count: int) -> None:
        self.machines = list(machines)
        self.ledger = Ledger(_ENDLESS, time.monotonic())
        self._stations = stations
        self._count = count

    def work_on(self) -> bool:
        """Collect rows until every station could have ended some more calls with a report.

        Returns:
            False where that takes too long, or no machine is left that could give one.
        """
        self._take()
        ends_s, wanted = time.monotonic() + PATIENCE_S, _WARM * self._count
        while wanted > 0:
            wanted -= self._take()
            if time.monotonic() > ends_s or all(machine.has_ended for machine in self.machines):
                return False
        return True

    def _take(self) -> int:
        """Enter the rows that have come; gives the number of reports."""
        rows = list(self._stations.rows())
        for row in rows:
            self.ledger.add(row)
        return sum(row.outcome != LOST for row in rows)


def measure(tours: Sequence[Sequence[InjectedFault]], work: Work, plan: FaultsPlan, progress: Progress) -> Json:
    """Record of every fault.

    Returns:
        The record, with every single try.

    Raises:
        BenchmarkError: a server did not start.
    """
    faults: list[Json] = []
    for tour in tours:
        rounds = [_tour(tour, work, plan) for _ in range(plan.repeats)]
        for fault in tour:
            tries = [each[fault.name] for each in rounds if fault.name in each]
            faults.append({"fault": fault.name, "healer": fault.healer, "tries": tries})
            calls, lost = (sum(each[key] for each in tries) for key in ("calls", "lost"))
            ended = sum(not each["goes_on"] for each in tries)
            progress(f"{fault.name}: {lost} of {calls} calls lost; not repaired in {ended} of {len(tries)}")
    return {"plan": asdict(plan), "faults": faults}


def _tour(tour: Sequence[InjectedFault], work: Work, plan: FaultsPlan) -> dict[str, Json]:
    """One fault after the other on the same fresh machines, by name; it ends with one that is not repaired."""
    first, pool = tour[0], known(work.pictures, work.profile)
    with ExitStack() as stack:
        machines = [
            stack.enter_context(ServingMachine(work.profile, can_hang=first.is_hang, log_full=first.log_full))
            for _ in range(first.machines)
        ]
        servers = ",".join(machine.server for machine in machines)
        shift = Shift(servers, work.profile, pool, _ENDLESS, plan.stations - 1, 1)
        line = HealthyLine(machines, stack.enter_context(Stations(shift)), plan.stations)
        began_s = time.monotonic()
        if not line.work_on():  # the fault came with the start, and is not repaired
            return {first.name: _UNHEARD | {"goes_on": False} | line.ledger.since(began_s)}
        tries: dict[str, Json] = {}
        for fault in tour:
            tries[fault.name] = _try(fault, machines[0], line, stack)
            if not tries[fault.name]["goes_on"]:
                break
        return tries


def _try(fault: InjectedFault, machine: ServingMachine, line: HealthyLine, stack: ExitStack) -> Json:
    since_s = time.monotonic()
    fault.cause(machine)
    times = dict(_UNHEARD)
    if fault.healer == "itself" and not fault.log_full:
        _await_repair(machine, since_s)
    elif fault.healer == "container":
        line.machines.append(stack.enter_context(ServingMachine(machine.profile, machine.ports)))
        times["serving_ms"] = round((time.monotonic() - since_s) * 1000)
    goes_on = line.work_on()
    return times | (machine.repair(since_s) or {}) | {"goes_on": goes_on} | line.ledger.since(since_s)


def _await_repair(machine: ServingMachine, since_s: float) -> None:
    """Return when the machine says that it serves again, has ended, or takes too long."""
    while machine.repair(since_s) is None and not machine.is_lost(since_s):
        time.sleep(_POLL_S)
