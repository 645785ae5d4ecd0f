"""What is flat and what is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.studies.line.series import joined, slope, split
from benchmarks.studies.soak.gauge import COLUMNS
from benchmarks.studies.soak.steady import Stretch, Trend, lives, trends

IMAGES_PER_S = 50.0


def gauged(shift_s: int, server_mib: Callable[[int], float]) -> dict[str, list[float]]:
    """A look every three seconds; all but the server's memory stands still."""
    times = range(0, shift_s, 3)
    samples = {column: [10.0] * len(times) for column in COLUMNS}
    return samples | {"at_s": [float(at) for at in times], "server_mib": [server_mib(at) for at in times]}


def of(found: list[Trend], column: str) -> list[Trend]:
    """Those of a column."""
    return [trend for trend in found if trend.column == column]


def test_robust_line() -> None:
    """A few outliers do not move it."""
    times = list(range(20))

    assert slope(times, [3.0 * at + (500 if at in (4, 11) else 0) for at in times]) == pytest.approx(3.0)


def test_series_are_read_back() -> None:
    """Numbers with blanks between them."""
    assert split(joined([1, 2.5, 0])) == [1.0, 2.5, 0.0]


def test_lives_are_between_repairs() -> None:
    """The time of a repair belongs to none."""
    assert lives([(100.0, 104.0), (130.0, 131.0)], 400.0) == [
        Stretch(0.0, 100.0),
        Stretch(104.0, 130.0),
        Stretch(131.0, 400.0),
    ]


def test_leak_of_a_server_is_noticed() -> None:
    """A kibibyte a picture is too much; the same memory after a warm beginning is flat."""
    leak = 1.0 / 1024 * IMAGES_PER_S
    found = list(trends(gauged(200, lambda at: 500 + leak * at), [Stretch(0.0, 200.0)], IMAGES_PER_S))
    warm = list(trends(gauged(200, lambda at: 500 - max(30 - at, 0)), [Stretch(0.0, 200.0)], IMAGES_PER_S))

    (server,) = of(found, "server_mib")
    assert not server.is_steady
    assert server.per_hour == pytest.approx(leak * 3600, abs=0.01)
    assert server.rise == pytest.approx(leak * (server.ended_s - server.began_s), abs=0.01)
    assert all(trend.is_steady for trend in (*warm, *of(found, "sync_mib")))


def test_each_long_life_is_judged_by_itself() -> None:
    """A server that was started again has other memory, which is no slope; a short life says nothing."""
    stretches = [Stretch(0.0, 150.0), Stretch(154.0, 200.0), Stretch(204.0, 400.0)]
    found = list(trends(gauged(400, lambda at: 500 if at < 152 else 300), stretches, IMAGES_PER_S))

    assert [trend.median for trend in of(found, "server_mib")] == [500, 300]
    assert [trend.began_s for trend in of(found, "supervisor_mib")] == [42]
    assert all(trend.is_steady for trend in found)
