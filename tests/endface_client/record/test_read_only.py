"""Records where they are kept: on media that cannot be written, on sticks and shares."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from endface_client import Record, RecordError, ServerUnavailable
from endface_client.record.database import entries, reading
from endface_client.record.verify import check
from endface_client.testing import FakeServer

Run = Callable[..., Result]

NOBODY = 65534


def fill(folder: Path, first: int = 1) -> Record:
    """A record with three more inspections, still open."""
    record = Record(folder)
    for number in range(first, first + 3):
        record.add(None, ServerUnavailable("no server"), serial=f"A{number}", name="face.png")
    return record


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that other users can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody may write into the folder; root, who always may, acts as somebody else."""
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    is_root = os.geteuid() == 0
    if is_root:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        with pytest.raises(PermissionError):
            (folder / "probe").touch()
        yield
    finally:
        if is_root:
            os.setresuid(0, 0, 0)
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755)


def test_record_without_a_log_is_read(run: Run, place: Path) -> None:
    """Verified, shown, exported and copied, as from a disc."""
    fill(place / "record").close()
    (place / "target").mkdir(mode=0o777)
    (place / "target").chmod(0o777)
    record, copy = place / "record", place / "target" / "copy"
    commands = [
        ["verify", record],
        ["show", record, "A2"],
        ["export", record],
        ["copy", record, copy],
        ["verify", copy],
    ]

    def read() -> list[Result]:
        return [run("record", *command) for command in commands]

    read()  # imports what somebody else may not be able to
    shutil.rmtree(copy)
    with read_only(record):
        results = read()

    assert [result.exit_code for result in results] == [0] * 5, [result.stderr for result in results]
    assert results[2].stdout.count("face.png") == 3
    assert "intact: 3 inspections" in results[4].stdout


WRITER = """
import sys
from endface_client import Record, ServerUnavailable
with Record(sys.argv[1]) as record:
    for number in range(3):
        record.add(None, ServerUnavailable("no server"), serial=str(number))
    print("written", flush=True)
    sys.stdin.read()
"""


def test_record_in_use_is_read_by_whoever_may_only_read(place: Path) -> None:
    """Another process has it open, and its newest entries are in the log beside it."""
    command = [sys.executable, "-c", WRITER, str(place / "record")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == "written\n"
        with read_only(place / "record"):
            assert (place / "record" / "record.db-wal").stat().st_size
            assert check(place / "record").inspections == 3
        writer.communicate("")


@pytest.mark.parametrize("with_index", [True, False], ids=["whole", "without the log's index"])
def test_newest_entries_are_read_from_a_log(place: Path, with_index: bool) -> None:
    """A record that was copied, or whose writer was killed, has its newest entries in a log that nobody has merged."""
    (place / "copied").mkdir()
    with fill(place / "record"):
        for name in ("record.db", "record.db-wal", "record.db-shm")[: 3 if with_index else 2]:
            shutil.copyfile(place / "record" / name, place / "copied" / name)
    with read_only(place / "copied"), reading(place / "copied") as db:
        assert [entry.values["serial"] for entry in entries(db)] == ["A1", "A2", "A3"]


def test_record_can_be_made_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a USB stick; it goes on like any other."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    fill(tmp_path).close()
    fill(tmp_path, 4).close()

    assert check(tmp_path).inspections == 6


def test_record_obeys_the_umask(tmp_path: Path) -> None:
    """Nobody else reads it under 077."""
    before = os.umask(0o077)
    try:
        fill(tmp_path / "record").close()
    finally:
        os.umask(before)

    assert {oct(path.stat().st_mode & 0o077) for path in (tmp_path / "record").rglob("*")} == {"0o0"}


def test_folder_that_cannot_be_written_is_said_before_the_first_picture(place: Path) -> None:
    """Where the record is opened."""
    fill(place / "record").close()
    with read_only(place / "record"), pytest.raises(RecordError, match="cannot be used, check disk and permissions"):
        Record(place / "record")


@pytest.fixture
def without_shared_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every disk is like a share, where SQLite's log has no index."""
    connect = sqlite3.connect

    def connected(database: Path | str, **settings: Any) -> sqlite3.Connection:
        address = str(database) if settings.pop("uri", False) else f"{Path(database).absolute().as_uri()}?mode=rwc"
        return connect(f"{address}&vfs=unix-none", uri=True, **settings)

    monkeypatch.setattr(sqlite3, "connect", connected)


@pytest.mark.usefixtures("without_shared_memory")
def test_disk_that_cannot_hold_a_record_is_said_before_the_first_picture(
    run: Run, fake_server: FakeServer, pictures: Path, tmp_path: Path
) -> None:
    """One sentence with what to do; nothing is made there, and nothing is inspected."""
    result = run("inspect", pictures, "--profile", "mm-pc", "--record", tmp_path / "record")

    assert result.exit_code == 2
    assert "cannot hold a record" in result.stderr
    assert "`endface record copy`" in result.stderr
    assert list((tmp_path / "record").rglob("*.db")) == []
    assert fake_server.requests == []


def test_copy_cannot_be_written_where_records_cannot(run: Run, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """A record that was copied to a share is read there, and says so when somebody wants to write."""
    fill(tmp_path / "record").close()
    assert run("record", "copy", tmp_path / "record", tmp_path / "share").exit_code == 0
    request.getfixturevalue("without_shared_memory")

    assert check(tmp_path / "share").inspections == 3
    with pytest.raises(RecordError, match="cannot hold a record"):
        Record(tmp_path / "share")
