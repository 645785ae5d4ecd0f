"""Each fault several times, on another machine each time: how soon it is noticed and repaired, and what is lost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import Work
from benchmarks.common.origin import Json, origin
from benchmarks.studies.faults.causes import TOURS, Fault
from benchmarks.studies.faults.line import Line
from benchmarks.studies.faults.machine import Machine
from endface.engines.onnx_network import Network

_WARM: Final = 10
"""Calls of each station before the fault, and after the repair."""

_PATIENCE_S: Final = 120.0
_POLL_S: Final = 0.005


@dataclass(frozen=True)
class Plan:
    """How it is measured.

    Attributes:
        repeats: How often each fault is tried, on a fresh machine.
        stations: Stations that work all the time.
    """

    repeats: int = 5
    stations: int = 4


def measure(work: Work, plan: Plan, progress: Callable[[str], None]) -> Json:
    """Try every fault.

    Args:
        work: pictures, network and profile.
        plan: how.
        progress: takes a line after each fault.

    Returns:
        The record, with every single try.

    Raises:
        BenchmarkError: a server did not start, or did not heal.
    """
    faults: list[Json] = []
    for tour in TOURS:
        rounds = [_tour(tour, work, plan) for _ in range(plan.repeats)]
        for fault, *tries in zip(tour, *rounds, strict=True):
            faults.append({"fault": fault.name, "healer": fault.healer, "tries": tries})
            silence_ms, lost = median(each["silence_ms"] for each in tries), sum(each["lost"] for each in tries)
            progress(f"{fault.name}: {silence_ms:.0f} ms without a report, {lost} calls lost")
    return origin(Network(work.network).info) | {"plan": asdict(plan), "faults": faults}


def _tour(tour: Sequence[Fault], work: Work, plan: Plan) -> list[Json]:
    """One fault after the other on the same fresh machines, with a figure for each."""
    with ExitStack() as stack:
        first = tour[0]
        machines = [stack.enter_context(Machine(work.profile, can_hang=first.is_hang)) for _ in range(first.machines)]
        servers = ",".join(machine.server for machine in machines)
        line = stack.enter_context(Line(servers, work.profile, work.pictures, plan.stations))
        line.work_on(_WARM)
        return [_try(fault, machines[0], line, stack) for fault in tour]


def _try(fault: Fault, machine: Machine, line: Line, stack: ExitStack) -> Json:
    since_s = time.monotonic()
    fault.cause(machine)
    times: Json = {"noticed_ms": None, "serving_ms": None, "action": None}
    if fault.healer == "itself":
        times = _healed(machine, since_s)
    elif fault.healer == "container":
        stack.enter_context(Machine(line.profile, machine.ports))
        times |= {"serving_ms": round((time.monotonic() - since_s) * 1000)}
    line.work_on(_WARM)
    return times | line.figures(since_s)


def _healed(machine: Machine, since_s: float) -> Json:
    """When a machine noticed and when it served again, from a moment on; waits for it."""
    while (serving := machine.event("serving", since_s)) is None:
        if time.monotonic() > since_s + _PATIENCE_S:
            raise BenchmarkError(f"the server did not heal within {_PATIENCE_S:.0f} s")
        time.sleep(_POLL_S)
    noticed = machine.event("noticed", since_s)
    return {
        "noticed_ms": round((noticed[0] - since_s) * 1000) if noticed else None,
        "serving_ms": round((serving[0] - since_s) * 1000),
        "action": serving[1].action,
    }
