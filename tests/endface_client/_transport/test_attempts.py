"""How often and how long a picture is tried, in a time that only steps let pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2

from endface import contract
from endface_client import ClientError, DeadlineExceeded, Job, Overloaded, Reply, ServerError, ServerUnavailable
from endface_client._errors import call_error
from endface_client._transport.attempts import ALWAYS, NEVER, WHEN_BUSY, Attempts, Outage
from endface_client._transport.channel import Target
from endface_client._transport.steps import Check, Sleep, Step, run
from endface_client._transport.wire import Call, pack
from endface_client.testing import PASS
from tests.endface_client.failed_call import FailedCall

DEADLINE_S = 10.0
CALL = pack(Job(b"a picture"))


@dataclass(frozen=True)
class End:
    """How one attempt ends: after so many seconds, with a report or an error's status and message."""

    seconds: float
    status: grpc.StatusCode = grpc.StatusCode.OK
    message: str = ""


REPORT = End(0.05)
REFUSED = End(0.001, grpc.StatusCode.UNAVAILABLE, "failed to connect to all addresses")
FULL = End(0.001, grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
EXPIRED = End(1.0, grpc.StatusCode.UNAVAILABLE, "in ensemble 'endface', Request timeout expired")
STOPPING = End(0.01, grpc.StatusCode.NOT_FOUND, "unknown model: 'endface' has no available versions")
STUB = End(1.0, grpc.StatusCode.INTERNAL, "in ensemble 'endface', Stub process 'preprocess_0_0' is not healthy.")
HANGS = End(1e9)
BUG = End(0.05, grpc.StatusCode.INTERNAL, "in ensemble 'endface', internal: the server could not answer this request")
BAD = End(0.01, grpc.StatusCode.INVALID_ARGUMENT, "bad_parameter: no such")
TRANSIENT = (REFUSED, FULL, EXPIRED, STOPPING, STUB, HANGS)
LASTING = (BUG, BAD)


class World:
    """A clock that stands still unless something takes time, and a server that does what it is told.

    Attributes:
        now_s: the time.
        limits_s: what each attempt was allowed to take.
        is_late: whether the last attempt ended by that.
    """

    def __init__(self, ends: Callable[[float], End], count: int = 1) -> None:
        self.now_s = 1000.0
        self.limits_s: list[float] = []
        self.is_late = False
        self._ends = ends
        servers = ",".join(["line-3:8001"] * count)
        self.attempts = Attempts(Target(servers, None), lambda: self.now_s, lambda _, high: high)

    def inspect(self, **options: Any) -> Reply | ClientError:
        """One picture."""
        try:
            return run(self.attempts.inspect(CALL, DEADLINE_S, **options), self._perform)
        except ClientError as exc:
            return exc

    def _perform(self, step: Step) -> Any:
        assert not isinstance(step, Check)
        if isinstance(step, Sleep):
            self.now_s += step.seconds
            return None
        self.limits_s.append(step.timeout_s)
        end = self._ends(self.now_s)
        self.now_s += min(end.seconds, step.timeout_s)
        self.is_late = end.seconds > step.timeout_s
        if self.is_late:
            raise TimeoutError
        if end.status is not grpc.StatusCode.OK:
            raise call_error(FailedCall(end.status, end.message), "line-3:8001")
        return response(CALL)


def response(call: Call) -> service_pb2.ModelInferResponse:
    """The answer to a picture."""
    report = dataclasses.replace(PASS, image=dataclasses.replace(PASS.image, sha256=call.sha256)).to_json().encode()
    answer = service_pb2.ModelInferResponse()
    answer.outputs.add(name=contract.REPORT.name, datatype=contract.REPORT.datatype, shape=[1, 1])
    answer.raw_output_contents.append(len(report).to_bytes(4, "little") + report)
    return answer


def in_turn(ends: Iterable[End]) -> Callable[[float], End]:
    """One after the other, and then reports."""
    following: Iterator[End] = iter(ends)
    return lambda _: next(following, REPORT)


@given(
    st.lists(st.sampled_from(TRANSIENT + LASTING), max_size=40),
    st.integers(1, 3),
    st.sampled_from([ALWAYS, WHEN_BUSY, NEVER]),
)
@example([FULL, HANGS, HANGS, STUB, STUB], 2, ALWAYS)  # the report comes too late for the last attempt
def test_every_picture_has_one_end_in_time(ends: list[End], count: int, repeat: Any) -> None:
    """Whatever fails: a report or an error within the deadline, the attempts counted, nothing lasting repeated."""
    world = World(in_turn(ends), count)
    found = world.inspect(repeat=repeat)
    made = ends[: found.attempts]

    assert found.attempts == len(world.limits_s) >= 1
    assert world.now_s <= 1000 + DEADLINE_S + 1e-6
    assert not any(end in LASTING for end in made[:-1])
    assert isinstance(found, Reply) == (len(made) < found.attempts and not world.is_late)
    assert repeat or found.attempts == 1
    assert repeat != WHEN_BUSY or set(made[:-1]) <= {FULL, EXPIRED}


@given(st.floats(0, 5), st.sampled_from([REFUSED, STOPPING, STUB, FULL]), st.lists(st.floats(0, 1), max_size=30))
def test_no_picture_is_lost_in_a_repair(repair_s: float, failure: End, gaps_s: list[float]) -> None:
    """A single server that answers nothing for up to five seconds costs only time, whenever pictures come."""
    world = World(lambda now_s: failure if now_s < 1000 + repair_s else REPORT)
    for gap_s in [0.0, *gaps_s]:
        world.now_s += gap_s
        assert isinstance(world.inspect(), Reply)


def test_a_dead_server_costs_one_deadline_and_not_one_for_each_picture() -> None:
    """The first picture waits for it; a thousand others are tried once, and told at once."""
    world = World(lambda _: REFUSED)
    errors = [world.inspect() for _ in range(1001)]

    assert all(isinstance(error, ServerUnavailable) for error in errors)
    assert errors[0].attempts > 5
    assert {error.attempts for error in errors[2:]} == {1}
    assert world.now_s < 1000 + 2.5 * DEADLINE_S


def test_a_server_that_came_back_is_found_by_the_next_picture() -> None:
    """Nothing has to pass but its answer; after it pictures wait again."""
    dead = True
    world = World(lambda _: REFUSED if dead else REPORT)
    for _ in range(5):
        world.inspect()
    dead = False
    assert world.inspect().attempts == 1
    dead = True

    assert world.inspect().attempts > 5


def test_each_of_several_servers_gets_its_chance() -> None:
    """Where none has answered for long, a picture is tried on as many as there are."""
    world = World(lambda _: REFUSED, count=3)

    assert [world.inspect().attempts for _ in range(4)][-1] == 3


@pytest.mark.parametrize("refusal", [FULL, EXPIRED], ids=["at once", "after a wait"])
def test_a_full_queue_is_waited_for_by_every_picture(refusal: End) -> None:
    """A server that refuses for want of room or time is there: no picture gives up early."""
    world = World(lambda _: refusal)
    errors = [world.inspect() for _ in range(4)]

    assert all(isinstance(error, Overloaded) and error.attempts > 5 for error in errors)


@pytest.mark.parametrize(("failure", "most"), [(REFUSED, 20), (STOPPING, 20), (FULL, 70)])
def test_pauses_grow(failure: End, most: int) -> None:
    """A server in trouble is not hammered: about a question a second for each picture; six if it is only busy."""
    assert World(lambda _: failure).inspect().attempts <= most


@pytest.mark.parametrize(("count", "limits_s"), [(1, [DEADLINE_S]), (2, [5, 2.5, 1.25, 1, 0.25])])
def test_a_server_that_hangs_gets_its_share_of_the_deadline(count: int, limits_s: list[float]) -> None:
    """The only one gets all of it, or it would only be busier; of several each gets half of the rest."""
    world = World(lambda _: HANGS, count)
    error = world.inspect()

    assert isinstance(error, DeadlineExceeded)
    assert "did not answer in time" in str(error)
    assert world.limits_s == pytest.approx(limits_s)


def test_the_error_says_what_was_wrong() -> None:
    """That time ran out in the last attempt is the lesser half of it."""
    error = World(in_turn([STUB, HANGS])).inspect()

    assert isinstance(error, ServerError)
    assert "not healthy" in str(error)
    assert str(error).endswith("tried 2 times")
    assert isinstance(error.__cause__, grpc.RpcError)


def test_a_closed_client_tries_nothing_again() -> None:
    """Not even what could be repeated."""
    world = World(lambda _: REFUSED)
    world.attempts.close()

    assert isinstance(world.inspect(), ServerUnavailable)
    assert world.limits_s == []


@pytest.mark.parametrize(
    ("failures_s", "now_s", "lasting"),
    [
        ([100, 104, 109], 109, False),
        ([100, 104, 109, 110], 110, True),
        ([100, 105, 110, 111, 119, 128], 128, True),  # it lasts while it is tried
        ([100, 110], 121, False),  # after a night without pictures the first one waits for its server again
        ([100, 110, 130], 130, False),
    ],
)
def test_an_outage_lasts_after_a_whole_deadline_without_an_answer(
    failures_s: list[float], now_s: float, lasting: bool
) -> None:
    """Not before: a server that repairs itself gets its time; and old failures say nothing."""
    outage = Outage()
    for time_s in failures_s:
        outage.add(time_s, DEADLINE_S)

    assert outage.is_lasting(now_s, DEADLINE_S) is lasting


@given(st.lists(st.tuples(st.floats(0, 4), st.booleans()), max_size=60))
def test_an_answer_ends_an_outage(steps: list[tuple[float, bool]]) -> None:
    """Whatever fails, and whenever: less than a deadline after an answer every picture may wait."""
    outage, now_s, answered_s = Outage(), 1000.0, -1.0
    for seconds, answers in steps:
        now_s += seconds
        if answers:
            outage.end()
            answered_s = now_s
        else:
            outage.add(now_s, DEADLINE_S)
        assert not (outage.is_lasting(now_s, DEADLINE_S) and now_s - answered_s < DEADLINE_S)
