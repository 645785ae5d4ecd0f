from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from endface import environment
from endface.backend.busy_marker import Execution, under_way

KILLED_AT_WORK = """
import os
from endface.backend.busy_marker import Execution
with Execution():
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where processes write since when they work."""
    monkeypatch.setenv(environment.EXECUTIONS, str(tmp_path))
    return tmp_path


def test_work_is_seen_while_it_lasts(folder: Path) -> None:
    """Since when, and by whom; neither before nor after, nor when it ended with an error."""
    execution = Execution()
    assert under_way(folder) == {}

    before_ns = time.monotonic_ns()
    with execution:
        ((pid, since_ns),) = under_way(folder).items()
    with contextlib.suppress(ZeroDivisionError), execution:
        _ = 1 / 0

    assert pid == os.getpid()
    assert before_ns <= since_ns <= time.monotonic_ns()
    assert under_way(folder) == {}


def test_each_piece_of_work_has_its_own_time(folder: Path) -> None:
    """Whoever looks twice knows whether it is still the same one."""
    execution, seen = Execution(), []
    for _ in range(2):
        with execution:
            seen += under_way(folder).values()

    assert seen[0] < seen[1]


def test_killed_process_stays_at_work(folder: Path) -> None:
    """It cannot say that it ended; who reads it must know which processes there are."""
    killed = subprocess.Popen([sys.executable, "-c", KILLED_AT_WORK])
    killed.wait()

    assert list(under_way(folder)) == [killed.pid]


def test_file_that_is_being_made_is_no_work(folder: Path) -> None:
    """It is empty for a moment."""
    (folder / "4711").touch()

    assert under_way(folder) == {}


def test_nobody_wants_to_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stage in a Triton that somebody else started works as well."""
    monkeypatch.delenv(environment.EXECUTIONS, raising=False)

    with Execution():
        pass
