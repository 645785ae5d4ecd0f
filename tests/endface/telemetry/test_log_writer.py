from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from endface.telemetry.log_writer import LogWriter


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe: where it is read, and where it is written."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def test_lines_come_out_in_their_order(pipe: tuple[int, int]) -> None:
    """Each with its line feed; what no encoding can hold is escaped."""
    writer = LogWriter(pipe[1])
    for line in ("one", "\udcff", "three"):
        writer.write(line)
    writer.close()

    assert os.read(pipe[0], 1000) == b"one\n\\udcff\nthree\n"
    assert writer.dropped == 0


def test_closed_stream_is_no_file_of_somebody_else(pipe: tuple[int, int]) -> None:
    """``endface serve 2>&-``: its number may belong to another file by now."""
    writer = LogWriter.to(None)
    writer.write("line")
    writer.close(timeout_s=60)
    with os.fdopen(os.dup(pipe[1]), "w") as stream:
        LogWriter.to(stream).write("other")
        assert os.read(pipe[0], 1000) == b"other\n"

    assert writer.dropped == 0


def test_reader_that_has_stopped_stops_nobody() -> None:
    """A stopped terminal takes nothing, for hours: lines beyond the buffer are dropped, and counted."""
    reader, descriptor = os.pipe()
    writer = LogWriter(descriptor, most_lines=10)
    for _ in range(1000):
        writer.write("x" * 4095)
    writer.close(timeout_s=0)

    assert 1000 - 100 < writer.dropped < 1000  # the pipe holds 64 KiB, the buffer ten lines
    os.close(reader)
    writer.close(timeout_s=60)
    assert writer.dropped > 1000 - 20  # those that waited are lost with their reader, too
    os.close(descriptor)


@pytest.mark.parametrize("disk", ["/dev/full", "closed"])
def test_disk_that_is_full_costs_only_the_lines(pipe: tuple[int, int], disk: str) -> None:
    """So does a reader that has ended."""
    reader, descriptor = os.pipe() if disk == "closed" else (os.dup(pipe[0]), os.open(disk, os.O_WRONLY))
    os.close(reader)
    writer = LogWriter(descriptor)
    for _ in range(5):
        writer.write("line")
    writer.close(timeout_s=60)
    os.close(descriptor)

    assert writer.dropped == 5


def test_disk_that_has_room_again_gets_lines(tmp_path: Path) -> None:
    """What was dropped is lost, what comes later is written."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(descriptor)
    writer.write("lost")
    while not writer.dropped:
        pass
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, descriptor)
    writer.write("kept")
    writer.close(timeout_s=60)

    assert (tmp_path / "log").read_text() == "kept\n"
    for each in (log, descriptor):
        os.close(each)
