from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from endface.health.canary import CanaryAnswer, CanaryOutcome
from endface.health.events import Fault
from endface.health.liveness import Liveness

from .conftest import LOOK_S, Line

BUSY = CanaryAnswer(CanaryOutcome.BUSY, "Exceeds maximum queue size")
REPORT = CanaryAnswer(CanaryOutcome.REPORT)
STUB = 11


@dataclass
class Server:
    """A server whose answers are set by hand; it is its own canary."""

    line: Line
    count: int | None = 0
    answers: list[CanaryAnswer] = field(default_factory=list)
    asked: int = 0

    def __post_init__(self) -> None:
        self.liveness = Liveness(lambda: self.count, self, self.line, self.line.clock)

    def ask(self) -> None:
        """Take a canary."""
        self.asked += 1

    def answer(self) -> CanaryAnswer | None:
        """What came of it."""
        return self.answers.pop() if self.answers else None

    def first_fault(self, seconds: float) -> Fault | None:
        """The first fault in a time."""
        return self.line.first_fault(self.liveness.look, seconds)


@pytest.fixture
def server(line: Line) -> Server:
    """A server that gets nothing done and is busy with that."""
    line.runs[STUB] = 1.0
    return Server(line)


def test_idle_server_is_asked(server: Server, line: Line) -> None:
    """Where nobody else asks a canary does, once a second, and its report is a sign of life."""
    line.runs[STUB] = 0.001
    for _ in range(40):
        line.go_on()
        asked = server.asked
        assert server.liveness.look() is None
        if server.asked > asked:
            server.answers.append(REPORT)

    assert 8 <= server.asked <= 14


def test_working_server_is_not_asked(server: Server, line: Line) -> None:
    """Requests that succeed are sign enough."""
    for count in range(240):
        line.go_on()
        server.count = count
        assert server.liveness.look() is None

    assert server.asked == 0


def test_overload_is_no_fault(server: Server) -> None:
    """Canaries are refused or late for minutes; as long as anything succeeds now and then, the server is well."""
    for count in range(20):
        assert server.first_fault(10) is None
        server.answers.append(BUSY)
        server.count = count + 1


@pytest.mark.parametrize("answers", [[], [BUSY] * 100], ids=["silent", "full queue"])
def test_asked_server_that_does_nothing_is_hung(server: Server, line: Line, answers: list[CanaryAnswer]) -> None:
    """Known within three seconds, and when all was well for the last time; a queue may stay full for ever."""
    server.liveness.look()
    server.count = 1
    line.go_on(10)
    assert server.liveness.look() is None
    line.runs[STUB] = 0.06
    server.answers = answers

    fault = server.first_fault(60)

    assert fault is not None
    assert (fault.kind, fault.since_s) == ("hung", 10)
    assert line.now_s - fault.since_s <= 3


def test_working_for_nothing_is_hung_after_a_while(server: Server) -> None:
    """A server that spins gets half a minute."""
    server.count = None  # nor does it say how it is

    assert server.first_fault(25) is None
    fault = server.first_fault(10)
    assert fault is not None
    assert fault.kind == "hung"


def test_starved_server_is_left_alone(server: Server, line: Line) -> None:
    """Neighbors that take all processors are no fault of the server, and a restart would need even more of them."""
    line.runs[STUB], line.waits[STUB] = 0.02, 0.98

    assert server.first_fault(600) is None


@pytest.mark.parametrize(
    ("text", "model"),
    [("in ensemble 'endface', Stub process 'segment_0_1' is not healthy.", "segment"), ("internal", "")],
    ids=["of a model", "of unknown origin"],
)
def test_two_failed_canaries_are_a_fault(server: Server, text: str, model: str) -> None:
    """One may be bad luck; the second may name the model whose processes are to be made anew."""
    server.answers = [CanaryAnswer(CanaryOutcome.ERROR, text)]
    assert server.first_fault(5) is None
    server.answers = [CanaryAnswer(CanaryOutcome.ERROR, text)]

    fault = server.first_fault(5)

    assert fault is not None
    assert (fault.kind, fault.model) == ("failing", model)


def test_own_pause_is_nobodys_fault(server: Server, line: Line) -> None:
    """Where this process did not run itself no server is blamed."""
    assert server.first_fault(1) is None

    line.go_on(3600)

    assert server.liveness.look() is None
    assert server.first_fault(LOOK_S) is None
