"""What an overload does, and how soon a server is as before."""

from __future__ import annotations

import pytest

from benchmarks.common.origin import Json
from benchmarks.load.recovery import is_normal, recovery
from benchmarks.load.shapes import AFTER_S, after

NORMAL: Json = {"images_per_s": 50.0, "p99_ms": 100.0, "measured_s": 1.0}
SLOW: Json = {"images_per_s": 50.0, "p99_ms": 900.0, "measured_s": 1.2}
ONE_CLIENT: Json = {"p99_ms": 40.0}


def phases(seconds: list[Json], overload_ms: float | None = 90.0) -> list[Json]:
    """Figures of an overload; the seconds after those that are given are normal."""
    seconds = [*seconds, *[NORMAL] * (AFTER_S - len(seconds))]
    named = {"normal": NORMAL, "overload": {"images_per_s": 45.0, "p99_ms": overload_ms}}
    named |= {after(second): figures for second, figures in enumerate(seconds, 1)}
    return [figures | {"phase": name} for name, figures in named.items()]


@pytest.mark.parametrize(
    ("seconds", "normal_again_s"),
    [
        ([], 0),
        ([SLOW, SLOW], 2.4),
        ([SLOW, NORMAL, SLOW], 3.4),  # one normal second is chance
        ([SLOW] * (AFTER_S - 1), None),
    ],
)
def test_normal_again_from_two_normal_seconds_on(seconds: list[Json], normal_again_s: float | None) -> None:
    """Counted from the end of the overload; None where it did not happen while it was watched."""
    found = recovery(phases(seconds), ONE_CLIENT)

    assert found is not None
    assert found["normal_again_s"] == normal_again_s


@pytest.mark.parametrize(
    ("images_per_s", "p99_ms", "normal"), [(40, 150, True), (39, 150, False), (40, 151, False), (0, None, False)]
)
def test_normal_is_both_throughput_and_p99(images_per_s: float, p99_ms: float | None, normal: bool) -> None:
    """80 % of the throughput and half as much again of the p99, which a second without an answer has not."""
    assert is_normal({"images_per_s": images_per_s, "p99_ms": p99_ms}, NORMAL) == normal


def test_p99_of_the_answered_is_held_against_that_without_a_load() -> None:
    """90 ms over 40 ms; a server that answered none has no ratio."""
    found, silent = recovery(phases([]), ONE_CLIENT), recovery(phases([], overload_ms=None), ONE_CLIENT)

    assert found is not None
    assert silent is not None
    assert (found["overload_p99_ms"], found["unloaded_p99_ms"], found["overload_over_unloaded"]) == (90.0, 40.0, 2.25)
    assert silent["overload_over_unloaded"] is None


def test_no_overload() -> None:
    """Where the shape was not measured there is nothing to say."""
    assert recovery([], ONE_CLIENT) is None
