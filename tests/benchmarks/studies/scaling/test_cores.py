"""Who may run where."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.studies.scaling.cores import available, confined, steps


def test_what_is_started_stays_confined() -> None:
    """A process that was started meanwhile has only those cores, also later; this one has its own again."""
    before = available()

    with confined(before[-1:]):
        line = "import os; input(); print(*os.sched_getaffinity(0))"
        child = subprocess.Popen([sys.executable, "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert available() == before[-1:]
    said, _ = child.communicate("\n")

    assert said.split() == [str(before[-1])]
    assert available() == before == tuple(sorted(os.sched_getaffinity(0)))


def test_steps() -> None:
    """Doubled from one core to all of them."""
    assert [steps(count) for count in (1, 2, 6, 8)] == [(1,), (1, 2), (1, 2, 4, 6), (1, 2, 4, 8)]
