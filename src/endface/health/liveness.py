"""Whether a server is alive: judged by what it gets done, never by how long one request takes.

An overloaded server answers late, or refuses, and works all the time; one that hangs gets nothing done although it is
asked, and does not even want processor time.  So no overload, and no crowded machine, looks like an illness.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from endface.health.canary import Canary, Outcome
from endface.health.idle import LONGEST_LOOK_S, WORKING
from endface.server.control import Control
from endface.server.processes import Session

_ASK_AFTER_S: Final = 0.75
"""Silence after which a canary is sent; a server with work to do gets none."""

_IDLE_S: Final = 1.5
"""How long an asked server may do nothing at all: longer than the 1 s after which Triton gives up a stub by itself."""

_SILENT_S: Final = 30.0
"""How long it may work without getting anything done; a request waits at most 10 s in a queue."""

_ERRORS: Final = 2
"""Canaries that fail one after the other before anything is done."""

_UNHEALTHY: Final = re.compile(r"Stub process '(?P<model>.+)_\d+_\d+' is not healthy")


@dataclass(frozen=True)
class Fault:
    """What is wrong with a server.

    Attributes:
        kind: ended, stopped (the server by a signal), stub (gone or stopped), failing, or hung.
        what: It in words.
        since_s: When all was well for the last time, by ``time.monotonic``.
        model: The only model that is to blame; empty where it is not one alone.
        hanging: Processes of it that will never end by themselves what they do.
    """

    kind: str
    what: str
    since_s: float
    model: str = ""
    hanging: frozenset[int] = frozenset()


class Pulse:
    """Signs of life of one server, from its start to its end.

    Args:
        control: asks for its statistics.
        canary: asks for a report.
        session: its processes.
        clock: gives seconds.
    """

    def __init__(
        self, control: Control, canary: Canary, session: Session, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._control = control
        self._canary = canary
        self._session = session
        self._clock = clock
        self._successes: int | None = None
        self._errors: list[str] = []
        self._asked = False
        self._looked_s = self._alive_s = clock()
        self._silent_s = self._idle_s = self._wanted_s = 0.0

    def look(self) -> Fault | None:
        """Look once; several times a second.

        Returns:
            What is wrong, as soon as that is certain.
        """
        now_s = self._clock()
        passed_s, self._looked_s = min(now_s - self._looked_s, LONGEST_LOOK_S), now_s
        if self._is_alive():
            self._alive_s, self._silent_s, self._idle_s, self._asked = now_s, 0.0, 0.0, False
            self._errors.clear()
            return None
        self._silent_s += passed_s
        if self._silent_s >= _ASK_AFTER_S:
            self._measure_idling(passed_s)
            self._canary.ask()
            self._asked = True
        return self._fault()

    def _is_alive(self) -> bool:
        """Whether anything was inspected since the last look."""
        successes, before = self._control.successes(), self._successes
        self._successes = before if successes is None else successes
        answer = self._canary.answer()
        if answer is not None and answer.outcome is Outcome.ERROR:
            self._errors.append(answer.text)
        inspected = answer is not None and answer.outcome is Outcome.REPORT
        return inspected or (before is not None and self._successes != before)

    def _measure_idling(self, passed_s: float) -> None:
        """Add up the time in which it was asked and did nothing."""
        before_s, self._wanted_s = self._wanted_s, self._session.wanted_s()
        is_idle = self._asked and self._wanted_s - before_s < WORKING * passed_s
        self._idle_s = self._idle_s + passed_s if is_idle else 0.0

    def _fault(self) -> Fault | None:
        if len(self._errors) >= _ERRORS:
            named = _UNHEALTHY.search(self._errors[-1])
            return Fault("failing", f"it answers {self._errors[-1]}", self._alive_s, named["model"] if named else "")
        if self._idle_s >= _IDLE_S or self._silent_s >= _SILENT_S:
            does = "is idle" if self._idle_s >= _IDLE_S else "is busy"
            return Fault("hung", f"it {does} and inspects nothing, although it is asked", self._alive_s)
        return None
