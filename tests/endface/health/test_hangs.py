from __future__ import annotations

import pytest

from endface.health.hangs import HangDetector

from .conftest import LOOK_S, Line

ONE, OTHER = 11, 12


Markers = dict[int, int]
"""Which process works on a picture, and since when."""


@pytest.fixture
def markers() -> Markers:
    """Nobody works."""
    return {}


@pytest.fixture
def detector(line: Line, markers: Markers) -> HangDetector:
    """What looks after two processes of ``segment``."""
    return HangDetector(lambda: markers, line, line.clock)


def test_process_that_does_nothing_in_a_picture_hangs(line: Line, markers: Markers, detector: HangDetector) -> None:
    """Known within two seconds, and it alone is to blame, though its neighbor takes one picture after the other."""
    markers |= {ONE: 1, OTHER: 1}

    fault = line.first_fault(detector.look, 60, lambda: markers.update({OTHER: markers[OTHER] + 1}))

    assert fault is not None
    assert (fault.kind, fault.model, fault.hanging) == ("hung", "segment", frozenset({ONE}))
    assert line.now_s <= 2
    assert fault.since_s <= LOOK_S


@pytest.mark.parametrize("markers", [{}, {4711: 1}], ids=["at night", "killed in a picture"])
def test_who_has_no_picture_does_not_hang(line: Line, detector: HangDetector) -> None:
    """Neither a process that waits for one, nor one that is none of the server's any more."""
    assert line.first_fault(detector.look, 60) is None


@pytest.mark.parametrize(
    ("does", "fault_after_s"),
    [
        ((1.0, 0.0, set()), 30),  # it spins
        ((0.0, 0.0, {ONE}), 30),  # its disk never answers
        ((0.03, 0.97, set()), None),  # starved by its neighbors: a repair would not help it
        ((0.3, 0.7, set()), 100),
    ],
    ids=["runs", "disk", "starved", "crowded"],
)
def test_work_is_judged_by_the_time_that_it_got(
    line: Line,
    markers: Markers,
    detector: HangDetector,
    does: tuple[float, float, set[int]],
    fault_after_s: float | None,
) -> None:
    """A picture may take thirty seconds of work, however long the process waits for its turn."""
    markers |= {ONE: 1}
    line.runs[ONE], line.waits[ONE], line.blocked = does

    assert line.first_fault(detector.look, fault_after_s - 1 if fault_after_s else 600) is None
    if fault_after_s:
        fault = line.first_fault(detector.look, 3)
        assert fault is not None
        assert "is busy" in fault.what


def test_own_pause_is_nobodys_fault(line: Line, markers: Markers, detector: HangDetector) -> None:
    """Where this process did not run itself no other one is blamed."""
    markers |= {ONE: 1}
    assert line.first_fault(detector.look, LOOK_S) is None

    line.go_on(3600)

    assert detector.look() is None
