"""Threads for calls that block, kept for the next call."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class CallThreads:
    """As many threads as calls were under way at once, or one more; a new one starts only where none is idle.

    gRPC's own calls in the background start a thread for nearly every picture of a station that asks one after the
    other, which costs more processor time than all else that the client does for it (benchmarks/NOTES.md).

    Args:
        idle_s: how long a thread waits for its next call before it ends.
    """

    def __init__(self, idle_s: float = 10.0) -> None:
        self._idle_s = idle_s
        self.reset()

    def reset(self) -> None:
        """Forget all threads and calls: a fork has none of them, nor the thread that may hold the lock."""
        self._changed = threading.Condition()
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._idle = 0
        self._under_way = 0

    def run(self, call: Callable[[], None]) -> None:
        """Run a call in a thread; what it raises goes to ``threading.excepthook``.

        Raises:
            RuntimeError: no thread can be started.
        """
        with self._changed:
            if self._idle:
                self._idle -= 1
            else:
                threading.Thread(target=self._work, name="endface-call", daemon=True).start()
            self._calls.put(call)
            self._under_way += 1

    def wait(self, timeout_s: float) -> None:
        """Wait until no call is under way, for a time at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._under_way <= 0, timeout_s)

    def _work(self) -> None:
        while (call := self._next()) is not None:
            takes_another = False  # a thread ends with the call that raises
            try:
                call()
                takes_another = True
            finally:
                del call  # it holds its picture, which need not wait for the next one
                with self._changed:
                    self._under_way -= 1
                    self._idle += takes_another
                    self._changed.notify_all()

    def _next(self) -> Callable[[], None] | None:
        """The next call for this thread; None where it is to end."""
        while True:
            try:
                return self._calls.get(timeout=self._idle_s)
            except queue.Empty:
                with self._changed:
                    if self._idle:  # else a call that counts on this thread is about to come
                        self._idle -= 1
                        return None
