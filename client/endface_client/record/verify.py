"""The check of a record: every seal, the chain from the first entry to the last, every picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from endface_client.record.database import reading
from endface_client.record.entry import GENESIS, Mark, RecordBroken, RecordError, columns, method, seal
from endface_client.record.pictures import Pictures
from endface_client.record.repeats import Repeats, is_set_back


@dataclass
class Finding:
    """What an intact record holds.

    Attributes:
        inspections: how many are kept.
        first: the number of the first entry, 0 in an empty record.
        head: the last entry.
        dropped: the last entry that the size limit has dropped; number 0 if there is none.
        warnings: what is as it was written, and yet odd: one picture for two parts, a clock that was set back.
    """

    inspections: int = 0
    first: int = 0
    head: Mark = field(default_factory=lambda: Mark(0, GENESIS))
    dropped: Mark = field(default_factory=lambda: Mark(0, GENESIS))
    warnings: list[str] = field(default_factory=list)


def check(folder: Path, *, key: bytes | None = None, head: Mark | None = None) -> Finding:
    """Verify a record as it is now; programs may go on writing to it.

    Args:
        folder: of the record.
        key: what it was sealed with.
        head: an entry that was seen before: it must be there still, with the same seal.

    Raises:
        RecordBroken: it is not what was written; the message names the first entry that shows it.
        RecordError: it cannot be read, or not without its key, or the head was dropped by the size limit.
    """
    with reading(folder) as db:
        chain = _Chain(folder, key, head)
        for row in db.execute(
            "SELECT number, seal, text, serial, time, picture, picture_bytes FROM entry ORDER BY number"
        ):
            chain.follow(Mark(*row[:2]), row[2], row[3:])
        chain.end()
        (health,) = db.execute("PRAGMA integrity_check(1)").fetchone()  # the indexes: a search must find what is there
        if health != "ok":
            raise RecordBroken(f"the database is damaged: {health}")
        return chain.found


@dataclass
class _Chain:
    """Walk from the first entry to the last."""

    folder: Path
    key: bytes | None
    expected: Mark | None
    found: Finding = field(default_factory=Finding)
    before_first: str = GENESIS
    repeats: Repeats = field(default_factory=Repeats)
    last_time: datetime | None = None

    def follow(self, mark: Mark, text: object, repeated: tuple[Any, ...]) -> None:
        """Check the next entry.

        Raises:
            RecordBroken: it is not the one that was written after the last.
        """
        number, last = mark.number, self.found.head
        if last.number and number != last.number + 1:
            raise RecordBroken(f"{_span(last.number + 1, number - 1)} missing")
        values = self._opened(mark, text)
        if not last.number:
            self.found.first, self.before_first = number, str(values.get("previous"))
        elif values.get("previous") != last.seal:
            raise RecordBroken(f"entry {number} does not follow entry {last.number}: one of them was replaced")
        if values.get("number") != number or repeated != columns(values):
            raise RecordBroken(f"entry {number} is filed under another number, serial, time or picture than it says")
        if self.expected and number == self.expected.number and mark != self.expected:
            raise RecordBroken(f"entry {number} has another seal than the head: the record was written anew")
        self._look_at_picture(number, values)
        self._look_for_oddities(number, values)
        self.found.head = mark
        if values.get("kind") == "dropped":
            self.found.dropped = Mark(int(values["through"]), str(values["seal"]))
        else:
            self.found.inspections += 1

    def end(self) -> None:
        """Check that the chain begins where the size limit has left off, and that the expected head was met.

        Raises:
            RecordBroken: entries were removed at the beginning or the end.
            RecordError: the expected head has been dropped.
        """
        found, dropped = self.found, self.found.dropped
        if found.first > dropped.number + 1:
            raise RecordBroken(f"{_span(dropped.number + 1, found.first - 1)} missing, and not by the size limit")
        if found.first and (found.first <= dropped.number or self.before_first != dropped.seal):
            raise RecordBroken(f"entry {found.first} is not the one that the record begins with")
        if self.expected and self.expected.number > found.head.number:
            raise RecordBroken(f"{_span(found.head.number + 1, self.expected.number)} missing: the end was cut off")
        if self.expected and self.expected.number < found.first:
            raise RecordError(f"entry {self.expected.number} has been dropped by the size limit; compare a newer head")

    def _opened(self, mark: Mark, text: object) -> Mapping[str, Any]:
        """What the text says, if it fits its seal."""
        try:
            values = json.loads(text) if isinstance(text, str) else None
        except ValueError:
            values = None
        if not isinstance(values, dict):
            raise RecordBroken(f"entry {mark.number} was changed: it is no JSON")
        if self.key is None and values.get("sealed") == method(b"key") and not self.found.head.number:
            raise RecordError("the record is sealed with a key; give it with --key")
        if values.get("sealed") != method(self.key):
            raise RecordBroken(f"entry {mark.number} was not sealed as the record is: with the key, or without one")
        if seal(str(text), self.key) != mark.seal:
            raise RecordBroken(f"entry {mark.number} was changed: it does not fit its seal")
        return values

    def _look_at_picture(self, number: int, values: Mapping[str, Any]) -> None:
        picture = values.get("picture") or {}
        if not picture.get("file"):
            return
        problem = Pictures(self.folder).problem(picture["file"], picture["sha256"])
        if problem and _is_there(self.folder, number):  # else the size limit has dropped both meanwhile
            raise RecordBroken(f"entry {number}: {problem}")

    def _look_for_oddities(self, number: int, values: Mapping[str, Any]) -> None:
        try:
            time = datetime.fromisoformat(str(values.get("time")))
            if self.last_time and is_set_back(self.last_time, time):
                self.found.warnings.append(f"entry {number} is dated before entry {number - 1}: a clock was set back")
        except (ValueError, TypeError) as exc:
            raise RecordBroken(f"entry {number} has no time that can be read") from exc
        self.last_time = time
        if picture := values.get("picture"):
            warning = self.repeats.add(picture["sha256"], values.get("serial", ""), values.get("name", ""))
            self.found.warnings += [f"entry {number}: {warning}"] if warning else []


def _is_there(folder: Path, number: int) -> bool:
    with reading(folder) as now:
        return now.execute("SELECT 1 FROM entry WHERE number = ?", (number,)).fetchone() is not None


def _span(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"
