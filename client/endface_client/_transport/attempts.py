"""Repeated attempts to have a picture inspected.

An inspection changes nothing on a server, so it is safe to repeat.  What fails for a reason that passes is repeated
until the deadline: no connection, a server that starts, stops, repairs itself or has a full queue, one that hangs.
gRPC's own retries know neither Triton's messages nor the deadline of the whole.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from endface.report import Report
from endface.telemetry import trace
from endface_client._errors import (
    ClientError,
    DeadlineExceeded,
    Overloaded,
    ServerUnavailable,
    explain,
    refused_address,
)
from endface_client._transport import trace as client_trace
from endface_client._transport import wire
from endface_client._transport.channel import Target
from endface_client._transport.probe import cause_of_refusal
from endface_client._transport.steps import Check, Request, Sleep, Steps
from endface_client._transport.trace import Traced
from endface_client._transport.wire import Call, Reply

Repeat: TypeAlias = tuple[type[ClientError], ...]
"""The failures after which to try again, if they pass."""

_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 1.0
"""A server that repairs itself takes seconds: more than one question a second for each picture would not help it."""

_LONGEST_BUSY_PAUSE_S: Final = 0.16
"""A server that works frees a place in its queue every 20 ms or so, and a refusal costs it 0.2 ms.  With a longer pause
others would take all of them: first come, first served holds only from the moment that a picture is let in."""

ALWAYS: Final[Repeat] = (ClientError,)
NEVER: Final[Repeat] = ()
WHEN_BUSY: Final[Repeat] = (Overloaded,)

_SHORTEST_ATTEMPT_S: Final = 1.0
"""An attempt that is given less is lost on any server that has something to do."""


class Attempts:
    """The attempts of all pictures of a client; threads may share it.

    Args:
        target: the servers.
        clock: seconds that only grow.
        uniform: draws a pause between two bounds.
    """

    def __init__(
        self,
        target: Target,
        clock: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._target = target
        self._count = len(target.addresses)
        self._clock = clock
        self._uniform = uniform
        self._outage = Outage()
        self._closed = False
        trace.tracer(client_trace.SERVICE)  # where there is one, its packages are imported now

    def close(self) -> None:
        """Make no further attempt."""
        self._closed = True

    def inspect(self, call: Call, deadline_s: float, *, repeat: Repeat = ALWAYS) -> Steps[Reply]:
        """Inspect a picture, as steps.

        Args:
            call: the picture.
            deadline_s: seconds for all attempts and the pauses between them.
            repeat: after which failures to try again, if they pass.

        Raises:
            ClientError: as ``Client.inspect``.
        """
        with client_trace.inspection(call) as traced:
            reply = yield from self._inspect(call, deadline_s, repeat, traced)
            traced.record(reply)
            return reply

    def _inspect(self, call: Call, deadline_s: float, repeat: Repeat, traced: Traced) -> Steps[Reply]:
        ends_s = self._clock() + deadline_s
        failures: list[ClientError] = []
        try:
            while True:
                try:
                    with traced.attempt(call) as sent:
                        report = yield from self._attempt(sent, ends_s, deadline_s)
                except ClientError as exc:
                    failures.append(exc)
                    if len(failures) == self._count == 1:  # of several another one may inspect the picture
                        yield from self._explain(exc)
                else:
                    self._outage.end()
                    return Reply(report, len(failures) + 1)
                pause_s = self._pause_s(failures, ends_s, deadline_s)
                if pause_s is None or not isinstance(failures[-1], repeat):
                    raise (yield from self._final_error(failures))
                yield Sleep(pause_s)
        finally:
            failures.clear()  # their tracebacks hold this frame, and with it the picture

    def _attempt(self, call: Call, ends_s: float, deadline_s: float) -> Steps[Report]:
        if self._closed:
            raise ServerUnavailable("the client was closed before the picture was inspected")
        limit_s = max(ends_s - self._clock(), 0.0)
        if self._count > 1:  # leave time for another server: this one may hang
            limit_s = min(limit_s, max(limit_s / 2, _SHORTEST_ATTEMPT_S))
        try:
            response = yield Request(call, limit_s)
        except TimeoutError as exc:
            raise DeadlineExceeded(
                f"{self._target.servers} did not answer in time; allow more than {deadline_s:.3g} s, or send fewer "
                "pictures at once"
            ) from exc
        return wire.unpack(call, response)

    def _pause_s(self, failures: list[ClientError], ends_s: float, patience_s: float) -> float | None:
        """How long to wait before the next attempt; None where there should be none."""
        failure, now_s = failures[-1], self._clock()
        hangs = isinstance(failure, DeadlineExceeded)  # or it works hard, which looks the same
        if failure.transient and not isinstance(failure, Overloaded | DeadlineExceeded):
            self._outage.add(now_s, patience_s)
        elif not hangs:
            self._outage.end()
        if not failure.transient or self._closed:
            return None
        if self._outage.is_lasting(now_s, patience_s):
            return 0.0 if len(failures) < self._count and now_s < ends_s else None
        ceiling_s = _LONGEST_BUSY_PAUSE_S if isinstance(failure, Overloaded) else _LONGEST_PAUSE_S
        longest_s = 0.0 if hangs else min(_FIRST_PAUSE_S * 2 ** (len(failures) - 1), ceiling_s)
        pause_s = self._uniform(longest_s / 2, longest_s)  # apart from other clients, which failed at the same time
        return pause_s if now_s + pause_s < ends_s else None

    def _final_error(self, failures: list[ClientError]) -> Steps[ClientError]:
        """The failure to raise: a deadline that passed in the end says less than what was wrong before."""
        reasons = [failure for failure in failures if not isinstance(failure, DeadlineExceeded)]
        error = (reasons or failures)[-1]
        if error.transient:
            yield from self._explain(error)
        error.count_attempts(len(failures))
        return error

    def _explain(self, error: ClientError) -> Steps[None]:
        """Look at the address that refused a connection; what is wrong with it is told at once."""
        address = refused_address(error)
        cause = (yield Check(partial(cause_of_refusal, address, self._target.tls))) if address else None
        if cause:
            explain(error, cause, self._target.servers if self._count == 1 else address)


class Outage:
    """Time without any answer from the servers: a circuit breaker, but one that lets each picture be tried once.

    An outage is lasting once nothing has been answered for ``patience_s`` although it was tried all that time.  A
    picture is then tried once on each server instead of again and again, and the first answer ends the outage.  Threads
    may share it; times are those of one clock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failing: tuple[float, float] | None = None  # since when, until when

    def end(self) -> None:
        """Note an answer of a server: a report, a refusal, or that its queue is full."""
        self._failing = None

    def add(self, now_s: float, patience_s: float) -> None:
        """Note an attempt that no server answered, or only one that cannot inspect."""
        with self._lock:
            since_s, until_s = self._failing or (now_s, now_s)
            # What failed long ago says nothing about the time since: servers may have come and gone.
            self._failing = (now_s if now_s - until_s > patience_s else since_s, now_s)

    def is_lasting(self, now_s: float, patience_s: float) -> bool:
        """Whether the outage has lasted so long that waiting for an answer is useless."""
        if self._failing is None:
            return False
        since_s, until_s = self._failing
        return until_s - since_s >= patience_s >= now_s - until_s
