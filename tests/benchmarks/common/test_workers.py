"""The same work in several processes or threads at once."""

from __future__ import annotations

import os
import threading

import pytest

from benchmarks.common.workers import Barrier, Kind, together


def meet(barrier: Barrier, value: int) -> tuple[int, int]:
    """Wait for the others, then give the process and a value."""
    barrier.wait()
    return os.getpid(), value


def stumble(barrier: Barrier, lock: threading.Lock) -> None:
    """The first one breaks down before the others may begin."""
    if lock.acquire(blocking=False):
        raise ValueError("the network is missing")
    barrier.wait()


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_all_meet_and_give_their_results(kind: Kind) -> None:
    """Each has its turn at the same time: none would pass the barrier alone."""
    found = together(3, kind, meet, 7)

    assert [value for _, value in found] == [7, 7, 7]
    assert len({process for process, _ in found}) == (1 if kind == "threads" else 3)


def test_one_that_breaks_down_ends_all() -> None:
    """Its error comes out, not that of those who waited for it."""
    with pytest.raises(ValueError, match="the network is missing"):
        together(3, "threads", stumble, threading.Lock())
