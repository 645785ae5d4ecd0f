"""What a production line asks of a server."""

from __future__ import annotations

import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.load.shapes import AFTER_S, SHAPES, ProductionLine, after, phases, ramp_users

LINE = ProductionLine(
    stations=3, takt_ms=400, machines=2, connector_ms=2500, knee=4, most=6, seconds=10, settle_s=2, slices=3
)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_phase_settles_first(shape: str) -> None:
    """Before each counted phase stands the same load, uncounted, so that connecting and warming up are left out."""
    row = [phase for phase in phases(shape, LINE) if phase.settles]

    for settling, counted in zip(row[::2], row[1::2], strict=True):
        assert (settling.counted, counted.counted) == (False, True)
        assert (settling.seconds, counted.seconds) == (2, 10)
        assert (settling.users, settling.fibers, settling.takt_ms) == (counted.users, counted.fibers, counted.takt_ms)
    assert len({phase.name for phase in row}) == len(row)


def test_seconds_after_an_overload_are_counted_at_once() -> None:
    """They follow it without a pause, one by one, at the load that was normal before."""
    row = phases("overload", LINE)
    end = next(place for place, phase in enumerate(row) if phase.name == "overload") + 1

    seconds = row[end : end + AFTER_S]

    assert [phase.name for phase in seconds] == [after(number) for number in range(1, AFTER_S + 1)]
    assert {(phase.users, phase.seconds, phase.counted) for phase in seconds} == {(LINE.knee, 1, True)}


@pytest.mark.parametrize(
    ("shape", "users", "fibers", "takt_ms"),
    [
        ("takt", [3], [1], [400]),
        ("burst", [2, 2], [12, 24], [2500, 2500]),
        ("ramp", [1, 2, 4, 6], [1] * 4, [0] * 4),
        ("soak", [4, 4, 4], [1] * 3, [0] * 3),
        ("overload", [4, 8, 20, 40, *[4] * AFTER_S, 4], [1] * (AFTER_S + 5), [0] * (AFTER_S + 5)),
    ],
)
def test_what_each_shape_asks(shape: str, users: list[int], fibers: list[int], takt_ms: list[float]) -> None:
    """Stations, pictures at once and takt of the counted phases; overload is up to ten times the knee between knees."""
    row = [phase for phase in phases(shape, LINE) if phase.counted]

    assert [phase.users for phase in row] == users
    assert [phase.fibers for phase in row] == fibers
    assert [phase.takt_ms for phase in row] == takt_ms


@pytest.mark.parametrize(
    ("most", "users"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (8, [1, 2, 4, 8]), (9, [1, 2, 4, 8, 9])]
)
def test_ramp_doubles_up_to_the_most(most: int, users: list[int]) -> None:
    """The last step is the most, each step before it twice the one before."""
    assert ramp_users(most) == users


def test_unknown_shape() -> None:
    """The shapes that exist are named."""
    with pytest.raises(BenchmarkError, match="no load shape 'flood'; choose from takt, burst, ramp, soak, overload"):
        phases("flood", LINE)
