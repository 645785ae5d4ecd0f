"""How evenly a server shares itself out among stations."""

from __future__ import annotations

from benchmarks.common.origin import Json
from benchmarks.load.fairness import fairness


def phase(users: int, images_per_s: float, p99_ms: float | None, fewest: int, most: int) -> Json:
    """Figures of a phase of the ramp."""
    return {
        "phase": f"{users} stations",
        "users": users,
        "images_per_s": images_per_s,
        "p99_ms": p99_ms,
        "fewest": fewest,
        "most": most,
    }


def test_turns_and_shares() -> None:
    """Sixteen stations at 40 pictures/s have turns of 0.4 s; what is lost counts from the knee on."""
    found = fairness([phase(1, 20, 60, 200, 200), phase(4, 40, 130, 95, 105), phase(16, 36, 1000, 20, 50)])

    assert [each["lost_share"] for each in found] == [0, 0, 0.1]
    assert [each["p99_over_turn"] for each in found] == [1.2, 1.3, 2.25]
    assert [each["most_over_fewest"] for each in found] == [1, 1.11, 2.5]


def test_most_stations_may_be_the_knee() -> None:
    """Fewer that do not fill the machine have lost nothing."""
    found = fairness([phase(1, 20, 60, 200, 200), phase(2, 39, 65, 190, 200)])

    assert [each["lost_share"] for each in found] == [0, 0]


def test_station_that_got_nothing_breaks_every_share() -> None:
    """There is no figure then, which keeps no limit."""
    (starved,) = fairness([phase(64, 40, 1600, 0, 9)])
    (silent,) = fairness([phase(64, 0, None, 0, 0)])

    assert starved["most_over_fewest"] is None
    assert silent["p99_over_turn"] is silent["most_over_fewest"] is None
