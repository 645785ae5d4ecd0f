"""Since when each process of a stage works on what it works on: eight bytes in a file of its own, for the supervisor.

A stage that hangs in one of several processes is seen nowhere else: Triton calls its model ready, and the other
processes answer.  Writing costs two microseconds, and nobody waits for it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import time
from pathlib import Path
from typing import Final

from endface import environment

_SINCE: Final = struct.Struct("=Q")
_IDLE: Final = 0


class Execution:
    """What this process does now; a context manager around everything it does for a request.

    Outside a server that ``endface serve`` started nobody wants to know, and nothing is written.
    """

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None
        folder = os.environ.get(environment.EXECUTIONS)
        if folder:
            with (Path(folder) / str(os.getpid())).open("w+b") as file:
                file.write(_SINCE.pack(_IDLE))  # takes its place on the disk now: a full one would end us later
                file.flush()
                self._memory = mmap.mmap(file.fileno(), _SINCE.size)

    def __enter__(self) -> None:
        self._write(time.monotonic_ns())

    def __exit__(self, *_: object) -> None:
        self._write(_IDLE)

    def _write(self, since_ns: int) -> None:
        if self._memory is not None:
            _SINCE.pack_into(self._memory, 0, since_ns)


def under_way(folder: Path) -> dict[int, int]:
    """Processes that work on something, or ended in the middle of it, and since when, by ``time.monotonic_ns``.

    Args:
        folder: where they write.
    """
    found = {}
    for path in folder.iterdir():
        with contextlib.suppress(struct.error):  # one is being made
            (found[int(path.name)],) = _SINCE.unpack(path.read_bytes())
    return {pid: since_ns for pid, since_ns in found.items() if since_ns != _IDLE}
