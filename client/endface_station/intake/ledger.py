"""The ids of files that were taken and left where they are, in a file that outlives the station."""

from __future__ import annotations

import os
from pathlib import Path


class TakenBefore:
    """Ids of files.

    Args:
        path: a file with an id on each line; made if it is not there.  None to remember them in memory only.

    Raises:
        OSError: it cannot be read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._ids = set(path.read_text(encoding="ascii").split()) if path and path.exists() else set[str]()

    def __contains__(self, file_id: str) -> bool:
        return file_id in self._ids

    def forget(self, file_id: str) -> None:
        """Forget a file that is not there any more; the ledger, which only grows, keeps it."""
        self._ids.discard(file_id)

    def add(self, file_id: str) -> None:
        """Remember a file; on the disk when this returns.

        Raises:
            OSError: the disk is full or fails.
        """
        self._ids.add(file_id)
        if self._path:
            with self._path.open("a", encoding="ascii") as out:
                out.write(f"{file_id}\n")
                out.flush()
                os.fsync(out.fileno())
