"""What a client says to a server, and in which order, without a word on waiting.

A conversation is a generator: it yields each question, is sent the answer or thrown tritonclient's error, and returns
its result.  ``Client`` asks and waits, ``AsyncClient`` asks and awaits; neither decides anything.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

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
