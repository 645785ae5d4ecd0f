"""Pauses between the restarts of a server: none before the first, then longer ones, without a last one.

A cause may pass after minutes or hours: a network volume, a full disk, a driver.  Nobody has to come and start the
server by hand then.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_STABLE_S: Final = 10.0
"""Twice what a start takes: who crashes it every half a minute must not keep it from the others in between."""

_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 60.0


class Restarts:
    """Counts the restarts of a server that serves now; ten seconds of service begin the pauses anew.

    Args:
        clock: gives seconds.

    Attributes:
        total: all of them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._in_a_row = 0
        self._serves_since_s: float | None = clock()
        self.total = 0

    def serves(self) -> None:
        """Note that the server serves from now on."""
        self._serves_since_s = self._clock()

    def next_pause_s(self) -> float:
        """How long to wait before the next restart, in seconds."""
        if self._serves_since_s is not None and self._clock() - self._serves_since_s >= _STABLE_S:
            self._in_a_row = 0
        self._serves_since_s = None
        self.total += 1
        self._in_a_row += 1
        if self._in_a_row == 1:
            return 0.0
        return min(_FIRST_PAUSE_S * 2.0 ** min(self._in_a_row - 2, 16), _LONGEST_PAUSE_S)
