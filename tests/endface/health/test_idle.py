from __future__ import annotations

import pytest

from endface.health.idle import IdleClock

from .conftest import LOOK_S, Line


def after(line: Line, clock: IdleClock, seconds: float) -> tuple[float, float]:
    """Seconds of idleness and of work after a time of looks."""
    for _ in range(round(seconds / LOOK_S)):
        clock.look(line.known())
        line.go_on()
    clock.look(line.known())
    return clock.idle_s, clock.busy_s


@pytest.mark.parametrize(
    ("does", "idle_and_busy_s"),
    [
        ((0.0, 0.0, set()), (10.0, 0.0)),
        ((1.0, 0.0, set()), (0.0, 10.0)),
        ((0.02, 0.9, set()), (0.0, 0.2)),  # it wants a processor and hardly gets one
        ((0.0, 0.0, {11}), (0.0, 10.0)),  # it waits for a disk
        ((2.0, 0.0, set()), (0.0, 10.0)),  # two threads: no more than the time that passed
    ],
    ids=["idle", "runs", "starved", "disk", "threads"],
)
def test_time_is_told_by_what_processes_do(
    line: Line, does: tuple[float, float, set[int]], idle_and_busy_s: tuple[float, float]
) -> None:
    """Only a process that wants nothing is idle, and only one that gets something is busy."""
    line.runs[11], line.waits[11], line.blocked = does

    assert after(line, IdleClock(line, line.clock), 10) == pytest.approx(idle_and_busy_s)


def test_new_process_is_work(line: Line) -> None:
    """One that is being started counts from its first look on, and one that has ended takes nothing away."""
    line.runs[13] = 1.0
    clock = IdleClock(line, line.clock)
    assert after(line, clock, 5)[0] == 5

    line.models = {13: "segment"}
    assert after(line, clock, 0)[0] == 0


def test_own_pause_hardly_counts(line: Line) -> None:
    """Where this process did not run itself (a suspended machine, a paused container) no other one is blamed."""
    clock = IdleClock(line, line.clock)
    clock.look([11])
    line.go_on(3600)
    clock.look([11])

    assert clock.idle_s == 1
