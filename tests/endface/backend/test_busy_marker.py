from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from endface import environment
from endface.backend.busy_marker import BusyMarker, busy_since

KILLED_AT_WORK = """
import os
from endface.backend.busy_marker import BusyMarker
with BusyMarker():
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where processes write since when they work."""
    monkeypatch.setenv(environment.WORKSPACE, str(tmp_path))
    (tmp_path / environment.BUSY_FOLDER).mkdir()
    return tmp_path / environment.BUSY_FOLDER


def test_work_is_seen_while_it_lasts(folder: Path) -> None:
    """Since when, and by whom; neither before nor after, nor when it ended with an error."""
    marker = BusyMarker()
    assert busy_since(folder) == {}

    before_ns = time.monotonic_ns()
    with marker:
        ((pid, since_ns),) = busy_since(folder).items()
    with contextlib.suppress(ZeroDivisionError), marker:
        _ = 1 / 0

    assert pid == os.getpid()
    assert before_ns <= since_ns <= time.monotonic_ns()
    assert busy_since(folder) == {}


def test_each_piece_of_work_has_its_own_time(folder: Path) -> None:
    """Whoever looks twice knows whether it is still the same one."""
    marker = BusyMarker()
    seen: list[int] = []
    for _ in range(2):
        with marker:
            seen += busy_since(folder).values()

    assert seen[0] < seen[1]


def test_killed_process_stays_at_work(folder: Path) -> None:
    """It cannot say that it ended; who reads it must know which processes there are."""
    killed = subprocess.Popen([sys.executable, "-c", KILLED_AT_WORK])
    killed.wait()

    assert list(busy_since(folder)) == [killed.pid]


def test_file_that_is_being_made_is_no_work(folder: Path) -> None:
    """It is empty for a moment; and the whole folder may have been removed."""
    (folder / "4711").touch()

    assert busy_since(folder) == {}
    assert busy_since(folder / "gone") == {}


def test_nobody_wants_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage in a Triton that somebody else started works as well."""
    monkeypatch.delenv(environment.WORKSPACE, raising=False)

    with BusyMarker():
        pass
