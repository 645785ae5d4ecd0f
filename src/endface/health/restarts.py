"""How often a server may be started again: at once, then ever later, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from endface.errors import ServerStartError

_MOST: Final = 5
_STABLE_S: Final = 60.0
_FIRST_PAUSE_S: Final = 0.5


class Restarts:
    """Counts the restarts of a server that serves now; a minute of service forgets them all.

    Args:
        clock: gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._count = 0
        self._serves_since_s: float | None = clock()

    def serves(self) -> None:
        """The last restart did it: the server serves from now on."""
        self._serves_since_s = self._clock()

    def next_pause_s(self, reason: str) -> float:
        """How long to wait before the next restart, in seconds.

        Args:
            reason: why it is needed.

        Raises:
            ServerStartError: there were too many.
        """
        if self._serves_since_s is not None and self._clock() - self._serves_since_s >= _STABLE_S:
            self._count = 0
        self._serves_since_s = None
        if self._count == _MOST:
            raise ServerStartError(f"Triton was started again {_MOST} times and does not stay alive: {reason}")
        self._count += 1
        return _FIRST_PAUSE_S * 2 ** (self._count - 2) if self._count > 1 else 0.0
