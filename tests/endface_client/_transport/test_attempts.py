"""How often and how long a picture is tried, in a time that only questions and pauses let pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient import grpc as triton
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

from endface import contract
from endface_client import ClientError, DeadlineExceeded, Job, Overloaded, Reply, ServerError, ServerUnavailable
from endface_client._transport import attempts as module
from endface_client._transport.attempts import ALWAYS, NEVER, WHEN_BUSY, Attempts
from endface_client._transport.steps import Pause, Question, hold
from endface_client._transport.wire import Call, pack
from endface_client.testing import PASS

DEADLINE_S = 10.0
CALL = pack(Job(b"a picture"))


@dataclass(frozen=True)
class Outcome:
    """How one attempt ends: after so many seconds, with a report or an error's status and message."""

    seconds: float
    status: str = ""
    message: str = ""


REPORT = Outcome(0.05)
REFUSED = Outcome(0.001, "UNAVAILABLE", "failed to connect to all addresses")
FULL = Outcome(0.001, "UNAVAILABLE", "Exceeds maximum queue size")
STOPPING = Outcome(0.01, "NOT_FOUND", "Request for unknown model: 'endface' has no available versions")
STUB = Outcome(1.0, "INTERNAL", "in ensemble 'endface', Stub process 'preprocess_0_0' is not healthy.")
HANGS = Outcome(1e9)
BUG = Outcome(0.05, "INTERNAL", "in ensemble 'endface', internal: the server could not answer this request")
BAD = Outcome(0.01, "INVALID_ARGUMENT", "bad_parameter: no such")
TRANSIENT = (REFUSED, FULL, STOPPING, STUB, HANGS)
LASTING = (BUG, BAD)


class World:
    """A clock that stands still unless something takes time, and a server that does what it is told.

    Attributes:
        now_s: the time.
        limits_s: what each attempt was allowed to take.
    """

    def __init__(self, outcomes: Callable[[float], Outcome], count: int = 1) -> None:
        self.now_s = 1000.0
        self.limits_s: list[float] = []
        self._outcomes = outcomes
        self.attempts = Attempts("line-3:8001", count)

    def monotonic(self) -> float:
        """As time's."""
        return self.now_s

    def uniform(self, low: float, high: float) -> float:
        """As random's, without chance."""
        assert 0 <= low <= high
        return high

    def inspect(self, **options: Any) -> Reply | ClientError:
        """One picture."""
        with pytest.MonkeyPatch.context() as patch:
            for name in ("time", "random"):
                patch.setattr(module, name, self)
            patch.setattr("endface_client._shared_memory.time", self)
            try:
                return hold(self.attempts.inspect(CALL, DEADLINE_S, **options), self._take)
            except ClientError as exc:
                return exc

    def _take(self, step: Question | Pause) -> Any:
        if isinstance(step, Pause):
            self.now_s += step.seconds
            return None
        limit_s = step.arguments["client_timeout"]
        self.limits_s.append(limit_s)
        outcome = self._outcomes(self.now_s)
        if outcome.seconds > limit_s:
            outcome = Outcome(limit_s, "DEADLINE_EXCEEDED", "Deadline Exceeded")
        self.now_s += outcome.seconds
        if outcome.status:
            raise InferenceServerException(outcome.message, f"StatusCode.{outcome.status}")
        return result(CALL)


def result(call: Call) -> triton.InferResult:
    """The answer to a picture."""
    report = dataclasses.replace(PASS, image=dataclasses.replace(PASS.image, sha256=call.sha256)).to_json().encode()
    response = service_pb2.ModelInferResponse()
    response.outputs.add(name=contract.REPORT.name, datatype=contract.REPORT.datatype, shape=[1, 1])
    response.raw_output_contents.append(len(report).to_bytes(4, "little") + report)
    return triton.InferResult(response)


def told(outcomes: Iterable[Outcome]) -> Callable[[float], Outcome]:
    """Outcomes one after the other, and then reports."""
    following: Iterator[Outcome] = iter(outcomes)
    return lambda _: next(following, REPORT)


@given(
    st.lists(st.sampled_from(TRANSIENT + LASTING), max_size=40),
    st.integers(1, 3),
    st.sampled_from([ALWAYS, WHEN_BUSY, NEVER]),
)
def test_every_picture_has_one_outcome_in_time(outcomes, count, repeat):
    """Whatever fails: a report or an error within the deadline, the attempts counted, nothing lasting repeated."""
    world = World(told(outcomes), count)
    found = world.inspect(repeat=repeat)
    made = outcomes[: found.attempts]

    assert found.attempts == len(world.limits_s) >= 1
    assert world.now_s <= 1000 + DEADLINE_S + 1e-6
    assert not any(outcome in LASTING for outcome in made[:-1])
    assert isinstance(found, Reply) == (len(made) < found.attempts)
    assert repeat or found.attempts == 1
    assert repeat != WHEN_BUSY or set(made[:-1]) <= {FULL}


@given(st.floats(0, 5), st.sampled_from([REFUSED, STOPPING, STUB, FULL]), st.floats(0, 3))
def test_no_picture_is_lost_in_a_repair(repair_s, failure, since_s):
    """A single server that answers nothing for up to five seconds costs only time, whenever the picture comes."""
    world = World(lambda now_s: failure if now_s < 1000 + repair_s else REPORT)
    world.now_s += since_s

    assert isinstance(world.inspect(), Reply)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_no_picture_of_many_is_lost_in_a_repair(gaps_s):
    """Nor do the pictures before tell a client to give up."""
    world = World(lambda now_s: REFUSED if 1000 <= now_s < 1005 else REPORT)
    for gap_s in gaps_s:
        assert isinstance(world.inspect(), Reply)
        world.now_s += gap_s


def test_a_dead_server_costs_one_deadline_and_not_one_for_each_picture():
    """The first picture waits for it; a thousand others are tried once, and told at once."""
    world = World(lambda _: REFUSED)
    errors = [world.inspect() for _ in range(1001)]

    assert all(isinstance(error, ServerUnavailable) for error in errors)
    assert errors[0].attempts > 5
    assert {error.attempts for error in errors[2:]} == {1}
    assert world.now_s < 1000 + 2.5 * DEADLINE_S


def test_a_server_that_came_back_is_found_by_the_next_picture():
    """Nothing has to pass but its answer; after it pictures wait again."""
    dead = True
    world = World(lambda _: REFUSED if dead else REPORT)
    for _ in range(5):
        world.inspect()
    dead = False
    assert world.inspect() == Reply(world.inspect().report, 1)
    dead = True

    assert world.inspect().attempts > 5


def test_each_of_several_servers_gets_its_chance():
    """Where none has answered for long, a picture is tried on as many as there are."""
    world = World(lambda _: REFUSED, count=3)
    for _ in range(4):
        error = world.inspect()

    assert error.attempts == 3


def test_a_full_queue_is_waited_for_by_every_picture():
    """A server that refuses for want of room is there: no picture gives up early."""
    world = World(lambda _: FULL)
    errors = [world.inspect() for _ in range(4)]

    assert all(isinstance(error, Overloaded) and error.attempts > 5 for error in errors)


@pytest.mark.parametrize(("failure", "most"), [(REFUSED, 20), (STOPPING, 20), (FULL, 70)])
def test_pauses_grow(failure, most):
    """A server in trouble is not hammered: about a question a second for each picture; six if it is only busy."""
    world = World(lambda _: failure)

    assert world.inspect().attempts <= most


def test_one_server_may_take_the_whole_deadline():
    """To ask a busy server again would only make it busier."""
    world = World(lambda _: HANGS)
    error = world.inspect()

    assert isinstance(error, DeadlineExceeded)
    assert world.limits_s == [DEADLINE_S]


def test_one_of_several_servers_may_take_half_of_what_is_left():
    """So that another one is tried if it hangs."""
    world = World(told([HANGS, HANGS]), count=2)

    assert world.inspect().attempts == 3
    assert world.limits_s == pytest.approx([5, 2.5, 1.25])


def test_what_was_wrong_is_told():
    """That time ran out in the last attempt is the lesser half of it."""
    world = World(told([STUB, HANGS]))
    error = world.inspect()

    assert isinstance(error, ServerError)
    assert "not healthy" in str(error)
    assert str(error).endswith("tried 2 times")
    assert isinstance(error.__cause__, InferenceServerException)


def test_a_closed_client_tries_nothing_again():
    """Not even what could be repeated."""
    world = World(lambda _: REFUSED)
    list(world.attempts.close())
    error = world.inspect()

    assert isinstance(error, ServerUnavailable)
    assert world.limits_s == []
