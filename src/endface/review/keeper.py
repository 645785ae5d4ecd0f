"""What answered pictures are handed to: those that a person should look at are kept, and a candidate judges them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from endface.errors import ReviewError
from endface.options import Options
from endface.report import Report
from endface.review.cases import Cases
from endface.review.shadow import Shadow


@dataclass(frozen=True)
class ReviewSettings:
    """The folder of the cases, a candidate's network file, and whether every picture is kept."""

    folder: Path
    shadow: Path | None
    everything: bool


@contextmanager
def keeping(settings: ReviewSettings | None, options: Options, say: Callable[[str], None]) -> Iterator[Keeper | None]:
    """What keeps pictures meanwhile; None for no settings.

    Args:
        settings: what is kept, and where.
        options: what reports do not say of how they were judged.
        say: gets a sentence: what the candidate found, at the end.

    Raises:
        EndfaceError: the candidate cannot be loaded.
    """
    if settings is None:
        yield None
        return
    cases, shadow = Cases(settings.folder), None
    if settings.shadow is not None:
        shadow = Shadow.of_file(cases, settings.shadow, options)
    keeper = Keeper(cases, shadow, everything=settings.everything)
    try:
        with keeper:
            yield keeper
    finally:
        if keeper.tally:
            say(keeper.tally)


class Keeper:
    """Keeps pictures for review and offers them to a candidate, if there is one; threads may share it.

    Args:
        cases: where they are kept.
        shadow: the candidate; None for none.
        everything: whether clear passes are kept, too.
    """

    def __init__(self, cases: Cases, shadow: Shadow | None = None, *, everything: bool = False) -> None:
        self.cases, self._shadow, self._everything = cases, shadow, everything
        self._lock = threading.Lock()
        self._problem = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shadow is not None:
            self._shadow.close()

    @property
    def problem(self) -> str:
        """Why the last picture was not kept, in a sentence for the page; empty where it was."""
        with self._lock:
            return self._problem

    @property
    def open_count(self) -> int:
        """How many cases nobody has reviewed."""
        return self.cases.open_count

    @property
    def tally(self) -> str:
        """What the candidate found, in a sentence; empty without a candidate."""
        return "" if self._shadow is None else self._shadow.tally.text

    def __call__(self, report: Report | None, picture: bytes) -> None:
        """Keep a picture if it should be reviewed; a disk that does not take it is a problem, and no error.

        Args:
            report: what was answered; None where nothing was.
            picture: the encoded picture.
        """
        if report is None or not picture:
            return
        problem = ""
        try:
            self.keep(report, picture)
        except ReviewError as exc:
            problem = str(exc)
        with self._lock:
            self._problem = problem

    def keep(self, report: Report, picture: bytes) -> None:
        """Keep a picture if it should be reviewed, and offer it to the candidate in any case.

        Raises:
            ReviewError: the disk does not take it.
        """
        try:
            self.cases.keep(report, picture, asked=self._everything)
        finally:
            if self._shadow is not None:
                self._shadow.offer(picture, report)
