"""What a station hands its answered pictures to: those that a person should look at are kept, and nothing stops it."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from endface.errors import ReviewError
from endface.report import Report
from endface.review.cases import Cases
from endface.review.shadow import Shadow


class Keeper:
    """Keeps pictures for review and offers them to a candidate, if there is one; threads may share it.

    Args:
        cases: where they are kept.
        shadow: the candidate; None for none.
    """

    def __init__(self, cases: Cases, shadow: Shadow | None = None) -> None:
        self.cases, self._shadow = cases, shadow
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

    def __call__(self, report: Report | None, picture: bytes, *, asked: bool = False) -> None:
        """Keep a picture if it should be reviewed; a disk that does not take it is a problem, and no error.

        Args:
            report: what was answered; None where nothing was.
            picture: the encoded picture.
            asked: whether a person wants it kept.
        """
        if report is None or not picture:
            return
        problem = ""
        try:
            self.cases.keep(report, picture, asked=asked)
        except ReviewError as exc:
            problem = str(exc)
        with self._lock:
            self._problem = problem
        if self._shadow is not None:
            self._shadow.offer(picture, report)
