"""Reload of a model's processes, given up as soon as it stalls.

A process that is killed may have held a lock in the memory that it shares with Triton.  Then the whole server waits for
it, for ever, and the sooner it is started again the fewer calls are lost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Protocol

from endface.errors import ServerStartError
from endface.health.idle import IdleClock, Processes

_RELOAD_S: Final = 15.0
"""How long it may take: 1 to 3 s, 13 s were seen on a crowded machine."""

_LOOK_S: Final = 0.25
_STALLED_S: Final = 3.0
"""How long all processes of the server may do nothing meanwhile."""


class Control(Protocol):
    """Control of a server, as far as a reload needs it."""

    def reload(self, model: str, timeout_s: float) -> None:
        """Make a model's processes anew."""


def reload(control: Control, processes: Processes, model: str, clock: Callable[[], float] = time.monotonic) -> None:
    """Reload a model's processes.

    Args:
        control: of the server.
        processes: the server's.
        model: the model's name.
        clock: gives seconds.

    Raises:
        RepositoryError: Triton cannot, with its reason.
        ServerStartError: Triton does not answer in time, or does nothing.
    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="triton-reload")
    loading = pool.submit(control.reload, model, _RELOAD_S)
    pool.shutdown(wait=False)
    idle = IdleClock(processes, clock)
    while True:
        try:
            return loading.result(_LOOK_S)
        except TimeoutError:
            idle.look(processes.members())
            if idle.idle_s >= _STALLED_S:
                raise ServerStartError(f"Triton does nothing while it should load {model!r}") from None
