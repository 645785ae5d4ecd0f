"""The record of inspections: what is written down, what is kept, and how large it becomes."""

from __future__ import annotations

import dataclasses
import os
import resource
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from endface.files import sha256
from endface.report import ImageInfo, Problem, Report
from endface_client import Overloaded, Record, RecordError, UnreadablePicture
from endface_client.record.database import entries, reading
from endface_client.record.entry import Entry, RecordBroken
from endface_client.record.verify import check
from endface_client.testing import PASS

PNG = b"\x89PNG\r\n\x1a\n"


def of(picture: bytes, **changes: Any) -> Report:
    """The report of a picture, a pass unless changed."""
    return dataclasses.replace(PASS, image=ImageInfo("face.png", sha256(picture), 1200, 1000), **changes)


def failed(picture: bytes, **changes: Any) -> Report:
    """A report that keeps its picture."""
    return of(picture, verdict="fail", reasons=("zone A: pit 1",), **changes)


def fill(record: Record, count: int, picture_bytes: int) -> None:
    """Add failures whose pictures are all different."""
    for index in range(count):
        data = PNG + bytes([index]) * picture_bytes
        record.add(data, failed(data, serial=str(index)))


def read(folder: Path, serial: str | None = None) -> list[Entry]:
    """The inspections in a record."""
    with reading(folder) as db:
        return list(entries(db, serial=serial))


def kept(folder: Path) -> set[str]:
    """The files of pictures."""
    return {path.name for path in (folder / "pictures").iterdir()}


def test_an_entry_holds_the_whole_report_and_where_it_came_from(tmp_path: Path, found: Report, gray_png: bytes) -> None:
    """What is read back equals what was added, with time, server, attempts and the picture's digest."""
    report = dataclasses.replace(found, image=ImageInfo("face.png", sha256(gray_png), 1200, 1000))
    with Record(tmp_path) as record:
        mark = record.add(gray_png, report, server="line-3:8001", attempts=2)
        assert record.head == mark
    (entry,) = read(tmp_path, serial="A123")

    assert entry.report == report
    assert str(entry.mark) == mark
    assert (entry.values["server"], entry.values["attempts"]) == ("line-3:8001", 2)
    assert entry.values["picture"]["sha256"] == sha256(gray_png)
    assert entry.time.utcoffset().total_seconds() == 0


def test_a_picture_that_was_not_inspected_is_written_down(tmp_path: Path) -> None:
    """An error is an entry with its code, never a gap."""
    with Record(tmp_path) as record:
        record.add(None, Overloaded("line-3 has a full queue"), name="face.png", serial="A124")
    (entry,) = read(tmp_path, serial="A124")

    assert (entry.word, entry.report) == ("error", None)
    assert entry.error == Problem("overloaded", "line-3 has a full queue")


@pytest.mark.parametrize(
    ("changes", "is_kept"),
    [
        ({}, False),
        ({"borderline": True}, True),
        ({"verdict": "fail"}, True),
        ({"verdict": "invalid", "error": Problem("no_fiber", "no cladding"), "fiber": None, "zones": ()}, True),
    ],
    ids=["pass", "borderline", "fail", "invalid"],
)
def test_pictures_are_kept_where_somebody_may_ask_for_them(
    tmp_path: Path, changes: dict[str, Any], is_kept: bool
) -> None:
    """Fail, invalid and borderline; a clear pass has only its digest."""
    with Record(tmp_path) as record:
        record.add(PNG + b"1", of(PNG + b"1", **changes))

    assert kept(tmp_path) == ({f"{sha256(PNG + b'1')}.png"} if is_kept else set())


def test_the_same_picture_is_kept_once(tmp_path: Path) -> None:
    """Two entries speak of one file."""
    with Record(tmp_path) as record:
        record.add(PNG, failed(PNG, serial="A"))
        record.add(PNG, failed(PNG, serial="B"))

    assert len(kept(tmp_path)) == 1
    assert len({entry.picture_file for entry in read(tmp_path)}) == 1


@pytest.mark.parametrize(
    ("start", "ending"),
    [(PNG, ".png"), (b"\xff\xd8\xff\xe0", ".jpg"), (b"BM", ".bmp"), (b"II*\0", ".tif"), (b"MM\0*", ".tif"), (b"?", "")],
)
def test_a_kept_picture_opens_in_a_viewer(tmp_path: Path, start: bytes, ending: str) -> None:
    """Its name ends as its format asks for."""
    with Record(tmp_path) as record:
        record.add(start, failed(start))

    assert kept(tmp_path) == {sha256(start) + ending}


def test_a_picture_is_whatever_a_client_takes(tmp_path: Path, gray_png: bytes) -> None:
    """A path or an array stands for the bytes that the client sends for it."""
    path = tmp_path / "face.png"
    path.write_bytes(gray_png)
    levels = np.full((8, 8), 7, np.uint8)
    with Record(tmp_path / "record") as record:
        record.add(path, of(gray_png))
        with pytest.raises(UnreadablePicture):
            record.add(tmp_path / "gone.png", of(gray_png))
        for other in (levels, None):
            with pytest.raises(RecordError, match="another picture"):
                record.add(other, of(gray_png))

    assert len(read(tmp_path / "record")) == 1


def test_texts_that_are_no_unicode_are_spelled_out(tmp_path: Path) -> None:
    """A file's name may hold any bytes; its error is written down all the same, and found."""
    with Record(tmp_path) as record:
        record.add(None, UnreadablePicture("a\udcff.png is gone"), name="a\udcff.png", serial="\udcff")

    assert [entry.values["name"] for entry in read(tmp_path, serial=r"\udcff")] == [r"a\udcff.png"]
    assert check(tmp_path).inspections == 1


def test_threads_and_connections_write_one_chain(tmp_path: Path) -> None:
    """Two programs' worth of connections with three threads each lose nothing and break nothing."""
    with Record(tmp_path) as one, Record(tmp_path) as other:

        def write(record: Record, number: int) -> None:
            for index in range(15):
                data = PNG + bytes([number, index])
                record.add(data, failed(data))

        threads = [
            threading.Thread(target=write, args=(record, number))
            for number, record in enumerate((one, other, one, other, one, other))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert check(tmp_path).inspections == 90
    assert len(kept(tmp_path)) == 90


WRITER = """
import sys
from endface_client import Record, ServerUnavailable
with Record(sys.argv[1]) as record:
    for index in range(40):
        record.add(None, ServerUnavailable("no server"), serial=f"{sys.argv[2]}-{index}")
"""


def test_processes_that_begin_at_once_write_one_record(tmp_path: Path) -> None:
    """Whoever is first makes the record; nobody's entry is lost."""
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, tmp_path / "record", name]) for name in "abc"]

    assert [writer.wait(120) for writer in writers] == [0, 0, 0]
    assert check(tmp_path / "record").inspections == 120


def size(folder: Path) -> int:
    """Bytes of the database and the pictures; the log beside it is bounded by itself."""
    pictures = sum(path.stat().st_size for path in (folder / "pictures").iterdir())
    return (folder / "record.db").stat().st_size + pictures


def test_the_oldest_go_when_the_record_is_full(tmp_path: Path) -> None:
    """The size is kept, the newest stay with their pictures, and the chain verifies all the time."""
    with Record(tmp_path, limit_bytes=1_000_000) as record:
        for index in range(100):
            data = PNG + bytes([index]) * 40_000
            record.add(data, failed(data, serial=str(index)))
            if index % 10 == 0:
                check(tmp_path)
    found, inspected = check(tmp_path), read(tmp_path)

    assert size(tmp_path) <= 1_000_000 + 50_000  # one picture and a few pages
    assert found.dropped.number > 50
    assert found.first == found.dropped.number + 1
    assert 15 < len(inspected) < 25
    assert inspected[-1].values["serial"] == "99"
    assert kept(tmp_path) == {entry.picture_file for entry in inspected}


def test_a_picture_stays_while_any_entry_speaks_of_it(tmp_path: Path) -> None:
    """What was dropped with an old entry may belong to a new one."""
    with Record(tmp_path, limit_bytes=1_000_000) as record:
        for index in range(60):
            data = PNG + bytes([index]) * 40_000
            record.add(data, failed(data))
            record.add(PNG, failed(PNG))

    assert f"{sha256(PNG)}.png" in kept(tmp_path)
    assert check(tmp_path).dropped.number


def test_room_moves_from_entries_to_pictures(tmp_path: Path) -> None:
    """A database that was full of passes shrinks when pictures need the room."""
    with Record(tmp_path, limit_bytes=1_000_000) as record:
        for index in range(60):
            record.add(PNG, of(PNG, meta={"note": "x" * 20_000}, serial=str(index)))
        fill(record, 60, 40_000)

    assert size(tmp_path) <= 1_000_000 + 50_000
    assert check(tmp_path).dropped.number


def test_a_picture_larger_than_the_bound_is_kept_until_the_next(tmp_path: Path) -> None:
    """Nothing that was just added is dropped."""
    with Record(tmp_path, limit_bytes=1_000_000) as record:
        fill(record, 3, 2_000_000)

    last = read(tmp_path)[-1]
    assert last.values["serial"] == "2"
    assert last.picture_file in kept(tmp_path)
    assert check(tmp_path).dropped.number


def test_what_a_killed_process_left_is_swept_once_it_is_old(tmp_path: Path) -> None:
    """A picture without an entry goes when the bound has passed its time; until then it may be somebody's evidence."""
    with Record(tmp_path) as record:
        record.add(PNG, of(PNG))
    orphan, note = tmp_path / "pictures" / ("0" * 64 + ".png"), tmp_path / "pictures" / "note.txt"
    orphan.write_bytes(PNG)
    note.write_bytes(b"a user's own")
    Record(tmp_path).close()
    assert orphan.exists()
    for path in (orphan, note):
        os.utime(path, (0, 0))
    Record(tmp_path).close()

    assert kept(tmp_path) == {"note.txt"}


def test_a_full_disk_adds_nothing_and_breaks_nothing(tmp_path: Path) -> None:
    """The caller is told; what was written stays, and the record goes on when there is room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Record(tmp_path) as record:
        record.add(PNG, of(PNG))
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
        try:
            with pytest.raises(RecordError, match="check disk"):
                record.add(PNG, of(PNG, meta={"note": "x" * 200_000}))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert check(tmp_path).inspections == 1
        record.add(PNG, of(PNG))

    assert check(tmp_path).inspections == 2


def test_a_forked_process_opens_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite's connections do not survive a fork; using one would destroy the record."""
    with Record(tmp_path) as record:
        monkeypatch.setattr(os, "getpid", lambda: -1)
        with pytest.raises(RuntimeError, match="after a fork"):
            record.add(PNG, of(PNG))


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"no database at all, but long enough to have a header" * 20, "cannot be used"), (b"", "version")],
    ids=["no database", "another version"],
)
def test_what_is_no_record_is_left_alone(tmp_path: Path, content: bytes, words: str) -> None:
    """A file of that name that is no record of ours is told and not touched."""
    (tmp_path / "record.db").write_bytes(content)
    with pytest.raises(RecordError, match=words):
        Record(tmp_path)

    assert (tmp_path / "record.db").read_bytes() == content


def test_a_bound_that_holds_nothing_is_a_mistake(tmp_path: Path) -> None:
    """Less than a megabyte."""
    with pytest.raises(ValueError, match="limit_bytes"):
        Record(tmp_path, limit_bytes=999_999)


def test_a_key_is_kept_for_life(tmp_path: Path) -> None:
    """A record is not continued with another key, nor without one, nor one without a key with one."""
    keys = [tmp_path / name for name in ("key", "other")]
    for path in keys:
        path.write_text(path.name * 16)
    with Record(tmp_path / "sealed", key_file=keys[0]) as record:
        record.add(PNG, of(PNG))
    with Record(tmp_path / "open") as record:
        record.add(PNG, of(PNG))

    for folder, key in (("sealed", keys[1]), ("sealed", None), ("open", keys[0])):
        with pytest.raises(RecordBroken, match="another key"):
            Record(tmp_path / folder, key_file=key)


def test_a_key_that_can_be_guessed_is_refused(tmp_path: Path) -> None:
    """Too short, or not there."""
    (tmp_path / "key").write_text("secret\n")
    with pytest.raises(RecordError, match="6 bytes"):
        Record(tmp_path, key_file=tmp_path / "key")
    with pytest.raises(RecordError, match="cannot be read"):
        Record(tmp_path, key_file=tmp_path / "gone")
