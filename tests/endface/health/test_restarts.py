from __future__ import annotations

from endface.health.restarts import Restarts

from .conftest import Line


def test_pauses_grow_to_a_minute_and_never_end(line: Line) -> None:
    """The first restart waits for nothing; a server that does not come back is tried once a minute."""
    restarts = Restarts(line.clock)
    pauses = [restarts.next_pause_s() for _ in range(1000)]

    assert pauses[:10] == [0, 0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert set(pauses[10:]) == {60}
    assert restarts.total == 1000


def test_ten_seconds_of_service_begin_anew(line: Line) -> None:
    """A server that somebody crashes now and then is started again at once, and serves the others in between."""
    restarts = Restarts(line.clock)
    for _ in range(20):
        line.go_on(10)
        assert restarts.next_pause_s() == 0
        restarts.serves()


def test_slow_starts_are_no_service(line: Line) -> None:
    """Time that passes while it does not serve shortens no pause."""
    restarts = Restarts(line.clock)
    for pause_s in (0, 0.5, 1, 2):
        assert restarts.next_pause_s() == pause_s
        line.go_on(120)
