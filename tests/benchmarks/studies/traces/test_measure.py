"""What traces cost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.common.limit import Work
from benchmarks.common.options import network_file
from benchmarks.common.pictures import Picture
from benchmarks.studies.traces.measure import Pair, figures, measure


def pair(*used_s: float) -> Any:
    """A pair that had used so much at the begin of each turn, of two pictures."""
    found = SimpleNamespace(used_s=list(used_s), times_ms=[99.0] * 4 + [20.0] * 2 * (len(used_s) - 2))
    found.costs_ms = lambda pictures: Pair.costs_ms(found, pictures)
    return found


def test_cost_is_from_turn_to_turn_without_the_first() -> None:
    """Two turns settle; then 80 and 120 ms for two pictures against 100 and 132 ms."""
    found = figures(pair(0, 5, 6, 6.08, 6.2), pair(0, 7, 8, 8.1, 8.232), 2)

    assert (found["turns"], found["plain_cpu_ms"], found["traced_cpu_ms"]) == (2, 50.0, 58.0)
    assert found["ratio_extremes"] == [1.1, 1.25]
    assert found["ratio"] == 1.175
    assert found["plain_p50_ms"] == 20.0


@pytest.mark.triton
def test_both_pairs_inspect(pictures: list[Picture]) -> None:
    """Two real servers and stations; whatever the ratio is, both have worked."""
    found = measure(Work(pictures, network_file(), "mm-pc"), turns=2)

    assert found["turns"] == 2
    assert min(found["plain_cpu_ms"], found["traced_cpu_ms"], found["plain_p50_ms"], found["traced_p50_ms"]) > 0
