"""Figures of an overload, and how soon a server is as before."""

from __future__ import annotations

import pytest

from benchmarks.common.origin import Json
from benchmarks.load.open_loop import Sent
from benchmarks.load.overload import AFTER_S, figures, is_normal, normal_again_s

NORMAL: Json = {"sent": 25, "answered": 25, "p99_ms": 100.0}
SLOW: Json = {"sent": 25, "answered": 25, "p99_ms": 900.0}
REFUSED: Json = {"sent": 25, "answered": 19, "p99_ms": 100.0}


def stream(rate: float, begin_s: float, end_s: float, took_s: float, outcome: str = "answered") -> list[Sent]:
    """Pictures that come evenly."""
    count = round((end_s - begin_s) * rate)
    times = [begin_s + number / rate for number in range(count)]
    return [Sent(time, time + took_s, outcome) for time in times]


def test_what_was_served_counts_when_it_ended() -> None:
    """45 of 50 a second were answered, a second late each; as many were refused, in 4 ms."""
    sent = stream(25, 0, 10, 0.04)
    sent += stream(45, 9, 19, 1.0)  # their answers come within the overload
    sent += stream(45, 10, 20, 0.004, "refused")
    sent += stream(25, 20, 20 + AFTER_S, 0.04)

    found = figures(sent, capacity=50, seconds=10)

    assert found["served_per_s"] == pytest.approx(45, abs=0.2)
    assert found["unserved_share"] == pytest.approx(0.1, abs=0.005)
    assert found["p99_ms"] == pytest.approx(1000)
    assert found["refusal_p99_ms"] == pytest.approx(4)
    assert (found["failed_share"], found["wrong_verdicts"]) == (0, 0)
    assert found["normal_again_s"] == 0
    assert [row["phase"] for row in found["rows"]][:3] == ["normal", "overload", "second 1 after"]


def test_what_failed_or_was_wrong_is_counted() -> None:
    """Over the pictures of the overload, and over all of them."""
    sent = [*stream(10, 10, 20, 10.0, "failed"), *stream(10, 10, 20, 0.1), *stream(1, 0, 3, 0.1, "wrong")]

    found = figures(sent, capacity=10, seconds=10)

    assert (found["failed_share"], found["wrong_verdicts"]) == (0.5, 3)
    assert found["refusal_p99_ms"] == 0  # nobody was refused
    assert found["normal_again_s"] is None


@pytest.mark.parametrize(
    ("seconds", "again_s"),
    [
        ([NORMAL, NORMAL], 0),
        ([SLOW, REFUSED, NORMAL, NORMAL], 2),
        ([SLOW, NORMAL, SLOW, NORMAL, NORMAL], 3),  # one normal second is chance
        ([SLOW] * AFTER_S, None),
    ],
)
def test_normal_again_from_two_normal_seconds_on(seconds: list[Json], again_s: float | None) -> None:
    """Counted from the end of the overload; None where it did not happen while it was watched."""
    assert normal_again_s(seconds, NORMAL) == again_s


@pytest.mark.parametrize(
    ("answered", "p99_ms", "normal"), [(20, 150, True), (19, 150, False), (20, 151, False), (0, None, False)]
)
def test_normal_is_both_answers_and_p99(answered: int, p99_ms: float | None, normal: bool) -> None:
    """80 % of the pictures and half as much again of the p99, which a second without an answer has not."""
    assert is_normal({"sent": 25, "answered": answered, "p99_ms": p99_ms}, NORMAL) == normal
