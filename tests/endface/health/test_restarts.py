from __future__ import annotations

import pytest

from endface.errors import ServerStartError
from endface.health.restarts import Restarts


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now_s


def test_pauses_grow_and_end() -> None:
    """The first restart waits for nothing; the sixth is refused, with the last reason."""
    restarts = Restarts(Clock())

    assert [restarts.next_pause_s("") for _ in range(5)] == [0, 0.5, 1, 2, 4]
    with pytest.raises(ServerStartError, match="5 times and does not stay alive: the network is broken"):
        restarts.next_pause_s("the network is broken")


def test_a_minute_of_service_forgets() -> None:
    """A server that dies now and then is started again without end, and at once."""
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(20):
        clock.now_s += 60
        assert restarts.next_pause_s("") == 0
        restarts.serves()


def test_slow_starts_are_no_service() -> None:
    """Time that passes while it does not serve forgets nothing."""
    clock = Clock()
    restarts = Restarts(clock)
    for _ in range(5):
        restarts.next_pause_s("")
        clock.now_s += 120

    with pytest.raises(ServerStartError):
        restarts.next_pause_s("")
