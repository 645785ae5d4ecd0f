"""What came of the parts of a line."""

from __future__ import annotations

from benchmarks.studies.line.ledger import Ledger
from benchmarks.studies.line.series import split
from benchmarks.studies.line.stations import CROSSED, LOST, RIGHT, Row


def test_every_part_is_accounted_for() -> None:
    """Of six parts two are right, one of them twice; one is crossed, one lost, and of two nothing came at all."""
    ledger = Ledger(6, since_s=100.0)
    ledger.add(Row(0, 100.0, 100.5, 1, RIGHT))
    ledger.add(Row(1, 100.0, 101.5, 3, RIGHT))
    ledger.add(Row(1, 101.0, 101.7, 1, RIGHT))
    ledger.add(Row(2, 101.0, 102.0, 1, CROSSED, "another's"))
    ledger.add(Row(3, 101.0, 104.0, 9, LOST, "nobody there"))

    figures = ledger.figures()

    assert len(ledger) == 5
    assert {name: figures[name] for name in ("right", "lost", "crossed", "twice", "repeated", "most_attempts")} == {
        "right": 3,
        "lost": 3,
        "crossed": 1,
        "twice": 1,
        "repeated": 2,
        "most_attempts": 9,
    }
    assert (figures["seconds"], figures["slowest_ms"]) == (4.0, 3000.0)
    assert figures["examples"] == ["2: another's", "3: nobody there"]


def test_second_by_second() -> None:
    """A part belongs to the second in which its report came; silent seconds are there, too."""
    ledger = Ledger(3, since_s=100.0)
    ledger.add(Row(0, 100.0, 100.5, 1, RIGHT))
    ledger.add(Row(1, 100.0, 100.7, 2, RIGHT))
    ledger.add(Row(2, 100.0, 102.0, 1, RIGHT))

    assert split(ledger.series()["reports"]) == [2, 0, 1]


def test_from_a_fault_on() -> None:
    """What ended before the fault does not count; silence is counted from the fault on."""
    ledger = Ledger(9, since_s=0.0)
    ledger.add(Row(0, 0.0, 9.0, 1, RIGHT))
    ledger.add(Row(1, 9.5, 10.5, 1, RIGHT))
    ledger.add(Row(2, 10.5, 12.5, 3, LOST))
    ledger.add(Row(3, 12.5, 13.0, 2, CROSSED))

    assert ledger.since(10.0) == {
        "calls": 3,
        "repeated": 2,
        "lost": 1,
        "wrong_verdicts": 1,
        "slowest_ms": 2000,
        "silence_ms": 2500,
    }
