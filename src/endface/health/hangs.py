"""Whether a process of a stage hangs in the middle of a picture, while its neighbours go on.

As in ``endface.health.liveness`` time alone is no proof: a process that waits for its turn on a crowded machine,
or has a picture of a hundred megapixels, wants processor time; one that hangs wants none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface.backend import busy_marker
from endface.health.idle import LONGEST_LOOK_S, WORKING
from endface.health.liveness import Fault
from endface.server.processes import Session

_IDLE_S: Final = 1.25
"""How long a process may do nothing in the middle of a picture; a picture takes it some hundredths of a second."""

_BUSY_S: Final = 30.0
"""How long it may be busy with one; the client has given up after ten."""


@dataclass
class _Watched:
    """A process in the middle of a picture: since when, what it wanted until the last look, how long it did what."""

    since_ns: int
    wanted_s: float | None = None
    idle_s: float = 0.0
    busy_s: float = 0.0


class Hangs:
    """Looks after the processes of one server, from its start to its end.

    Args:
        folder: where they write since when they work.
        session: the server's processes.
        clock: gives seconds.
    """

    def __init__(self, folder: Path, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._session = session
        self._clock = clock
        self._looked_s = clock()
        self._watched: dict[int, _Watched] = {}

    def look(self) -> Fault | None:
        """Look once; several times a second.

        Returns:
            What is wrong, as soon as that is certain, with the process that is to be killed.
        """
        now_s = self._clock()
        passed_s, self._looked_s = min(now_s - self._looked_s, LONGEST_LOOK_S), now_s
        under_way = busy_marker.under_way(self._folder)
        before, self._watched = self._watched, {}
        for pid, since_ns in under_way.items():
            model = self._session.model(pid)
            if model:
                self._watched[pid] = self._watch(pid, since_ns, before.get(pid), passed_s)
                if _hangs(self._watched[pid]):
                    return _fault(pid, model, self._watched[pid], now_s)
        return None

    def _watch(self, pid: int, since_ns: int, before: _Watched | None, passed_s: float) -> _Watched:
        if before is None or before.since_ns != since_ns:
            return _Watched(since_ns)  # nearly all end before the next look: what they want need not be known
        wanted_s = self._session.wanted_s_of(pid)
        busy_s = before.busy_s + passed_s
        if before.wanted_s is None:
            return _Watched(since_ns, wanted_s, busy_s=busy_s)
        works = wanted_s - before.wanted_s >= WORKING * passed_s or self._session.is_blocked(pid)
        return _Watched(since_ns, wanted_s, 0.0 if works else before.idle_s + passed_s, busy_s)


def _hangs(watched: _Watched) -> bool:
    return watched.idle_s >= _IDLE_S or watched.busy_s >= _BUSY_S


def _fault(pid: int, model: str, watched: _Watched, now_s: float) -> Fault:
    does = "is idle" if watched.idle_s >= _IDLE_S else "is busy"
    what = f"a process of {model} {does} in the middle of a picture"
    return Fault("hung", what, now_s - watched.busy_s, model, frozenset({pid}))
