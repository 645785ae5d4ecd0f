"""A station's client under gevent: closes its connection exactly once."""

from __future__ import annotations

from benchmarks.common.stations import StationClient


class GeventClient(StationClient):
    """A client for a process in which gRPC uses gevent.

    There gRPC counts channels, and a thread of gevent's pool waits for work until none is left.  tritonclient closes a
    channel when it is asked to and again when it is collected, and gRPC counts both: the number is not zero at the end,
    so the thread is killed where it waits, holding gRPC's lock, and the interpreter's last collection, which closes
    channels, waits for that lock for ever.
    """

    def close(self) -> None:
        """Close the connection, and leave nothing to close for the garbage collector."""
        super().close()
        self._triton.close = _nothing


def _nothing() -> None:
    """What is closed stays closed."""
