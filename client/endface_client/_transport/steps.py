"""What a client says to a server, and in which order, without a word on waiting.

A conversation is a generator: it yields each question, is sent the answer or thrown tritonclient's error, and returns
its result.  ``Client`` asks and waits, ``AsyncClient`` asks and awaits; neither decides anything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from tritonclient.utils import InferenceServerException

Result = TypeVar("Result")


@dataclass(frozen=True)
class Question:
    """A call of a method that tritonclient's sync and async clients have in common."""

    method: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Pause:
    """Nothing, for so many seconds."""

    seconds: float


Conversation: TypeAlias = Generator[Question | Pause, Any, Result]


def hold(conversation: Conversation[Result], take: Callable[[Question | Pause], Any]) -> Result:
    """Ask what a conversation asks until it has its result.

    Args:
        conversation: it is closed in any case.
        take: gives the answer of one step, or raises tritonclient's error.
    """
    with contextlib.closing(conversation):
        try:
            step = next(conversation)
            while True:
                try:
                    answer = take(step)
                except InferenceServerException as exc:
                    step = conversation.throw(exc)
                else:
                    step = conversation.send(answer)
        except StopIteration as end:
            result: Result = end.value
            return result
