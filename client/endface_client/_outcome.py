"""What came of one picture of a run: its report, or the error that kept it from being inspected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from endface.report import Report
from endface_client._errors import ClientError

Word = Literal["pass", "fail", "invalid", "error"]

WORDS: Final[tuple[Word, ...]] = ("pass", "fail", "invalid", "error")
"""The verdicts of a run, the best first; ``error`` is a picture that was not inspected."""


@dataclass(frozen=True)
class Outcome:
    """A picture's path, and its report or its error."""

    path: Path
    result: Report | ClientError

    @property
    def word(self) -> Word:
        """The verdict, or ``error``."""
        return self.result.verdict if isinstance(self.result, Report) else "error"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the picture did not pass."""
        return self.result.reasons if isinstance(self.result, Report) else (str(self.result),)


def count(outcomes: Iterable[Outcome]) -> dict[Word, int]:
    """How many pictures ended with each word."""
    found = Counter(outcome.word for outcome in outcomes)
    return {word: found[word] for word in WORDS}


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """0 if all passed, 1 if any failed or is invalid, 2 if any was not inspected, or if there was none."""
    counts = count(outcomes)
    if counts["error"] or not outcomes:
        return 2
    return 1 if counts["fail"] or counts["invalid"] else 0
