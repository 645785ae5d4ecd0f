"""Marker that says since when a stage's process works on a request: eight bytes in a file, for the supervisor.

A stage that hangs in one of several processes is seen nowhere else: Triton calls its model ready, and the other
processes answer.  Writing costs two microseconds, and nobody waits for it.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from endface import environment

_SINCE: Final = struct.Struct("=Q")
_IDLE: Final = 0


class BusyMarker:
    """The marker of this process, in a file named by its process id; a context manager around the work on requests.

    Outside a server that ``endface serve`` started nobody reads it, and nothing is written.
    """

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None
        workspace = environment.workspace()
        if workspace:
            with (workspace / environment.BUSY_FOLDER / str(os.getpid())).open("w+b") as file:
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


def busy_since(folder: Path) -> dict[int, int]:
    """Processes that work on a request, or ended in the middle of one, and since when, by ``time.monotonic_ns``.

    Args:
        folder: where the markers are; none are there while it is missing.
    """
    return {pid: since_ns for pid, since_ns in _markers(folder) if since_ns != _IDLE}


def _markers(folder: Path) -> Iterator[tuple[int, int]]:
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            with contextlib.suppress(struct.error, FileNotFoundError):  # one is being made, or the folder removed
                yield int(path.name), *_SINCE.unpack(path.read_bytes())
