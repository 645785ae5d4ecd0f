"""Log writer that never blocks its caller: a thread of its own writes the lines to a file descriptor.

A disk may be full, a reader may have ended (a closed pipe) or have stopped (a stopped terminal).  Then a write fails,
or never returns.  Neither may cost an inspection, a repair or a stop: a line that does not fit is dropped and counted.
"""

from __future__ import annotations

import collections
import os
import select
import threading
from typing import Final, Self, TextIO

_MOST_LINES: Final = 10_000
"""Lines that wait for a slow reader: some megabytes, or a minute of inspections."""

_CLOSE_S: Final = 1.0


class LogWriter:
    """Writes lines to a file descriptor; any thread may call it, and none waits.

    Args:
        descriptor: where to; it is not closed.
        most_lines: how many lines may wait.
    """

    def __init__(self, descriptor: int, most_lines: int = _MOST_LINES) -> None:
        self._descriptor = descriptor
        self._most_lines = most_lines
        self._lines: collections.deque[bytes] = collections.deque()
        self._changed = threading.Condition()
        self._dropped = 0
        self._is_closed = False
        self._thread = threading.Thread(target=self._write_all, name="endface-log", daemon=True)
        self._thread.start()

    @classmethod
    def to(cls, stream: TextIO | None) -> Self:
        """The writer of a standard stream; one that was closed before the program began takes all and keeps nothing."""
        return cls(os.open(os.devnull, os.O_WRONLY) if stream is None else stream.fileno())

    @property
    def dropped(self) -> int:
        """Number of lines that could not be written."""
        return self._dropped

    def write(self, line: str) -> None:
        """Queue a line, given without its line feed."""
        with self._changed:
            if len(self._lines) >= self._most_lines:
                self._dropped += 1
                return
            self._lines.append(f"{line}\n".encode(errors="backslashreplace"))
            self._changed.notify_all()

    def close(self, timeout_s: float = _CLOSE_S) -> None:
        """Wait until all is written, or time is up."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(timeout_s)

    def _write_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._lines or self._is_closed)
                if not self._lines:
                    return
                line = self._lines.popleft()
            try:
                select.select([], [self._descriptor], [])  # others may have made it non-blocking
                os.write(self._descriptor, line)
            except OSError:
                with self._changed:
                    self._dropped += 1
