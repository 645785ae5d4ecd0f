"""The database of a record: its tables, and how it is opened to write and to read.

A record is written on a disk of the machine, since SQLite's log in WAL mode is shared memory between programs.  It is
read from anywhere: from a disk that cannot be written, and by users who may only read.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from endface.files import ASIDE, in_words, sync_folder
from endface_client.record.entry import Entry, Mark, RecordError, method, seal

FILE: Final = "record.db"

_LOG: Final = f"{FILE}-wal"
_VERSION: Final = 1  # of the tables
# What SQLite says where it cannot make or share the files of its log.
_NO_LOG: Final = (
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_PERM,
)
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
        RecordError: what lies there is no record of this version, or the disk cannot hold one.
    """
    path = folder / FILE
    if not path.exists():
        _create(path)
    # Record holds a lock of its own around every use, so that threads may share the connection.
    db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        _check_version(db, folder)
        _check_log(db, folder)
    except BaseException:
        db.close()
        raise
    db.execute("PRAGMA synchronous = FULL")  # without it, WAL may lose the last commits in a power cut
    db.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    return db


@contextmanager
def reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees the record as it is now and changes nothing; writers go on meanwhile.

    Raises:
        RecordError: there is no record, or it cannot be read.
    """
    if not (folder / FILE).is_file():
        missing = f"there is no {FILE} in it" if folder.is_dir() else "it is a file; name the folder of one"
        raise RecordError(f"{folder} holds no record: {missing if folder.exists() else 'there is no such folder'}")
    with record_errors(folder, (sqlite3.Error,)), _connection(folder) as db:
        db.text_factory = _lenient
        _check_version(db, folder)
        db.execute("BEGIN")
        yield db


@contextmanager
def _connection(folder: Path) -> Iterator[sqlite3.Connection]:
    """A connection to read, without right to write if need be.

    SQLite wants to make files beside a database in WAL mode, even to read it.  Where it cannot, nobody can write there
    from this machine, and the database is read as it lies there; with a log beside it, as a copy.
    """
    with contextlib.ExitStack() as stack:
        db = stack.enter_context(closing(_connect(folder, "mode=ro")))
        if _can_read(db):
            yield db
        elif _log_bytes(folder):
            aside = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=ASIDE)))
            for name in (FILE, _LOG):
                shutil.copyfile(folder / name, aside / name)
            yield stack.enter_context(closing(_connect(aside, "mode=rw")))
        else:
            yield stack.enter_context(closing(_connect(folder, "mode=ro&immutable=1")))
            if _log_bytes(folder):
                raise RecordError(f"{folder} was written to while it was read; read it again")


def _can_read(db: sqlite3.Connection) -> bool:
    try:
        db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF in _NO_LOG:
            return False
        raise
    return True


def _connect(folder: Path, how: str) -> sqlite3.Connection:
    address = f"{(folder / FILE).absolute().as_uri()}?{how}"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None)


def _log_bytes(folder: Path) -> int:
    log = folder / _LOG
    return log.stat().st_size if log.exists() else 0


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Transaction: all of the block is written or nothing, and no other thread or process writes meanwhile."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


@contextmanager
def record_errors(folder: Path, errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)) -> Iterator[None]:
    """Name the record in the errors of its disk and its database.

    Args:
        folder: the record.
        errors: what to translate.

    Raises:
        RecordError: in their place.
    """
    try:
        yield
    except errors as exc:
        reason = in_words(exc) if isinstance(exc, OSError) else str(exc)
        raise RecordError(f"the record {folder} cannot be used, check disk and permissions: {reason}") from exc


def entries(
    db: sqlite3.Connection, *, serial: str | None = None, name: str | None = None, since: str = ""
) -> Iterator[Entry]:
    """The inspections in a record, in order.

    Args:
        db: from ``reading``.
        serial: only those of this part.
        name: only those of pictures with this name; there is no index, every entry is looked at.
        since: only those from this time on, ISO 8601 in UTC, or a beginning of it.

    Raises:
        RecordError: an entry does not fit its seal; with a key, only ``check`` can say so.
    """
    chosen, values = "time >= ?", [since]
    if serial is not None:
        chosen, values = f"{chosen} AND serial = ?", [*values, serial]
    if name is not None:
        chosen, values = f"{chosen} AND instr(text, ?)", [*values, f'"name":{json.dumps(name)}']
    rows = db.execute(f"SELECT number, seal, text FROM entry WHERE {chosen} ORDER BY number", values)
    for number, sealed, text in rows:
        try:
            entry = Entry(Mark(number, sealed), json.loads(text))
            if entry.values["sealed"] == method(None) and seal(text, None) != sealed:
                raise ValueError("it does not fit its seal")
            is_chosen = entry.kind == "inspection" and name in (None, entry.values["name"])
        except (ValueError, TypeError, KeyError) as exc:
            raise RecordError(f"entry {number} was changed; `endface record verify` says more: {exc}") from exc
        if is_chosen:
            yield entry


def _create(path: Path) -> None:
    """Make an empty database that appears whole; where two processes do so at once, the first one's stays."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=ASIDE) as aside:
        fresh = Path(aside, FILE)
        with closing(sqlite3.connect(fresh, isolation_level=None)) as db:
            db.executescript(_TABLES)
            _check_log(db, path.parent)
        try:
            os.link(fresh, path)
        except FileExistsError:
            return
        except OSError:  # no hard links there, as on a USB stick: then the process that makes the file writes it
            try:
                with path.open("xb") as file:
                    file.write(fresh.read_bytes())
                    file.flush()
                    os.fsync(file.fileno())
            except FileExistsError:
                return
    for folder in (path.parent, path.parent.parent):
        sync_folder(folder)


def _lenient(data: bytes) -> str:
    """A text in the database; a damaged byte is found by the seal, and must not stop SQLite before."""
    return data.decode(errors="backslashreplace")


def _check_version(db: sqlite3.Connection, folder: Path) -> None:
    try:
        (version,) = db.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError as exc:
        if exc.sqlite_errorcode & 0xFF in _NO_LOG and os.access(folder, os.W_OK):
            raise _no_place(folder) from exc
        raise
    if version != _VERSION:
        raise RecordError(f"{folder / FILE} is no record of version {_VERSION} but {version}; take another folder")


def _check_log(db: sqlite3.Connection, folder: Path) -> None:
    if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        raise _no_place(folder)


def _no_place(folder: Path) -> RecordError:
    return RecordError(
        f"the disk of {folder} cannot hold a record: programs cannot share memory there, as on a network share; write "
        "the record on a disk of this machine, and take it there with `endface record copy`"
    )
