"""A record of every inspection: which verdict a part got, when, by which network and limits, and the picture of it.

A record is a folder: ``record.db``, an SQLite database in WAL mode, and ``pictures/``.  Why SQLite, and not lines of
JSON with an fsync each: both survive a kill and a power cut, and both cost one fsync an entry.  But a part is looked
up months later, which in lines means to read gigabytes; several programs write at once; and the oldest entries are
dropped while others read.  SQLite has the index, the lock, the recovery and the snapshot for that.  Lines could be
read by anything in twenty years; so can this: each row holds the whole text of its entry, and ``endface record
export`` writes CSV.  The price: a record must be written on a disk of the machine, not on a network share.

``entry`` says what an entry is, ``size_limit`` how the size is kept, ``verify`` what is checked.
"""

from __future__ import annotations

import json
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from endface.comparison import REWORK_AFTER
from endface.connector import ConnectorReport
from endface.files import sha256
from endface.report import Report
from endface_client._errors import ClientError
from endface_client._transport import wire
from endface_client._transport.wire import Picture
from endface_client.record import earlier
from endface_client.record.database import open_to_write, record_errors, transaction
from endface_client.record.entry import (
    GENESIS,
    SCHEMA,
    Mark,
    RecordBroken,
    RecordError,
    canonical,
    columns,
    method,
    plain,
    read_key,
    seal,
)
from endface_client.record.pictures import Pictures, ending
from endface_client.record.size_limit import SMALLEST_BYTES, SizeLimit

DEFAULT_LIMIT_BYTES: Final = 10_000_000_000


class Record:
    """An append-only record of inspections in a folder; threads may share it, and several processes may have it open.

        with Client("line-3:8001", profile="mm-pc") as client, Record("record") as record:
            report = client.inspect("face.png", serial="A123")
            record.add("face.png", report, server="line-3:8001")

    Args:
        folder: where the record is, on a disk of this machine; made if it is not there.
        limit_bytes: how large it may become, pictures included; then the oldest entries are dropped.
        key_file: a file with a secret of at least 16 bytes that seals the entries; whoever has not got it cannot
            change the record unnoticed.  A record keeps the key it was begun with.

    Raises:
        RecordError: the folder or the key cannot be used.
        RecordBroken: the last entry was changed, or was sealed with another key.
        ValueError: ``limit_bytes`` below a million.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        key_file: str | os.PathLike[str] | None = None,
    ) -> None:
        if limit_bytes < SMALLEST_BYTES:
            raise ValueError(f"limit_bytes is {limit_bytes}, it must be at least {SMALLEST_BYTES}")
        self.folder = Path(folder)
        self._key = read_key(Path(key_file) if key_file else None)
        self._lock = threading.Lock()
        self._process = os.getpid()
        with record_errors(self.folder):
            self._pictures = Pictures(self.folder, make=True)
            self._db = open_to_write(self.folder)
            self._size_limit = SizeLimit(self._db, self._pictures, limit_bytes)
            try:
                self._check_last()
                self._size_limit.sweep()
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; what was added is on the disk already."""
        with self._lock:
            self._db.close()

    @property
    def head(self) -> str:
        """Number and seal of the last entry, for ``endface record verify --head``; keep it where nobody can change it.

        Raises:
            RecordError: the record cannot be read.
        """
        with self._lock, record_errors(self.folder):
            return str(self._last())

    def add(  # noqa: PLR0913 - all but picture and result are optional and by keyword
        self,
        picture: Picture | None,
        result: Report | ClientError,
        *,
        name: str = "",
        serial: str = "",
        server: str = "",
        attempts: int | None = None,
        fiber: int | None = None,
        connector: ConnectorReport | None = None,
    ) -> str:
        """Add the outcome of one picture; it is on the disk when this returns.

        The picture is kept where the verdict is fail or invalid, or borderline.

        Args:
            picture: what was inspected; None only if it could not be.
            result: the report, or the error that kept it from being inspected.
            name: the picture's name, where there is no report that holds it.
            serial: the part's serial number, where there is no report that holds it.
            server: who inspected it, such as "line-3:8001".
            attempts: how often it was sent, where that is known.
            fiber: which fiber of a connector it is, from 1, in the order of ``connector.fibers`` where that is given.
            connector: the verdict on the whole connector; each of its fibers is an entry of its own.

        Returns:
            The entry's number and seal, as ``head``.

        Raises:
            UnreadablePicture: there is no such picture.
            RecordError: the report is that of another picture, or the disk is full or fails; nothing was added.
        """
        if os.getpid() != self._process:
            raise RuntimeError("this record was opened in another process; open it anew after a fork")
        data = None if picture is None else wire.encode(picture)
        digest = None if data is None else sha256(data)
        values: dict[str, Any] = {"kind": "inspection", "server": server, "attempts": attempts}
        if connector is not None:
            values["connector"] = {"verdict": connector.verdict, "fiber": fiber, "fibers": len(connector.fibers)}
        elif fiber is not None:
            values["fiber"] = fiber
        if isinstance(result, Report):
            if digest != result.image.sha256:
                raise RecordError(f"the report of {result.image.name!r} is of another picture; add what was inspected")
            values |= {"name": result.image.name, "serial": result.serial}
            values |= {"report": json.loads(result.to_json()), "error": None}
        else:
            values |= {"name": plain(name), "serial": plain(serial)}
            values |= {"report": None, "error": {"code": result.code, "message": plain(str(result))}}
        is_kept = isinstance(result, Report) and (result.borderline or result.verdict != "pass")
        return str(self._write(values, digest, data, is_kept=is_kept))

    def reinspected(
        self,
        picture: Picture,
        report: Report,
        *,
        fiber: int | None = None,
        rework_after: int = REWORK_AFTER,
        through: int | None = None,
    ) -> Report:
        """A report with what became of the marks since the part, or this fiber of it, was inspected before and failed.

        Call it before ``add``, which then keeps the comparison with the report.

        Args:
            picture: what was inspected.
            report: of it; its serial number tells the part.
            fiber: which fiber of a connector it is, as for ``add``.
            rework_after: cleanings after which a face that still fails is sent to rework.
            through: number of the last entry that is an earlier inspection; None for the last one.

        Returns:
            The report, with ``reinspection`` where there is something to compare.

        Raises:
            UnreadablePicture: there is no such picture.
            RecordError: the record cannot be read.
        """
        data = wire.encode(picture)
        return earlier.reinspected(self.folder, data, report, fiber=fiber, rework_after=rework_after, through=through)

    def _write(self, values: dict[str, Any], digest: str | None, data: bytes | None, *, is_kept: bool) -> Mark:
        """Bring an inspection to the disk, its picture first."""
        file = digest + ending(data) if digest and data and is_kept else None
        picture = None if data is None else {"sha256": digest, "bytes": len(data), "file": file}
        with self._lock, record_errors(self.folder):
            self._size_limit.keep(self._last(), self._append)
            with transaction(self._db):
                if file and data:
                    written = self._pictures.keep(file, data)
                    self._db.execute("UPDATE pictures SET bytes = bytes + ?", (written,))
                return self._append(values | {"picture": picture})

    def _append(self, values: dict[str, Any]) -> Mark:
        """Add an entry after the last one, inside of a transaction."""
        last = self._last()
        whole = values | {
            "schema": SCHEMA,
            "number": last.number + 1,
            "previous": last.seal,
            "sealed": method(self._key),
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        text = canonical(whole)
        mark = Mark(last.number + 1, seal(text, self._key))
        row = (mark.number, text, mark.seal, *columns(whole))
        self._db.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        return mark

    def _last(self) -> Mark:
        row = self._db.execute("SELECT number, seal FROM entry ORDER BY number DESC LIMIT 1").fetchone()
        return Mark(*row) if row else Mark(0, GENESIS)

    def _check_last(self) -> None:
        """Check that the last entry is whole and has the same key."""
        row = self._db.execute("SELECT number, seal, text FROM entry ORDER BY number DESC LIMIT 1").fetchone()
        if row and seal(row[2], self._key) != row[1]:
            raise RecordBroken(
                f"the last entry of {self.folder}, {row[0]}, does not fit its seal: it was changed, or the record has "
                "another key, or none; ask `endface record verify`, and begin another folder if it is broken"
            )
