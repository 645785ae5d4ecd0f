"""A part under inspection: a connector with one face for each fiber, and all pictures of each face."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from endface.connector import ConnectorReport, judge_connector
from endface.report import Report
from endface_client.outcome import Word
from endface_client.record.entry import Entry

_DONE: Final[tuple[Word, ...]] = ("fail", "invalid", "pass")
"""Verdicts, the worst first; a picture that was not inspected says nothing about its face."""


@dataclass(frozen=True)
class Attempt:
    """One picture of a face, and what came of it.

    Attributes:
        word: the verdict, or ``error`` where the picture was not inspected.
        time: when it was written into the record.
        picture: SHA-256 of its bytes.
        reason: why it did not pass; of an error its sentence.
        report: the report; None for an error, and once the part is history.
        picture_id: of the accepted picture; empty where the station did not make the entry.
        file: the picture in the record's folder; empty where the record keeps none.
    """

    word: Word
    time: datetime
    picture: str = ""
    reason: str = ""
    report: Report | None = None
    picture_id: str = ""
    file: str = ""

    @classmethod
    def of_entry(cls, entry: Entry, *, whole: bool) -> Attempt:
        """What an entry of the record says.

        Args:
            entry: the entry.
            whole: whether to read its report, which takes a hundred times as long as the rest.
        """
        values = entry.values
        meta = (values["report"] or {}).get("meta", {})
        report = entry.report if whole else None
        reasons = values["report"]["reasons"] if values["report"] else [values["error"]["message"]]
        return cls(
            word=entry.word,
            time=entry.time,
            picture=(values["picture"] or {}).get("sha256", ""),
            reason=reasons[0] if reasons else "",
            report=report,
            picture_id=meta.get("picture", ""),
            file=entry.picture_file,
        )


def part_of(values: Mapping[str, Any]) -> tuple[str, int, int]:
    """What an entry of the record is about: the part's key, the fiber, and how many the part has."""
    meta = (values["report"] or {}).get("meta", {})
    connector = values.get("connector") or {}
    fiber = str(meta.get("fiber") or connector.get("fiber") or values.get("fiber") or 1)
    fibers = str(meta.get("fibers") or connector.get("fibers") or 1)
    numbers = [int(text) if text.isascii() and text.isdecimal() else 1 for text in (fiber, fibers)]
    return str(values["serial"] or meta.get("part") or values["name"]), numbers[0], max(numbers)


def tells_fiber(entry: Entry) -> bool:
    """Whether an entry says which face it is about: an error does where it is of a fiber of a connector."""
    return entry.word != "error" or bool(entry.values["serial"] and entry.fiber)


@dataclass
class Face:
    """One fiber of a part: its pictures in the order in which they were taken."""

    attempts: list[Attempt] = field(default_factory=list)

    @property
    def judged(self) -> list[Attempt]:
        """The pictures that were inspected."""
        return [attempt for attempt in self.attempts if attempt.word != "error"]

    @property
    def word(self) -> Word | None:
        """The verdict of its last picture; None before there is one."""
        return self.attempts[-1].word if self.attempts else None

    @property
    def is_first_pass(self) -> bool:
        """Whether it passed the first time that it could be judged."""
        words = [attempt.word for attempt in self.attempts if attempt.word in ("pass", "fail")]
        return self.word == "pass" and words[:1] == ["pass"]


@dataclass
class Part:
    """A part and its faces.

    Attributes:
        key: what it is filed under.
        serial: its serial number; empty where nobody has scanned one.
        fibers: how many it has.
        faces: those with a picture by fiber, from 1.
        selected: the fiber that the operator has chosen for the next picture; None to go on by themselves.
        latest: the fiber of the last picture that was accepted; 0 before there is one.
    """

    key: str
    serial: str = ""
    fibers: int = 1
    faces: dict[int, Face] = field(default_factory=dict)
    selected: int | None = None
    latest: int = 0

    def face(self, fiber: int) -> Face:
        """The face of a fiber; one without pictures is not kept."""
        return self.faces.get(fiber) or Face()

    def add(self, fiber: int, attempt: Attempt) -> None:
        """File one picture of a fiber."""
        self.faces.setdefault(fiber, Face()).attempts.append(attempt)

    def at_least(self, fibers: int) -> int:
        """How many fibers it has where somebody says ``fibers``: none with a picture is left out."""
        return max([fibers, *self.faces])

    @property
    def is_whole(self) -> bool:
        """Whether each face has a verdict."""
        return all(self.face(fiber).word in _DONE for fiber in range(1, self.fibers + 1))

    @property
    def word(self) -> Word | None:
        """The verdict: that of its worst face; None until each face has one.

        It is what ``judge_connector`` says of the reports, which are not all in memory.
        """
        if not self.is_whole:
            return None
        words = {face.word for face in self.faces.values()} | ({"invalid"} if self.has_repeated_picture else set())
        return next(word for word in _DONE if word in words)

    @property
    def has_repeated_picture(self) -> bool:
        """Whether two of its faces have the very same picture: one of them was not looked at."""
        shown = [face.attempts[-1].picture for face in self.faces.values() if face.word in _DONE]
        return len(set(shown)) < len(shown)

    @property
    def is_first_pass(self) -> bool:
        """Whether each face passed the first time."""
        return self.is_whole and all(face.is_first_pass for face in self.faces.values())

    @property
    def last_time(self) -> datetime | None:
        """When its last picture was filed."""
        return max((face.attempts[-1].time for face in self.faces.values() if face.attempts), default=None)

    @property
    def last_fiber(self) -> int:
        """The fiber of its last picture that was filed; 0 before there is one."""
        filed = {face.attempts[-1].time: fiber for fiber, face in self.faces.items() if face.attempts}
        return filed[max(filed)] if filed else 0

    def tries(self, fiber: int) -> int:
        """How often the camera has looked at a fiber."""
        return len(self.face(fiber).judged)

    def cleanings(self, fiber: int) -> int:
        """How often a fiber had failed, since it last passed, before its last picture; as the record counts it."""
        count, judged = 0, self.face(fiber).judged
        for attempt in judged[:-1]:
            if attempt.word == "pass":
                count = 0
            elif attempt.word == "fail" and attempt.picture != judged[-1].picture:
                count += 1
        return count

    def next_fiber(self, waiting: Mapping[int, int], *, steps_itself: bool = False) -> int:
        """The fiber that the next picture shows.

        It is the one that the operator has chosen; else the last one again where it did not pass; else the first one
        without a picture; else the first one that did not pass.

        Args:
            waiting: how many pictures of each fiber wait for a report.
            steps_itself: whether the microscope goes on to the next fiber whatever the verdict.
        """
        if self.selected:
            return self.selected
        every = range(1, self.fibers + 1)
        last = self.latest or self.last_fiber
        if last and not steps_itself and not waiting.get(last) and self.face(last).word != "pass":
            return last
        bare = (fiber for fiber in every if not self.face(fiber).attempts and not waiting.get(fiber))
        bad = (fiber for fiber in every if self.face(fiber).word != "pass" and not waiting.get(fiber))
        return next(bare, next(bad, self.latest or 1))

    def is_full(self, waiting: Mapping[int, int]) -> bool:
        """Whether each face has passed or waits for its verdict, and at least one waits.

        Args:
            waiting: how many pictures of each fiber wait for a report.
        """
        every = range(1, self.fibers + 1)
        return any(waiting.values()) and all(waiting.get(each) or self.face(each).word == "pass" for each in every)

    def connector(self, fiber: int, report: Report) -> ConnectorReport | None:
        """The verdict on the part with one more report; None while a face has none, and for a single fiber."""
        if self.fibers == 1:
            return None
        reports = [
            report if each == fiber else face.judged[-1].report
            for each in range(1, self.fibers + 1)
            if (face := self.face(each)) and (each == fiber or face.word in _DONE)
        ]
        known = [each for each in reports if each is not None]
        return judge_connector(known, (), (), self.fibers) if len(known) == self.fibers else None

    def forget_reports(self) -> None:
        """Keep the verdicts only."""
        for face in self.faces.values():
            face.attempts = [replace(attempt, report=None) for attempt in face.attempts]
