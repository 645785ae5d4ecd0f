"""Fairness of a closed loop: what each number of stations gets, and how evenly it is shared out."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.common.origin import Json
from benchmarks.load.knee import ENOUGH


def fairness(ramp: Sequence[Json]) -> list[Json]:
    """Shares of each phase of the ramp.

    Returns:
        By phase: ``p99_over_turn``, the p99 in turns, where a turn is one picture of every station (stations /
        throughput: 1 would be a queue that never varies); ``most_over_fewest``, pictures of the station that got the
        most over those of the one that got the fewest; and from the knee on ``lost_share``, by how much the throughput
        is below the highest.  A figure is None where there was nothing to divide by.
    """
    highest = max((phase["images_per_s"] for phase in ramp), default=0.0)
    knee = min((phase["users"] for phase in ramp if phase["images_per_s"] >= ENOUGH * highest), default=0)
    return [_shares(phase, highest, is_busy=phase["users"] >= knee) for phase in ramp]


def _shares(phase: Json, highest: float, *, is_busy: bool) -> Json:
    turn_s = phase["users"] / phase["images_per_s"] if phase["images_per_s"] else None
    return {
        "phase": phase["phase"],
        "lost_share": round(1 - phase["images_per_s"] / highest, 4) if is_busy and highest else 0.0,
        "p99_over_turn": round(phase["p99_ms"] / turn_s / 1000, 2) if turn_s and phase["p99_ms"] else None,
        "most_over_fewest": round(phase["most"] / phase["fewest"], 2) if phase["fewest"] else None,
    }
