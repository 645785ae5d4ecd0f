"""Steps of an inspection: what is to be done next, while the client does the waiting.

An inspection is a generator.  It yields a step, is sent the step's result or thrown its error, and returns a reply.
``Client`` performs steps by blocking, ``AsyncClient`` by awaiting; neither decides anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from endface_client._errors import ClientError
from endface_client._transport.wire import Call

Result = TypeVar("Result")


@dataclass(frozen=True)
class Request:
    """An inference; gives the server's answer, or raises TimeoutError after ``timeout_s``."""

    call: Call
    timeout_s: float


@dataclass(frozen=True)
class Sleep:
    """A pause."""

    seconds: float


@dataclass(frozen=True)
class Check:
    """A function that may wait for the network; gives its value."""

    function: Callable[[], object]


Step: TypeAlias = Request | Sleep | Check
Steps: TypeAlias = Generator[Step, Any, Result]


def run(steps: Steps[Result], perform: Callable[[Step], Any]) -> Result:
    """Perform steps until they return.

    Args:
        steps: closed in any case.
        perform: gives the result of one step, or raises ClientError or TimeoutError.
    """

    async def performed(step: Step) -> Any:  # it blocks and never waits, so one send runs to the end
        return perform(step)

    try:
        run_async(steps, performed).send(None)
    except StopIteration as end:
        returned: Result = end.value
        return returned
    raise RuntimeError("a step that blocks has waited for an event loop")


async def run_async(steps: Steps[Result], perform: Callable[[Step], Awaitable[Any]]) -> Result:
    """Perform steps as ``run`` does, awaiting each."""
    with contextlib.closing(steps):
        try:
            step = next(steps)
            while True:
                try:
                    result = await perform(step)
                except (ClientError, TimeoutError) as exc:
                    step = steps.throw(exc)
                else:
                    step = steps.send(result)
        except StopIteration as end:
            returned: Result = end.value
            return returned
