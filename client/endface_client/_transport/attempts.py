"""How a picture is inspected although servers fail: tried again while there is time and hope.

An inspection changes nothing on a server, so it is safe to repeat, and what failed for a reason that passes is: no
connection, a server that starts, stops, repairs itself or has a full queue, one that hangs.  gRPC's own retries are
not used for it, because they know neither Triton's messages nor when the whole is over.
"""

from __future__ import annotations

import random
import time
from typing import Final, TypeAlias

from endface.report import Report
from endface.telemetry import trace
from endface_client._errors import ClientError, DeadlineExceeded, Overloaded, ServerUnavailable, translated
from endface_client._shared_memory import SharedMemory
from endface_client._transport import trace as client_trace
from endface_client._transport import wire
from endface_client._transport.circuit import Circuit
from endface_client._transport.steps import Conversation, Pause
from endface_client._transport.trace import Traced
from endface_client._transport.wire import Call, Reply

Repeat: TypeAlias = tuple[type[ClientError], ...]
"""The failures after which to try again, if they pass."""

_FIRST_PAUSE_S: Final = 0.02
_LONGEST_PAUSE_S: Final = 1.0
"""A server that repairs itself takes seconds: more than one question a second for each picture would not help it."""

_LONGEST_BUSY_PAUSE_S: Final = 0.16
"""A server that works frees a place every 20 ms, and a refusal costs it 0.2 ms: who waits longer lets others pass."""

ALWAYS: Final[Repeat] = (ClientError,)
NEVER: Final[Repeat] = ()
WHEN_BUSY: Final[Repeat] = (Overloaded,)

_SHORTEST_ATTEMPT_S: Final = 1.0
"""An attempt that is given less is lost on any server that has something to do."""


class Attempts:
    """Has pictures inspected by a target.

    Args:
        servers: the target as the user named it.
        count: of how many servers it consists.
    """

    def __init__(self, servers: str, count: int) -> None:
        self._servers = servers
        self._count = count
        self._circuit = Circuit()
        self._closed = False
        self._shared_memory = SharedMemory(servers.strip() if count == 1 else "")
        trace.tracer(client_trace.SERVICE)  # where there is one, its packages are imported now

    def look(self, call: Call) -> None:
        """What must be known before a picture's first attempt and takes time, see ``SharedMemory.look``."""
        self._shared_memory.look(call)

    def close(self) -> Conversation[None]:
        """Try nothing again, and free what servers keep for this client."""
        self._closed = True
        yield from self._shared_memory.close()

    def inspect(self, call: Call, deadline_s: float, *, repeat: Repeat = ALWAYS) -> Conversation[Reply]:
        """A picture's report.

        Args:
            call: the picture.
            deadline_s: seconds for all attempts and the pauses between them.
            repeat: after which failures to try again, if they pass.

        Raises:
            ClientError: as ``Client.inspect``.
        """
        with client_trace.inspection(call) as traced:
            reply = yield from self._inspect(call, deadline_s, repeat, traced)
            traced.tell(reply)
            return reply

    def _inspect(self, call: Call, deadline_s: float, repeat: Repeat, traced: Traced) -> Conversation[Reply]:
        ends_s = time.monotonic() + deadline_s
        failures: list[ClientError] = []
        try:
            while True:
                try:
                    with traced.attempt(call) as sent:
                        report = yield from self._attempt(sent, ends_s)
                except ClientError as exc:
                    failures.append(exc)
                else:
                    self._circuit.answered()
                    return Reply(report, len(failures) + 1)
                pause_s = self._pause_s(failures, ends_s, deadline_s)
                if pause_s is None or not isinstance(failures[-1], repeat):
                    raise _told(failures)
                yield Pause(pause_s)
        finally:
            failures.clear()  # their tracebacks hold this frame, and with it the picture

    def _attempt(self, call: Call, ends_s: float) -> Conversation[Report]:
        if self._closed:
            raise ServerUnavailable("the client was closed before the picture was inspected")
        now_s = time.monotonic()
        limit_s = ends_s - now_s
        if self._count > 1:  # leave time for another server: this one may hang
            limit_s = min(limit_s, max(limit_s / 2, _SHORTEST_ATTEMPT_S))
        with translated(self._servers):
            result = yield from self._shared_memory.infer(call, now_s + limit_s)
        return wire.unpack(call, result)

    def _pause_s(self, failures: list[ClientError], ends_s: float, patience_s: float) -> float | None:
        """How long to wait before the next attempt; None where there should be none."""
        failure, now_s = failures[-1], time.monotonic()
        hangs = isinstance(failure, DeadlineExceeded)  # or works hard; who knows
        if failure.transient and not isinstance(failure, Overloaded | DeadlineExceeded):
            self._circuit.failed(now_s, patience_s)
        elif not hangs:
            self._circuit.answered()
        if not failure.transient or self._closed:
            return None
        if self._circuit.is_open(now_s, patience_s):
            return 0.0 if len(failures) < self._count and now_s < ends_s else None
        ceiling_s = _LONGEST_BUSY_PAUSE_S if isinstance(failure, Overloaded) else _LONGEST_PAUSE_S
        longest_s = 0.0 if hangs else min(_FIRST_PAUSE_S * 2 ** (len(failures) - 1), ceiling_s)
        pause_s = random.uniform(longest_s / 2, longest_s)  # apart from other clients, which failed at the same time
        return pause_s if now_s + pause_s < ends_s else None


def _told(failures: list[ClientError]) -> ClientError:
    """The failure that says most: that time ran out at last says less than what was wrong all the time before."""
    reasons = [failure for failure in failures if not isinstance(failure, DeadlineExceeded)]
    error = (reasons or failures)[-1]
    error.attempts = len(failures)
    if len(failures) > 1:
        error.args = (f"{error}; tried {len(failures)} times",)
    return error
