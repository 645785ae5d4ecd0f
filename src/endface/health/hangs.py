"""Detector of a stage's process that hangs in the middle of a picture, while its neighbors go on."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from endface.health.events import Fault
from endface.health.idle import IdleClock, Processes

_IDLE_S: Final = 1.25
"""How long a process may do nothing in the middle of a picture; a picture takes it some hundredths of a second."""

_BUSY_S: Final = 30.0
"""Processor time that it may take for one; the client has given up after ten seconds."""


@dataclass(frozen=True)
class _Watched:
    """A process in the middle of a picture: since when, by its marker and by our clock, and its idle clock."""

    since_ns: int
    seen_s: float
    idle: IdleClock


class HangDetector:
    """Detector for the processes of one server, from its start to its end.

    Args:
        busy_since: gives the processes that work on a picture, and since when: another time is another picture.
        processes: the server's.
        clock: gives seconds.
    """

    def __init__(
        self,
        busy_since: Callable[[], Mapping[int, int]],
        processes: Processes,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._busy_since = busy_since
        self._processes = processes
        self._clock = clock
        self._watched: dict[int, _Watched] = {}

    def look(self) -> Fault | None:
        """Check once; to be called several times a second.

        Returns:
            What is wrong, as soon as that is certain, with the process that is to be killed.
        """
        before, self._watched = self._watched, {}
        for pid, since_ns in self._busy_since().items():
            model = self._processes.model(pid)
            if not model:
                continue
            watched = before.get(pid)
            if watched is None or watched.since_ns != since_ns:
                # Nearly all end before the next look: what they do need not be known.
                self._watched[pid] = _Watched(since_ns, self._clock(), IdleClock(self._processes, self._clock))
                continue
            self._watched[pid] = watched
            watched.idle.look([pid])
            if hang := watched.idle.hang(_IDLE_S, _BUSY_S):
                what = f"a process of {model} {hang} in the middle of a picture"
                return Fault("hung", what, watched.seen_s, model, frozenset({pid}))
        return None
