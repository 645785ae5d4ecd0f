"""When servers are not worth waiting for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endface_client._transport.circuit import Circuit

PATIENCE_S = 10.0


@pytest.fixture
def circuit() -> Circuit:
    """A new one."""
    return Circuit()


def fail(circuit: Circuit, *times_s: float) -> None:
    """Failures at these times."""
    for time_s in times_s:
        circuit.failed(time_s, PATIENCE_S)


def test_it_opens_when_nothing_was_answered_for_a_whole_patience(circuit):
    """Not before: a server that repairs itself gets its time."""
    fail(circuit, 100, 104, 109)
    assert not circuit.is_open(109, PATIENCE_S)
    fail(circuit, 110)

    assert circuit.is_open(110, PATIENCE_S)


def test_an_answer_closes_it(circuit):
    """One is enough, and the next outage is judged by itself."""
    fail(circuit, 100, 110)
    circuit.answered()
    assert not circuit.is_open(110, PATIENCE_S)
    fail(circuit, 111)

    assert not circuit.is_open(111, PATIENCE_S)


def test_old_failures_say_nothing(circuit):
    """After a night without pictures the first one in the morning waits for its server again."""
    fail(circuit, 100, 110)
    assert not circuit.is_open(121, PATIENCE_S)
    fail(circuit, 130)

    assert not circuit.is_open(130, PATIENCE_S)


def test_it_stays_open_while_it_is_tried(circuit):
    """A thousand pictures for a dead server do not wait a thousand times."""
    fail(circuit, 100, 105, 110, 111, 119, 128)

    assert circuit.is_open(128, PATIENCE_S)


@given(st.lists(st.tuples(st.floats(0, 4), st.booleans()), max_size=60))
def test_it_is_never_open_within_a_patience_of_an_answer(steps):
    """Whatever fails, and whenever: less than a patience after an answer every picture may wait."""
    circuit, now_s, answered_s = Circuit(), 1000.0, -1.0
    for seconds, answers in steps:
        now_s += seconds
        if answers:
            circuit.answered()
            answered_s = now_s
        else:
            circuit.failed(now_s, PATIENCE_S)
        assert not (circuit.is_open(now_s, PATIENCE_S) and now_s - answered_s < PATIENCE_S)
