"""Whether servers are worth waiting for: a circuit breaker that never keeps a picture from being tried."""

from __future__ import annotations

import threading


class Circuit:
    """Knows for how long servers have given no answer at all; threads may share it.

    It is open once nothing has been answered for ``patience_s`` although it was tried all that time.  A picture is then
    tried once on each server instead of again and again, and the first answer closes the circuit.

    Times are those of ``time.monotonic``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failing: tuple[float, float] | None = None  # since when, until when

    def answered(self) -> None:
        """A server has answered: a report, a refusal, or that its queue is full."""
        self._failing = None

    def failed(self, now_s: float, patience_s: float) -> None:
        """No server was there, or the one that was cannot inspect."""
        with self._lock:
            since_s, until_s = self._failing or (now_s, now_s)
            # What failed long ago says nothing about the time since: servers may have come and gone.
            self._failing = (now_s if now_s - until_s > patience_s else since_s, now_s)

    def is_open(self, now_s: float, patience_s: float) -> bool:
        """Whether it is no use to wait for an answer now."""
        if self._failing is None:
            return False
        since_s, until_s = self._failing
        return until_s - since_s >= patience_s >= now_s - until_s
