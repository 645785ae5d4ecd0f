"""The database of a record: its tables, and how it is opened to write and to read."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from endface.files import ASIDE, sync_folder
from endface_client._record.entry import Entry, Mark, RecordError, method, seal

FILE: Final = "record.db"

_VERSION: Final = 1  # of the tables
_LOG_BYTES: Final = 16_000_000  # what stays of record.db-wal after a long reader or a large drop has made it grow
_BUSY_S: Final = 60.0  # how long to wait for another process; it holds the lock for milliseconds

# serial, time, picture and picture_bytes repeat what the text says, to be found by; `verify` compares them.
_TABLES: Final = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE entry (
    number INTEGER PRIMARY KEY, text TEXT NOT NULL, seal TEXT NOT NULL,
    serial TEXT NOT NULL, time TEXT NOT NULL, picture TEXT, picture_bytes INTEGER NOT NULL
);
CREATE INDEX entry_serial ON entry (serial);
CREATE INDEX entry_time ON entry (time);
CREATE INDEX entry_picture ON entry (picture) WHERE picture IS NOT NULL;
CREATE TABLE pictures (bytes INTEGER NOT NULL);
INSERT INTO pictures VALUES (0);
PRAGMA user_version = {_VERSION};
"""


def open_to_write(folder: Path) -> sqlite3.Connection:
    """A connection that writes; a commit is on the disk when it returns.

    Raises:
        RecordError: what lies there is no record of this version.
    """
    path = folder / FILE
    if not path.exists():
        _create(path)
    # Record holds a lock of its own around every use, so that threads may share the connection.
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    _check_version(db, folder)
    db.execute("PRAGMA synchronous = FULL")  # without it, WAL may lose the last commits in a power cut
    db.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    return db


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees the record as it is now and changes nothing; writers go on meanwhile.

    Raises:
        RecordError: there is no record, or it cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        raise RecordError(f"{folder} holds no record: there is no {FILE} in it")
    address = f"{path.absolute().as_uri()}?mode=ro"
    connect = partial(sqlite3.connect, address, uri=True, timeout=_BUSY_S, isolation_level=None)
    with told(folder, (sqlite3.Error,)), closing(connect()) as db:
        db.text_factory = _lenient
        _check_version(db, folder)
        db.execute("BEGIN")
        yield db


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Everything in the block or nothing of it; no other thread or process writes meanwhile."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


@contextmanager
def told(folder: Path, errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)) -> Iterator[None]:
    """Say which record it was that the disk or the database failed.

    Args:
        folder: the record.
        errors: what to translate.

    Raises:
        RecordError: in their place.
    """
    try:
        yield
    except errors as exc:
        raise RecordError(f"the record {folder} cannot be used, check disk and permissions: {exc}") from exc


def entries(db: sqlite3.Connection, *, serial: str | None = None, since: str = "") -> Iterator[Entry]:
    """The inspections in a record, in order.

    Args:
        db: from ``reading``.
        serial: only those of this part.
        since: only those from this time on, ISO 8601 in UTC, or a beginning of it.

    Raises:
        RecordError: an entry does not fit its seal; with a key, only ``check`` can say so.
    """
    chosen, values = ("time >= ? AND serial = ?", (since, serial)) if serial is not None else ("time >= ?", (since,))
    rows = db.execute(f"SELECT number, seal, text FROM entry WHERE {chosen} ORDER BY number", values)
    for number, sealed, text in rows:
        try:
            entry = Entry(Mark(number, sealed), json.loads(text))
            if entry.values["sealed"] == method(None) and seal(text, None) != sealed:
                raise ValueError("it does not fit its seal")
            is_inspection = entry.kind == "inspection"
        except (ValueError, TypeError, KeyError) as exc:
            raise RecordError(f"entry {number} was changed; `endface record verify` says more: {exc}") from exc
        if is_inspection:
            yield entry


def _create(path: Path) -> None:
    """Make an empty database that appears whole; where two processes do so at once, the first one's stays."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=ASIDE) as aside:
        fresh = Path(aside, FILE)
        with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
            db.executescript(_TABLES)
        try:
            os.link(fresh, path)
        except FileExistsError:
            return
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)


def _lenient(data: bytes) -> str:
    """A text in the database; one with a damaged byte shall be told by its seal, not by SQLite."""
    return data.decode(errors="backslashreplace")


def _check_version(db: sqlite3.Connection, folder: Path) -> None:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version != _VERSION:
        db.close()
        raise RecordError(f"{folder / FILE} is no record of version {_VERSION} but {version}; take another folder")
