"""Outcome of one picture of a run, and the counts of all: reports, or errors where nothing was inspected."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from endface.connector import ConnectorReport
from endface.report import Report
from endface_client._errors import ClientError

Word = Literal["pass", "fail", "invalid", "error"]

WORDS: Final[tuple[Word, ...]] = ("pass", "fail", "invalid", "error")
"""The verdicts of a run, the best first; ``error`` is a picture that was not inspected."""


@dataclass(frozen=True)
class Outcome:
    """The report or the error of one picture, of one fiber in it, or of a connector.

    Attributes:
        path: the picture's file; of a connector its picture, or the folder of its pictures.
        result: the report, or the error that kept the picture from being inspected.
        serial: the part's serial number; empty where it is not known.
        data: the bytes that were sent; empty where none were.
        fiber: which fiber of a connector it is, from 1; None where it is no connector's.
        fibers: the outcomes of a connector's fibers.
    """

    path: Path
    result: Report | ConnectorReport | ClientError
    serial: str = ""
    data: bytes = field(default=b"", repr=False)
    fiber: int | None = None
    fibers: tuple[Outcome, ...] = ()

    @property
    def report(self) -> Report | None:
        """The report of a picture or a fiber, if there is one."""
        return self.result if isinstance(self.result, Report) else None

    @property
    def connector(self) -> ConnectorReport | None:
        """The report of a connector, if it is one."""
        return self.result if isinstance(self.result, ConnectorReport) else None

    @property
    def name(self) -> str:
        """The picture's name, with the number of the fiber."""
        return self.path.name if self.fiber is None else f"{self.path.name}, fiber {self.fiber}"

    @property
    def scope_text(self) -> str:
        """Which zones the verdict is about, in words; empty where it is about all of the profile's."""
        return "" if isinstance(self.result, ClientError) else self.result.scope_text

    @property
    def is_borderline(self) -> bool:
        """Whether the verdict could be another one."""
        return not isinstance(self.result, ClientError) and self.result.borderline

    @property
    def word(self) -> Word:
        """The verdict, or ``error``."""
        return "error" if isinstance(self.result, ClientError) else self.result.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the picture did not pass."""
        return (str(self.result),) if isinstance(self.result, ClientError) else self.result.reasons


class Tally:
    """Counts of a run's outcomes; it keeps no report."""

    def __init__(self) -> None:
        self.counts: dict[Word, int] = dict.fromkeys(WORDS, 0)
        self.borderline = 0

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.counts[outcome.word] += 1
        self.borderline += outcome.is_borderline

    @property
    def total(self) -> int:
        """Number of pictures."""
        return sum(self.counts.values())

    @property
    def exit_code(self) -> int:
        """0 if all passed, 1 if any failed or is invalid, 2 if any was not inspected, or if there was none."""
        if self.counts["error"] or not self.total:
            return 2
        return 1 if self.counts["fail"] or self.counts["invalid"] else 0
