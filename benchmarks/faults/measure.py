"""Each fault several times, on a fresh server each time: how soon it is noticed and repaired, and what is lost."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.faults.line import Line
from benchmarks.faults.machine import Machine
from benchmarks.limit import Work
from benchmarks.origin import Json, origin
from endface import contract
from endface.network import Network

_STAGES: Final = (contract.PREPROCESS.name, contract.SEGMENT.name, contract.POSTPROCESS.name)
_WARM: Final = 10
"""Calls of each station before the fault, and after the repair."""

_PATIENCE_S: Final = 120.0
_POLL_S: Final = 0.005


@dataclass(frozen=True)
class Plan:
    """How it is measured.

    Attributes:
        repeats: Servers that each fault is tried on.
        stations: Stations that work all the time.
    """

    repeats: int = 5
    stations: int = 4


@dataclass(frozen=True)
class Fault:
    """One way to make a machine ill.

    Attributes:
        name: What the page calls it.
        cause: Does it.
        healer: Who repairs it: the machine itself, whoever starts containers (here: us, at once), or nobody, because
            another machine of the fleet takes the calls.
    """

    name: str
    cause: Callable[[Machine], None]
    healer: str = "itself"


def _stub(model: str, number: int) -> Callable[[Machine], None]:
    return lambda machine: os.kill(machine.stub(model), number)


def _triton(number: int) -> Callable[[Machine], None]:
    return lambda machine: os.kill(machine.triton, number)


def _all(number: int) -> Callable[[Machine], None]:
    return lambda machine: machine.signal_all(number)


FAULTS: Final = (
    *(Fault(f"{model}: a process is killed", _stub(model, signal.SIGKILL)) for model in _STAGES),
    *(Fault(f"{model}: a process is stopped", _stub(model, signal.SIGSTOP)) for model in _STAGES),
    Fault("Triton is killed", _triton(signal.SIGKILL)),
    Fault("Triton is stopped", _triton(signal.SIGSTOP)),
    Fault("the container is killed and started again", _all(signal.SIGKILL), "container"),
    Fault("one of two machines is killed", _all(signal.SIGKILL), "fleet"),
    Fault("one of two machines is stopped", _all(signal.SIGSTOP), "fleet"),
)
"""SIGKILL is a crash; SIGSTOP is a process that hangs and holds everything it has."""


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
    for fault in FAULTS:
        tries = [_try(fault, work, plan) for _ in range(plan.repeats)]
        faults.append({"fault": fault.name, "healer": fault.healer, "tries": tries})
        silence_ms, lost = median(each["silence_ms"] for each in tries), sum(each["lost"] for each in tries)
        progress(f"{fault.name}: {silence_ms:.0f} ms without a report, {lost} calls lost")
    return origin(Network(work.network).info) | {"plan": asdict(plan), "faults": faults}


def _try(fault: Fault, work: Work, plan: Plan) -> Json:
    with ExitStack() as stack:
        machines = [stack.enter_context(Machine(work.profile)) for _ in range(2 if fault.healer == "fleet" else 1)]
        servers = ",".join(machine.server for machine in machines)
        line = stack.enter_context(Line(servers, work.profile, work.pictures, plan.stations))
        line.work_on(_WARM)
        since_s = time.monotonic()
        fault.cause(machines[0])
        times: Json = {"noticed_ms": None, "serving_ms": None, "action": None}
        if fault.healer == "itself":
            times = _healed(machines[0], since_s)
        elif fault.healer == "container":
            stack.enter_context(Machine(work.profile, machines[0].ports))
            times |= {"serving_ms": round((time.monotonic() - since_s) * 1000)}
        line.work_on(_WARM)
        return times | line.figures(since_s)


def _healed(machine: Machine, since_s: float) -> Json:
    """When a machine noticed and when it served again, from a moment on; waits for it."""
    while (serving := machine.event("serving")) is None:
        if time.monotonic() > since_s + _PATIENCE_S:
            raise BenchmarkError(f"the server did not heal within {_PATIENCE_S:.0f} s")
        time.sleep(_POLL_S)
    noticed = machine.event("noticed")
    return {
        "noticed_ms": round((noticed[0] - since_s) * 1000) if noticed else None,
        "serving_ms": round((serving[0] - since_s) * 1000),
        "action": serving[1].action,
    }
