"""Has a model's processes made anew, and gives up as soon as that gets nowhere.

A process that is killed may have held a lock in the memory that it shares with Triton.  Then the whole server waits for
it, for ever, and the sooner it is started again the fewer calls are lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from endface.errors import ServerStartError
from endface.health.idle import LONGEST_LOOK_S, WORKING
from endface.server.control import Control
from endface.server.processes import Session

_RELOAD_S: Final = 15.0
"""How long it may take: 1 to 3 s, 13 s were seen on a crowded machine."""

_LOOK_S: Final = 0.25
_STALLED_S: Final = 3.0
"""How long all processes of the server may do nothing meanwhile."""


class Stall:
    """Whether a server that should work does nothing.

    Args:
        session: its processes.
        clock: gives seconds.
    """

    def __init__(self, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        self._session = session
        self._clock = clock
        self._looked_s = clock()
        self._wanted_s = session.wanted_by_all()
        self._idle_s = 0.0

    def look(self) -> bool:
        """Look once; several times a second."""
        now_s = self._clock()
        passed_s, self._looked_s = min(now_s - self._looked_s, LONGEST_LOOK_S), now_s
        before, self._wanted_s = self._wanted_s, self._session.wanted_by_all()
        wanted_s = sum(max(each - before.get(pid, 0.0), 0.0) for pid, each in self._wanted_s.items())
        works = wanted_s >= WORKING * passed_s or any(map(self._session.is_blocked, self._wanted_s))
        self._idle_s = 0.0 if works else self._idle_s + passed_s
        return self._idle_s >= _STALLED_S


def reload(control: Control, session: Session, model: str) -> None:
    """Have a model's processes made anew.

    Args:
        control: of the server.
        session: its processes.
        model: the model's name.

    Raises:
        RepositoryError: Triton cannot, with its reason.
        ServerStartError: Triton does not answer in time, or does nothing.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="triton-reload")
    loading = pool.submit(control.reload, model, _RELOAD_S)
    pool.shutdown(wait=False)
    stall = Stall(session)
    while True:
        try:
            return loading.result(_LOOK_S)
        except TimeoutError:
            if stall.look():
                raise ServerStartError(f"Triton does nothing while it should load {model!r}") from None
