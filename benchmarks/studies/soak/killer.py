"""Makes machines ill in the middle of a soak, by a plan that a seed decides, and notes how they heal."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from benchmarks.studies.faults.causes import ITSELF, Affliction
from benchmarks.studies.line.machine import Machine

_PATIENCE_S: Final = 120.0


@dataclass(frozen=True)
class Blow:
    """One fault of a soak.

    Attributes:
        at_part: As soon as so many parts are judged.
        fault: What happens.
        machine: To which machine, counted from 0.
    """

    at_part: int
    fault: Affliction
    machine: int


def schedule(kills: int, parts: int, machines: int, calm: float, seed: int) -> list[Blow]:
    """When what happens to whom: every fault once, in any order, then every fault again.

    Args:
        kills: how many faults.
        parts: of the whole shift.
        machines: how many there are; they take turns.
        calm: share of the parts before the first fault, and after the last.
        seed: decides the order, and when in its part of the time a fault comes.
    """
    chance = random.Random(seed)
    decks = [chance.sample(ITSELF, len(ITSELF)) for _ in range(-(-kills // len(ITSELF)))]
    faults = [fault for deck in decks for fault in deck][:kills]
    step = parts * (1 - 2 * calm) / max(kills, 1)
    at_parts = [round(parts * calm + step * (number + chance.uniform(0, 0.5))) for number in range(kills)]
    return [Blow(at, fault, number % machines) for number, (at, fault) in enumerate(zip(at_parts, faults, strict=True))]


class Killer:
    """Strikes when it is time, one blow after the other, and never a machine that is still ill."""

    def __init__(self, machines: Sequence[Machine], blows: Sequence[Blow], since_s: float) -> None:
        self._machines = machines
        self._due = list(blows)
        self._since_s = since_s
        self._struck: tuple[Blow, float] | None = None
        self.repairs: list[Json] = []

    def step(self, parts: int) -> None:
        """Go on; several times a second.

        Raises:
            BenchmarkError: a machine did not heal.
        """
        if self._struck is not None:
            self._watch(*self._struck)
        elif self._due and parts >= self._due[0].at_part:
            blow = self._due.pop(0)
            struck_s = time.monotonic()
            blow.fault.cause(self._machines[blow.machine])
            self._struck = blow, struck_s

    @property
    def unasked(self) -> int:
        """Repairs of what nobody here had done."""
        said = [event for machine in self._machines for _, event in machine.events if event.event == "noticed"]
        return len(said) - len(self.repairs) - (self._struck is not None)

    @property
    def is_done(self) -> bool:
        """Whether all has happened, and is healed."""
        return not self._due and self._struck is None

    def _watch(self, blow: Blow, struck_s: float) -> None:
        machine = self._machines[blow.machine]
        if (repair := machine.repair(struck_s)) is None:
            if machine.has_ended or time.monotonic() > struck_s + _PATIENCE_S:
                raise BenchmarkError(f"the server did not heal within {_PATIENCE_S:.0f} s: {blow.fault.name}")
            return
        self._struck = None
        at_s = round(struck_s - self._since_s, 2)
        self.repairs.append({"fault": blow.fault.name, "machine": blow.machine, "at_s": at_s, **repair})
