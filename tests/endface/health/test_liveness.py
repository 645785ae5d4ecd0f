from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from endface.health.canary import Answer, Canary, Outcome
from endface.health.liveness import Fault, Pulse
from endface.server.control import Control
from endface.server.processes import Session

LOOK_S = 0.25
BUSY = Answer(Outcome.BUSY, "Exceeds maximum queue size")


@dataclass
class Server:
    """A server whose signs are set by hand, and a clock that goes on a quarter of a second with each look."""

    monkeypatch: pytest.MonkeyPatch
    now_s: float = 0.0
    successes: int | None = 0
    wants: float = 1.0
    answers: list[Answer] = field(default_factory=list)
    asked: int = 0

    def pulse(self) -> Pulse:
        """A pulse that feels it."""
        control, session = Control("", 0), Session(0)
        canary = Canary("", 0, b"")
        self.monkeypatch.setattr(control, "successes", lambda: self.successes)
        self.monkeypatch.setattr(session, "wanted_s", lambda: self.now_s * self.wants)
        self.monkeypatch.setattr(canary, "ask", self._ask)
        self.monkeypatch.setattr(canary, "answer", lambda: self.answers.pop() if self.answers else None)
        return Pulse(control, canary, session, lambda: self.now_s)

    def looks(self, pulse: Pulse, seconds: float) -> Iterator[Fault | None]:
        """What is found in a time."""
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:
            self.now_s += LOOK_S
            yield pulse.look()

    def first_fault(self, pulse: Pulse, seconds: float) -> Fault | None:
        """The first fault in a time."""
        return next(filter(None, self.looks(pulse, seconds)), None)

    def _ask(self) -> None:
        self.asked += 1


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """A server that gets nothing done but wants to."""
    return Server(monkeypatch)


def test_idle_server_is_asked(server: Server) -> None:
    """Where nobody else asks a canary does, once a second, and its report is a sign of life."""
    pulse = server.pulse()
    server.wants = 0.001
    for _ in range(40):
        server.now_s += LOOK_S
        asked = server.asked
        assert pulse.look() is None
        if server.asked > asked:
            server.answers.append(Answer(Outcome.REPORT))

    assert 8 <= server.asked <= 14


def test_working_server_is_not_asked(server: Server) -> None:
    """Requests that succeed are sign enough."""
    pulse = server.pulse()
    for fault in server.looks(pulse, 60):
        assert fault is None
        server.successes = (server.successes or 0) + 1

    assert server.asked == 0


def test_overload_is_no_illness(server: Server) -> None:
    """Canaries are refused or late for minutes; as long as anything succeeds now and then, the server is well."""
    pulse = server.pulse()
    for count in range(20):
        assert server.first_fault(pulse, 10) is None
        server.answers.append(BUSY)
        server.successes = count + 1


def test_server_that_does_not_want_to_is_hung(server: Server) -> None:
    """Asked and idle: known within three seconds, and when all was well for the last time."""
    pulse = server.pulse()
    pulse.look()
    server.successes = 1
    server.now_s = 10
    assert pulse.look() is None
    server.wants = 0.05
    fault = server.first_fault(pulse, 60)

    assert fault is not None
    assert fault.kind == "hung"
    assert fault.since_s == 10
    assert server.now_s - fault.since_s <= 3


def test_refusing_everything_while_idle_is_hung(server: Server) -> None:
    """A queue that is full for ever, as after clients vanished by the hundred."""
    pulse = server.pulse()
    server.wants = 0.06
    server.answers = [BUSY] * 100

    fault = server.first_fault(pulse, 60)

    assert fault is not None
    assert fault.kind == "hung"


def test_working_for_nothing_is_hung_after_a_while(server: Server) -> None:
    """A server that spins gets half a minute."""
    pulse = server.pulse()
    server.successes = None  # nor does it say how it is

    assert server.first_fault(pulse, 25) is None
    fault = server.first_fault(pulse, 10)
    assert fault is not None
    assert fault.kind == "hung"


def test_two_failed_canaries_are_an_illness(server: Server) -> None:
    """One may be bad luck; the second names the model whose processes are to be made anew."""
    pulse = server.pulse()
    unhealthy = Answer(Outcome.ERROR, "in ensemble 'endface', Stub process 'segment_0_1' is not healthy.")
    server.answers = [unhealthy]
    assert server.first_fault(pulse, 5) is None
    server.answers = [unhealthy]

    fault = server.first_fault(pulse, 5)

    assert fault is not None
    assert (fault.kind, fault.model) == ("failing", "segment")


def test_failure_of_unknown_origin_blames_no_model(server: Server) -> None:
    """Then only a restart helps."""
    pulse = server.pulse()
    server.answers = [Answer(Outcome.ERROR, "internal")] * 2

    fault = server.first_fault(pulse, 5)

    assert fault is not None
    assert (fault.kind, fault.model) == ("failing", "")


def test_own_pause_is_nobodys_fault(server: Server) -> None:
    """Where we were not running ourselves (a suspended machine, a paused container) no server is blamed."""
    pulse = server.pulse()
    assert server.first_fault(pulse, 1) is None

    server.now_s += 3600

    assert pulse.look() is None
