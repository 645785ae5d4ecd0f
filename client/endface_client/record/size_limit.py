"""The size limit of a record: its oldest entries are deleted, and an entry in the chain says up to which one.

That entry, of the kind ``dropped``, holds the number and the seal of the last one that is deleted, and is added in the
same transaction.  The chain begins there from then on; a record that begins anywhere else was tampered with.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from endface_client.record.database import transaction
from endface_client.record.entry import Mark
from endface_client.record.pictures import Pictures

SMALLEST_BYTES: Final = 1_000_000
"""The smallest limit; an empty database has about 50 kB."""

_SHARE_AT_ONCE: Final = 0.01  # of the limit: so rarely that it costs nothing, so little that nobody waits
_PAGES_AT_ONCE: Final = 256  # given back to the file system after an addition, 1 MiB: no addition waits for more
_ROW_BYTES: Final = 300  # of an entry beside its text: seal, columns, indexes

Append = Callable[[dict[str, Any]], Mark]
"""Adds an entry with some values; called inside of a transaction."""


@dataclass(frozen=True)
class SizeLimit:
    """Deletes the oldest entries and pictures of a record where it exceeds ``limit_bytes``."""

    db: sqlite3.Connection
    pictures: Pictures
    limit_bytes: int

    def sweep(self) -> None:
        """Count the pictures anew, and remove those that a killed process has left."""
        with transaction(self.db):
            (oldest,) = self.db.execute("SELECT min(time) FROM entry").fetchone()
            needed = {file for (file,) in self.db.execute("SELECT DISTINCT picture FROM entry WHERE picture NOT NULL")}
            before_s = datetime.fromisoformat(oldest).timestamp() if oldest else 0.0
            self.db.execute("UPDATE pictures SET bytes = ?", (self.pictures.sweep(needed, before_s),))

    def keep(self, newest: Mark, append: Append) -> None:
        """Drop what is too much, but never the newest entry: a record is never empty again."""
        while self._bytes("page_count - freelist_count") > self.limit_bytes:
            with transaction(self.db):
                files = self._drop(newest.number, append)
            if files is None:
                break
            self._remove(files)
        if self._bytes("page_count") > self.limit_bytes:
            self.db.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")  # `execute` would free a single page

    def _bytes(self, pages: str) -> int:
        (size,) = self.db.execute(
            f"SELECT ({pages}) * page_size + bytes FROM pragma_page_count, pragma_freelist_count, pragma_page_size, "
            "pictures"
        ).fetchone()
        return int(size)

    def _drop(self, newest: int, append: Append) -> set[str] | None:
        """Delete the oldest entries before the newest.

        Returns:
            Their pictures; None where there is nothing to drop.
        """
        excess = self._bytes("page_count - freelist_count") - (1 - _SHARE_AT_ONCE) * self.limit_bytes
        rows = self.db.execute(
            "SELECT number, seal, length(text), picture, picture_bytes FROM entry WHERE number < ? ORDER BY number",
            (newest,),
        )
        dropped: list[Mark] = []
        files: set[str] = set()
        for number, seal, text_bytes, picture, picture_bytes in rows:
            dropped.append(Mark(number, seal))
            files |= {picture} - {None}
            excess -= text_bytes + _ROW_BYTES + picture_bytes
            if excess <= 0:
                break
        rows.close()
        if not dropped:
            return None
        first, last = dropped[0], dropped[-1]
        append({"kind": "dropped", "first": first.number, "through": last.number, "seal": last.seal})
        self.db.execute("DELETE FROM entry WHERE number <= ?", (last.number,))
        return files

    def _remove(self, files: set[str]) -> None:
        """Remove pictures that no entry speaks of any longer.

        It is another transaction than the entries' so that a kill between them leaves a picture too many, which
        ``sweep`` finds, and never an entry without its picture.
        """
        with transaction(self.db):
            unneeded = [
                file
                for file in files
                if not self.db.execute("SELECT 1 FROM entry WHERE picture = ? LIMIT 1", (file,)).fetchone()
            ]
            self.db.execute("UPDATE pictures SET bytes = bytes - ?", (self.pictures.remove(unneeded),))
