"""Faults of a soak: when each happens to which machine, and how long its repair takes."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from benchmarks.studies.faults.causes import ITSELF, InjectedFault
from benchmarks.studies.line.machine import PATIENCE_S, ServingMachine


@dataclass(frozen=True)
class ScheduledFault:
    """A fault at its moment in a soak.

    Attributes:
        at_part: As soon as so many parts are judged.
        fault: What happens.
        machine: To which machine, counted from 0.
    """

    at_part: int
    fault: InjectedFault
    machine: int


def schedule(kills: int, parts: int, machines: int, calm: float, seed: int) -> list[ScheduledFault]:
    """Faults of a soak in their order: every one once, in any order, then every one again.

    Args:
        kills: how many faults.
        parts: of the whole shift.
        machines: how many there are; faults happen to them in turns.
        calm: share of the parts before the first fault, and after the last.
        seed: decides the order, and when in its part of the time a fault comes.
    """
    rng = random.Random(seed)
    rounds = [rng.sample(ITSELF, len(ITSELF)) for _ in range(-(-kills // len(ITSELF)))]
    faults = [fault for each in rounds for fault in each][:kills]
    step = parts * (1 - 2 * calm) / max(kills, 1)
    at_parts = [round(parts * calm + step * (number + rng.uniform(0, 0.5))) for number in range(kills)]
    return [
        ScheduledFault(at, fault, number % machines)
        for number, (at, fault) in enumerate(zip(at_parts, faults, strict=True))
    ]


class FaultInjector:
    """Injects one fault after the other, each once the last one is repaired."""

    def __init__(self, machines: Sequence[ServingMachine], faults: Sequence[ScheduledFault], since_s: float) -> None:
        self._machines = machines
        self._due = list(faults)
        self._since_s = since_s
        self._injected: tuple[ScheduledFault, float] | None = None
        self.repairs: list[Json] = []

    def step(self, parts: int) -> None:
        """Inject the next fault if it is due, or see whether the last one is repaired; called several times a second.

        Raises:
            BenchmarkError: a machine was not repaired.
        """
        if self._injected is not None:
            self._watch(*self._injected)
        elif self._due and parts >= self._due[0].at_part:
            scheduled = self._due.pop(0)
            injected_s = time.monotonic()
            scheduled.fault.cause(self._machines[scheduled.machine])
            self._injected = scheduled, injected_s

    @property
    def unasked(self) -> int:
        """Number of repairs without an injected fault."""
        noticed = [event for machine in self._machines for _, event in machine.events if event.event == "noticed"]
        return len(noticed) - len(self.repairs) - (self._injected is not None)

    @property
    def is_done(self) -> bool:
        """Whether every fault has happened and is repaired."""
        return not self._due and self._injected is None

    def _watch(self, scheduled: ScheduledFault, injected_s: float) -> None:
        machine = self._machines[scheduled.machine]
        if (repair := machine.repair(injected_s)) is None:
            if machine.is_lost(injected_s):
                raise BenchmarkError(f"the server was not repaired within {PATIENCE_S:.0f} s: {scheduled.fault.name}")
            return
        self._injected = None
        at_s = round(injected_s - self._since_s, 2)
        self.repairs.append({"fault": scheduled.fault.name, "machine": scheduled.machine, "at_s": at_s, **repair})
