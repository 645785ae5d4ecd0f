"""The shift: the part in progress, the last parts, takt and first-pass yield, all of it out of the record."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Final, Literal

from endface_client.record.database import entries, reading
from endface_client.record.entry import Entry
from endface_station.arrival import PartPassed, ScanFirst
from endface_station.part import Attempt, Part, part_of, tells_fiber

LAST_PARTS: Final = 50
"""How many parts the page shows, and yield and takt are about."""

_WHOLE_PARTS: Final = 4
"""How many parts keep their reports in memory: the one in progress, and those that a queue still fills."""

_LOOKS_BACK: Final = timedelta(hours=24)
_STAND_IN: Final = "no-serial-"

Serials = Literal["optional", "connectors", "always"]
"""Which parts need a serial number before their first picture: none, those of several fibers, or all."""

History = Callable[[str], Iterable[Entry]]
"""Gives the entries of a part by its serial number, the oldest first."""


class Shift:
    """What a station has inspected lately; not for several threads at once.

    Args:
        history: gives earlier entries of a part; a serial number that is scanned again finds its faces there.
        fibers: how many a new part has.
        steps_itself: whether the microscope goes on to the next fiber whatever the verdict.
        serials: which parts need a serial number before their first picture.
    """

    def __init__(
        self, history: History, *, fibers: int = 1, steps_itself: bool = False, serials: Serials = "connectors"
    ) -> None:
        self._history = history
        self._parts: OrderedDict[str, Part] = OrderedDict()
        self._whole: OrderedDict[str, None] = OrderedDict()
        self.fibers = fibers
        self.steps_itself = steps_itself
        self._serials = serials
        self.current: Part | None = None

    @classmethod
    def of_record(
        cls, record: Path, *, fibers: int = 1, steps_itself: bool = False, serials: Serials = "connectors"
    ) -> Shift:
        """The shift as the record's last day tells it; no part is in progress.

        Raises:
            RecordError: the record cannot be read.
        """

        def history(serial: str) -> Iterable[Entry]:
            with reading(record) as db:
                return list(entries(db, serial=serial))

        shift = cls(history, fibers=fibers, steps_itself=steps_itself, serials=serials)
        since = (datetime.now(UTC) - _LOOKS_BACK).isoformat(timespec="milliseconds")
        with reading(record) as db:
            for entry in entries(db, since=since):
                if not tells_fiber(entry):
                    continue
                key, fiber, fibers_of_part = part_of(entry.values)
                if entry.word == "error":  # it does not say how many fibers the part has
                    fibers_of_part = max(fibers_of_part, shift._fibers_of(key))
                part = shift._filed(key, entry.values["serial"], fibers_of_part)
                part.add(fiber, Attempt.of_entry(entry, whole=False))
        return shift

    def begin(self, serial: str) -> Part:
        """Make a part the one in progress; one that was inspected before has as many fibers as then.

        Args:
            serial: its serial number; empty for a part without one.

        Raises:
            ScanFirst: it is empty, and parts need one.
        """
        if not serial and self.needs_serial:
            raise ScanFirst
        key = serial or _stand_in()
        part = self.part(key, serial)
        part.latest, part.selected = 0, None
        self.current = part
        return part

    def count(self, fibers: int) -> None:
        """Say how many fibers the part in progress and new parts have."""
        self.fibers = fibers
        if self.current:
            self.current.fibers = self.current.at_least(fibers)
            if self.current.selected and self.current.selected > self.current.fibers:
                self.current.selected = None

    @property
    def needs_serial(self) -> bool:
        """Whether a part needs a serial number before its first picture.

        As long as a connector is in progress, the next part needs one however many fibers new parts have.
        """
        fibers = max(self.fibers, self.current.fibers if self.current else 1)
        return self._serials == "always" or (self._serials == "connectors" and fibers > 1)

    def awaiting(self) -> Part:
        """The part that the next picture belongs to.

        A part that has passed takes no further picture unless the operator has chosen one of its fibers: whoever
        forgets to scan must not add a stranger's face to it.

        Raises:
            ScanFirst: none is in progress that takes a picture, and parts need a serial number.
        """
        part = self.current
        is_over = part is None or self.is_over(part)
        if self.needs_serial and (is_over or not (part and part.serial)):
            raise PartPassed(part.serial) if part and part.serial else ScanFirst
        return Part(_stand_in(), fibers=self.fibers) if part is None or is_over else part

    def of_serial(self, serial: str) -> Part:
        """The part that a picture with that serial number belongs to; it is in progress only once ``go_on`` says so.

        Raises:
            ScanFirst: it is empty, and parts need one.
        """
        if self.current and serial and self.current.serial == serial:
            return self.current
        if not serial and self.needs_serial:
            raise ScanFirst
        if not serial:
            return Part(_stand_in(), fibers=self.fibers)
        part = self.part(serial, serial)
        part.latest, part.selected = 0, None
        return part

    def go_on(self, part: Part, fiber: int) -> None:
        """Make the part of an accepted picture the one in progress."""
        self._parts.setdefault(part.key, part)
        part.latest, part.selected = fiber, None
        self.current = part

    def is_over(self, part: Part) -> bool:
        """Whether a part takes no further picture."""
        return part.word == "pass" and not part.selected

    def part(self, key: str, serial: str, fibers: int | None = None) -> Part:
        """A part with the reports of its faces, read from the record where they are not in memory."""
        part = self._filed(key, serial, fibers or self._fibers_of(key))
        if key not in self._whole and serial:
            self._read(part, keep_fibers=fibers is not None)
        self._whole[key] = None
        self._whole.move_to_end(key)
        while len(self._whole) > _WHOLE_PARTS:
            oldest, _ = self._whole.popitem(last=False)
            if oldest in self._parts:
                self._parts[oldest].forget_reports()
        return part

    def filed(self, picture_id: str) -> tuple[Part, int, Attempt] | None:
        """The part and the fiber that a picture of that id is filed under, and what came of it; None for none."""
        every = (
            (part, fiber, attempt)
            for part in self._parts.values()
            for fiber, face in part.faces.items()
            for attempt in face.attempts
        )
        return next((found for found in every if found[2].picture_id == picture_id), None)

    def add(self, part: Part, fiber: int, attempt: Attempt) -> None:
        """File one picture of a part."""
        part.add(fiber, attempt)
        if part.key in self._parts:
            self._parts.move_to_end(part.key)

    def last(self) -> list[Part]:
        """The last parts that were inspected, the oldest first; the one in progress only once it is whole."""
        seen = [part for part in self._parts.values() if any(face.attempts for face in part.faces.values())]
        return [part for part in seen if part is not self.current or part.is_whole][-LAST_PARTS:]

    @property
    def first_pass_yield(self) -> float | None:
        """Share of the last parts that passed with the first picture of each face that could be judged."""
        parts = self.last()
        return sum(part.is_first_pass for part in parts) / len(parts) if parts else None

    @property
    def takt(self) -> timedelta | None:
        """Median time from one part to the next; None for less than two parts."""
        ends = sorted(time for part in self.last() if (time := part.last_time))
        steps = [(later - earlier).total_seconds() for earlier, later in pairwise(ends)]
        return timedelta(seconds=median(steps)) if steps else None

    @property
    def counts(self) -> Counter[str]:
        """The last parts by verdict; ``open`` are those that were left before each face had one."""
        return Counter(part.word or "open" for part in self.last())

    def _fibers_of(self, key: str) -> int:
        """How many fibers a part has, as far as it is known: else as many as a new one."""
        return self._parts[key].fibers if key in self._parts else self.fibers

    def _filed(self, key: str, serial: str, fibers: int) -> Part:
        part = self._parts.setdefault(key, Part(key, serial))
        part.fibers = part.at_least(fibers)
        self._parts.move_to_end(key)
        while len(self._parts) > LAST_PARTS + _WHOLE_PARTS:
            forgotten, _ = self._parts.popitem(last=False)
            self._whole.pop(forgotten, None)
        return part

    def _read(self, part: Part, *, keep_fibers: bool) -> None:
        """Take a part's faces from the record."""
        part.faces.clear()
        for entry in self._history(part.serial):
            if not tells_fiber(entry):
                continue
            _, fiber, fibers = part_of(entry.values)
            part.add(fiber, Attempt.of_entry(entry, whole=True))
            if not keep_fibers and entry.word != "error":
                part.fibers = fibers
        part.fibers = part.at_least(part.fibers)


def _stand_in() -> str:
    """What a part without a serial number is filed under."""
    return f"{_STAND_IN}{datetime.now().astimezone():%Y%m%d-%H%M%S-%f}"
