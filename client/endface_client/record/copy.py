"""A copy of a record while programs write to it."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from endface.files import ASIDE, sync_folder, whole_file
from endface_client.record.database import FILE, reading, record_errors
from endface_client.record.entry import RecordError
from endface_client.record.pictures import Pictures


def copy(folder: Path, target: Path) -> None:
    """Copy a record as it is at one moment; pictures that an earlier copy has brought there stay.

    Args:
        folder: the record.
        target: another folder; a copy of this record that lies there is replaced.

    Raises:
        RecordError: there is no record, another one lies in the target, or the copy cannot be written.
        RecordBroken: an entry names a file outside of its pictures.
    """
    if target.resolve() == folder.resolve():
        raise RecordError(f"{target} is the record itself; copy it to another folder")
    _check_target(folder, target)
    with record_errors(target):
        pictures = Pictures(target, make=True)
        with tempfile.TemporaryDirectory(dir=target, prefix=ASIDE) as aside:
            database = Path(aside, FILE)
            # Where the size limit drops pictures before they are copied, a newer snapshot does not name them any more.
            while not _copy_pictures(_snapshot(folder, database), Pictures(folder), pictures):
                pass
            database.replace(target / FILE)
        sync_folder(target)


def _check_target(folder: Path, target: Path) -> None:
    """Refuse a target with another record, as far as the entries that are still here can tell."""
    with reading(folder) as db:  # nothing is made for a wrong name
        if not (target / FILE).exists():
            return
        with reading(target) as copied:
            number, seal = copied.execute("SELECT number, seal FROM entry ORDER BY number DESC").fetchone() or (0, "")
        (first,) = db.execute("SELECT min(number) FROM entry").fetchone()
        ours = db.execute("SELECT seal FROM entry WHERE number = ?", (number,)).fetchone()
    if number >= (first or 1) and ours != (seal,):
        raise RecordError(f"{target} holds another record, or one that goes further; copy to another folder")


def _snapshot(folder: Path, database: Path) -> list[str]:
    """Copy the database; return the pictures that its entries speak of.

    The copy may lie on a network share, where SQLite can neither lock nor share memory: nobody else has it open.
    """
    unlocked = "win32-none" if os.name == "nt" else "unix-none"
    database.unlink(missing_ok=True)  # an older snapshot
    address = f"{database.absolute().as_uri()}?vfs={unlocked}"
    with reading(folder) as db, closing(sqlite3.connect(address, uri=True)) as copied:
        files = [file for (file,) in db.execute("SELECT DISTINCT picture FROM entry WHERE picture NOT NULL")]
        db.backup(copied)
        return files


def _copy_pictures(files: list[str], source: Pictures, target: Pictures) -> bool:
    """Copy the pictures that are missing; False if one was dropped meanwhile."""
    for file in files:
        if target.path(file).exists():
            continue
        try:
            data = source.path(file).read_bytes()
        except FileNotFoundError:
            return False
        with whole_file(target.path(file)) as out:
            out.write(data)
    return True
