"""What a production line asks of a server."""

from __future__ import annotations

import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.load.shapes import LOCUST, OVERLOAD, ProductionLine, phases, ramp_users

LINE = ProductionLine(
    stations=3, takt_ms=400, machines=2, connector_ms=2500, knee=4, most=6, seconds=10, settle_s=2, slices=3
)


@pytest.mark.parametrize("shape", LOCUST)
def test_every_phase_settles_first(shape: str) -> None:
    """Before each counted phase stands the same load, uncounted, so that connecting and warming up are left out."""
    row = phases(shape, LINE)

    for settling, counted in zip(row[::2], row[1::2], strict=True):
        assert (settling.counted, counted.counted) == (False, True)
        assert (settling.seconds, counted.seconds) == (2, 10)
        assert (settling.users, settling.fibers, settling.takt_ms) == (counted.users, counted.fibers, counted.takt_ms)
    assert len({phase.name for phase in row}) == len(row)


@pytest.mark.parametrize(
    ("shape", "users", "fibers", "takt_ms"),
    [
        ("takt", [3], [1], [400]),
        ("burst", [2, 2], [12, 24], [2500, 2500]),
        ("ramp", [1, 2, 4, 6], [1] * 4, [0] * 4),
        ("soak", [4, 4, 4], [1] * 3, [0] * 3),
        (OVERLOAD, [], [], []),
    ],
)
def test_what_each_shape_asks(shape: str, users: list[int], fibers: list[int], takt_ms: list[float]) -> None:
    """Stations, pictures at once and takt of the counted phases; an overload has no stations."""
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
