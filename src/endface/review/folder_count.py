"""A number that is counted in a folder, and counted again only when something may have changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_HOLDS_S: Final = 10.0
"""How long a count holds that nothing speaks against: what changes deep in the folder is not seen at once."""


class FolderCount:
    """A count that costs one look at the folder's time while nothing changes; threads may share it.

    A file system gives a folder a new time when something directly in it appears or goes.  A change further down in it
    is told with ``forget``; one by another process is seen within ten seconds.

    Args:
        folder: what is counted in.
        count: counts.
        clock: a clock in seconds.
    """

    def __init__(self, folder: Path, count: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._count = count
        self._clock = clock
        self._lock = threading.Lock()
        self._number, self._time_ns, self._until_s = 0, -1, -1.0

    def __call__(self) -> int:
        """The number."""
        with self._lock:
            try:
                time_ns = self._folder.stat().st_mtime_ns
            except FileNotFoundError:
                time_ns = 0
            now_s = self._clock()
            if time_ns != self._time_ns or now_s >= self._until_s:
                self._number, self._time_ns, self._until_s = self._count(), time_ns, now_s + _HOLDS_S
            return self._number

    def forget(self) -> None:
        """Count anew next time."""
        with self._lock:
            self._time_ns = -1
