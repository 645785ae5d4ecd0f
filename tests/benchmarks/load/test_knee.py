"""Where more load brings no more throughput."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.common.origin import Json
from benchmarks.load.knee import ENOUGH, knee


def ramp_of(rates: list[float]) -> list[Json]:
    """Figures of 1, 2, 4, ... stations."""
    return [{"users": 1 << power, "images_per_s": rate, "p99_ms": 1.0} for power, rate in enumerate(rates)]


@pytest.mark.parametrize(
    ("rates", "users"),
    [
        ([40, 70, 71, 70], 2),  # flat from two stations on
        ([40, 70, 80, 81], 4),
        ([40, 76, 80, 60], 2),  # 76 is 95 % of 80
        ([40, 75, 80, 60], 4),  # 75 is less
        ([80, 60, 40, 20], 1),  # one is the most
    ],
)
def test_smallest_load_near_the_highest_throughput(rates: list[float], users: int) -> None:
    """The knee is the first load that brings 95 % of what any load brings."""
    assert knee(ramp_of(rates)) == {"users": users, "images_per_s": rates[users.bit_length() - 1]}


@pytest.mark.parametrize("rates", [[], [0, 0], [10, 20, 40], [10]])
def test_no_knee(rates: list[float]) -> None:
    """A ramp that still rises at its end, or brings nothing, shows no knee."""
    assert knee(ramp_of(rates)) is None


@settings(deadline=None)
@given(st.dictionaries(st.integers(1, 500), st.floats(0.1, 1000), min_size=2))
def test_order_does_not_matter(ramp: dict[int, float]) -> None:
    """However the points are ordered, the knee is the same, reaches enough, and nothing smaller does."""
    points = [{"users": users, "images_per_s": rate} for users, rate in ramp.items()]
    shuffled = sorted(points, key=lambda point: point["images_per_s"])
    found = knee(points)

    assert knee(shuffled) == found
    if found is not None:
        enough = ENOUGH * max(ramp.values())
        assert found["images_per_s"] >= enough
        assert all(point["images_per_s"] < enough for point in points if point["users"] < found["users"])
