"""A record survives what kills its writer: SIGKILL at any moment, and a log that a power cut has torn."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from endface_client import Record, ServerUnavailable
from endface_client.record.verify import check


@pytest.mark.parametrize("limit_bytes", [10**9, 10**6], ids=["growing", "dropping"])
def test_a_kill_costs_at_most_the_call_in_flight(project: Path, tmp_path: Path, limit_bytes: int) -> None:
    """Writers are killed at random moments: the chain holds, and all that a writer was told is there.

    Few of them here: the test below tries every kind of end that a log can have.  The program takes any number.
    """
    rounds = 10
    program = [sys.executable, project / "tests" / "data" / "killed_writers.py", tmp_path / "record", str(limit_bytes)]
    ran = subprocess.run([*program, str(rounds)], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = [json.loads(line) for line in ran.stdout.splitlines()]

    assert len(found) == rounds
    assert all(0 <= each["untold"] <= 1 for each in found)
    assert (found[-1]["dropped"] > 0) == (limit_bytes == 10**6)


def test_a_torn_log_loses_the_end_and_nothing_else(tmp_path: Path) -> None:
    """Wherever the log ends, cut off or filled with zeros, the record is intact up to some entry."""
    with Record(tmp_path / "whole") as record:
        for number in range(3):
            record.add(None, ServerUnavailable("no server"), serial=str(number))
        log = (tmp_path / "whole" / "record.db-wal").read_bytes()
        database = (tmp_path / "whole" / "record.db").read_bytes()
    frame = 24 + 4096
    around = {32 + count * frame + off for count in range(len(log) // frame + 1) for off in (-1, 0, 1)}

    counts = []
    for cut in sorted(cut for cut in {*range(0, len(log), 421), *around} if cut <= len(log)):
        for filled in (False, True):
            counts.append(_survivors(tmp_path / "torn", database, log[:cut] + bytes(len(log) - cut) * filled))

    assert counts == sorted(counts)
    assert {*counts} == {0, 1, 2, 3}


def _survivors(folder: Path, database: bytes, log: bytes) -> int:
    """How many inspections are there after a start from these files; the record must be intact."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "record.db").write_bytes(database)
    (folder / "record.db-wal").write_bytes(log)
    return check(folder).inspections
