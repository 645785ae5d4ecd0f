"""One entry of a record: its text, and the seal that chains it to the entry before.

The text is canonical JSON: keys sorted, no blanks, ASCII.  The seal is the SHA-256 of that text, or its HMAC-SHA-256
where the record has a key; the text holds the seal of the entry before.  So a seal stands for all entries up to its
own, and anyone can compute it with a few lines in any language.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

from endface.errors import EndfaceError
from endface.report import Problem, Report
from endface_client.outcome import Word

SCHEMA: Final = "endface.record/1"
GENESIS: Final = "0" * 64
"""What stands for the seal before the first entry."""

_SHORTEST_KEY: Final = 16  # bytes; shorter ones can be guessed

Kind = Literal["inspection", "dropped"]


class RecordError(EndfaceError):
    """The record cannot be opened, read or written."""

    code = "record"


class RecordBroken(RecordError):  # noqa: N818 - the name says a state, as those of the client's errors do
    """The record was changed by something other than endface."""

    code = "record_broken"


@dataclass(frozen=True)
class Mark:
    """An entry's number and seal, written ``17:9f86d0...``: kept elsewhere, it proves later what stood before it."""

    number: int
    seal: str

    def __str__(self) -> str:
        return f"{self.number}:{self.seal}"

    @classmethod
    def parse(cls, text: str) -> Mark:
        """Read back what ``str`` wrote.

        Raises:
            RecordError: it is no mark.
        """
        number, _, seal = text.strip().partition(":")
        if not number.isdecimal() or len(seal) != len(GENESIS):
            raise RecordError(f"{text!r} is no head; it looks like 17:9f86d081..., a number and 64 hexadecimal digits")
        return cls(int(number), seal.lower())


@dataclass(frozen=True)
class Entry:
    """An entry as it was read; ``values`` is what its text holds."""

    mark: Mark
    values: Mapping[str, Any]

    @property
    def kind(self) -> Kind:
        """What was written down: an inspection, or that the oldest entries were dropped."""
        kind: Kind = self.values["kind"]
        return kind

    @property
    def time(self) -> datetime:
        """When it was written, in UTC."""
        return datetime.fromisoformat(self.values["time"])

    @property
    def report(self) -> Report | None:
        """The report, unless the picture was not inspected.

        Raises:
            RecordError: it is of another schema than this endface reads.
        """
        values = self.values["report"]
        if values is None:
            return None
        try:
            return Report.from_json(json.dumps(values))
        except ValueError as exc:
            raise RecordError(f"the report in entry {self.mark.number} cannot be read; update endface: {exc}") from exc

    @property
    def error(self) -> Problem | None:
        """Why the picture was not inspected; None if it was."""
        values = self.values["error"]
        return Problem(**values) if values else None

    @property
    def word(self) -> Word:
        """The verdict, or ``error``."""
        word: Word = self.values["report"]["verdict"] if self.values["report"] else "error"
        return word

    @property
    def fiber(self) -> int | None:
        """Which fiber of a connector, or of the picture, was inspected; None where there is one."""
        number: int | None = (self.values.get("connector") or self.values).get("fiber")
        return number or (self.values["report"] or {}).get("fiber_number")

    @property
    def picture_file(self) -> str:
        """Name of the picture in the record's folder of pictures; empty where none is kept."""
        return (self.values["picture"] or {}).get("file") or ""


def canonical(values: Mapping[str, Any]) -> str:
    """The one way to write an entry's values."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def columns(values: Mapping[str, Any]) -> tuple[str, str, str | None, int]:
    """What the database repeats of an entry to find it by: serial, time, file and bytes of the kept picture."""
    picture = values.get("picture") or {}
    file = picture.get("file")
    return plain(values.get("serial", "")), values.get("time", ""), file, picture.get("bytes", 0) if file else 0


def plain(text: str) -> str:
    """The text with what is no Unicode spelled out, such as odd bytes in a file's name; SQLite refuses them."""
    return text.encode(errors="backslashreplace").decode()


def seal(text: str, key: bytes | None) -> str:
    """The seal of a text, 64 hexadecimal digits."""
    data = text.encode("ascii", "backslashreplace")  # a text that was tampered with may hold anything
    return (hmac.new(key, data, hashlib.sha256) if key else hashlib.sha256(data)).hexdigest()


def method(key: bytes | None) -> str:
    """How entries are sealed, as their texts say it."""
    return "hmac-sha256" if key else "sha256"


def read_key(path: Path | None) -> bytes | None:
    """The key in a file, without the blanks around it; None for no file.

    Raises:
        RecordError: the file cannot be read, or its key is too short.
    """
    if path is None:
        return None
    try:
        key = path.read_bytes().strip()
    except OSError as exc:
        raise RecordError(f"the key {path} cannot be read: {exc.strerror}") from exc
    if len(key) < _SHORTEST_KEY:
        raise RecordError(
            f"the key {path} has {len(key)} bytes, at least {_SHORTEST_KEY} are needed: openssl rand -hex 32"
        )
    return key
