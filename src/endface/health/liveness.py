"""Liveness check of a server: by what it gets done, never by how long one request takes.

An overloaded server answers late, or refuses, and works all the time; one that hangs gets nothing done although it is
asked, and does not even want processor time.  So neither overload nor a crowded machine looks like a fault.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Final, Protocol

from endface.health.canary import CanaryAnswer, CanaryOutcome
from endface.health.events import Fault
from endface.health.idle import IdleClock, Processes

_ASK_AFTER_S: Final = 0.75
"""Silence after which a canary is sent; a server with work to do gets none."""

_IDLE_S: Final = 1.5
"""How long an asked server may do nothing at all: longer than the 1 s after which Triton gives up a stub by itself."""

_BUSY_S: Final = 30.0
"""How long it may run without getting anything done; a request waits at most 10 s in a queue."""

_ERRORS: Final = 2
"""Canaries that fail one after the other before anything is done."""

_UNHEALTHY: Final = re.compile(r"Stub process '(?P<model>.+)_\d+_\d+' is not healthy")


class Probe(Protocol):
    """A picture that shows whether the server inspects."""

    def ask(self) -> None:
        """Send it, unless one is under way."""

    def answer(self) -> CanaryAnswer | None:
        """The answer to it, given once."""


class Inspections:
    """Inspections of a server, seen by its own count and by canaries that come back.

    Args:
        successes: gives how many requests the server has answered well; None where it does not say.
        canary: asks for a report.

    Attributes:
        errors: what canaries were answered that failed since the last inspection.
    """

    def __init__(self, successes: Callable[[], int | None], canary: Probe) -> None:
        self._successes = successes
        self._canary = canary
        self._before: int | None = None
        self.errors: list[str] = []

    def seen(self) -> bool:
        """Whether anything was inspected since the last check."""
        successes, before = self._successes(), self._before
        self._before = before if successes is None else successes
        answer = self._canary.answer()
        inspected = answer is not None and answer.outcome is CanaryOutcome.REPORT
        if inspected or (before is not None and self._before != before):
            self.errors.clear()
            return True
        if answer is not None and answer.outcome is CanaryOutcome.ERROR:
            self.errors.append(answer.text)
        return False


class Liveness:
    """Liveness check of one server, from its start to its end.

    Args:
        successes: gives how many requests the server has answered well; None where it does not say.
        canary: asks for a report.
        processes: the server's.
        clock: gives seconds.
    """

    def __init__(
        self,
        successes: Callable[[], int | None],
        canary: Probe,
        processes: Processes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inspections = Inspections(successes, canary)
        self._canary = canary
        self._processes = processes
        self._clock = clock
        self._alive_s = clock()
        self._idle: IdleClock | None = None  # since it is asked

    def look(self) -> Fault | None:
        """Check once; to be called several times a second.

        Returns:
            What is wrong, as soon as that is certain.
        """
        now_s = self._clock()
        if self._inspections.seen():
            self._alive_s, self._idle = now_s, None
            return None
        if now_s - self._alive_s >= _ASK_AFTER_S:
            self._idle = self._idle or IdleClock(self._processes, self._clock)
            self._idle.look(self._processes.known())
            self._canary.ask()
        return self._fault()

    def _fault(self) -> Fault | None:
        errors = self._inspections.errors
        if len(errors) >= _ERRORS:
            named = _UNHEALTHY.search(errors[-1])
            return Fault("failing", f"it answers {errors[-1]}", self._alive_s, named["model"] if named else "")
        if self._idle and (hang := self._idle.hang(_IDLE_S, _BUSY_S)):
            return Fault("hung", f"it {hang} and inspects nothing, although it is asked", self._alive_s)
        return None
