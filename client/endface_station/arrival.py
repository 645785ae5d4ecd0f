"""A picture that the station has accepted, and the part and fiber that it belongs to."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Self

from endface.errors import EndfaceError, RequestError
from endface.picture.decode import check_size
from endface_client.record.entry import plain
from endface_client.record.pictures import ending

LONGEST_SERIAL: Final = 100
"""Characters of a serial number; a two-dimensional code on a label holds fewer."""

MOST_FIBERS: Final = 24
"""Fibers of a connector."""

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Characters without a glyph: what a scanner sends around a code, and what turns the direction of a text."""


class RefusedInput(EndfaceError):  # noqa: N818 - as the client's errors, it names a state
    """A serial number, a fiber or a picture that the station does not take."""

    code = "refused_input"


class ScanFirst(RefusedInput):
    """A picture that came before the serial number of its part.

    Attributes:
        serial: of the part in progress, which takes no picture now; empty where none is.
    """

    code = "scan_first"

    def __init__(
        self, message: str = "no serial number is scanned; scan that of this connector first", serial: str = ""
    ) -> None:
        super().__init__(message)
        self.serial = serial


class PartPassed(ScanFirst):
    """A picture that came after the last one of a part, and before the next serial number."""

    code = "part_passed"

    def __init__(self, serial: str) -> None:
        super().__init__(
            f"{serial} has passed; scan the next connector, or choose the fiber to look at again, then take a picture",
            serial,
        )


class PartFull(ScanFirst):
    """A picture that came before the verdicts on a part whose faces all have one."""

    code = "part_full"

    def __init__(self, serial: str) -> None:
        super().__init__(
            f"each fiber of {serial} has its picture; scan the next connector, or choose the fiber to look at again, "
            "then take a picture",
            serial,
        )


def clean_serial(text: str) -> str:
    """The serial number in what a scanner or a person has typed: trimmed, without control characters.

    Raises:
        RefusedInput: it is longer than any label.
    """
    serial = plain(_UNSEEN.sub("", text)).strip()
    if len(serial) > LONGEST_SERIAL:
        raise RefusedInput(f"the serial number has {len(serial)} characters, at most {LONGEST_SERIAL} are taken")
    return serial


def clean_fiber(text: str, fibers: int) -> int:
    """The number of a fiber in a text.

    Raises:
        RefusedInput: it is none from 1 to ``fibers``.
    """
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= fibers):
        raise RefusedInput(f"the fiber is {text[:20]!r}, it must be a number from 1 to {fibers}")
    return int(text)


def check_picture(data: bytes, name: str) -> None:
    """Refuse what is no picture at all.

    Raises:
        RefusedInput: it is empty, too large, or in no format that endface reads.
    """
    try:
        check_size(data)
    except RequestError as exc:
        raise RefusedInput(str(exc)) from exc
    if not ending(data):
        raise RefusedInput(f"{name} is no PNG, JPEG, BMP or TIFF")


def new_id() -> str:
    """An id that no other picture has."""
    return secrets.token_hex(8)


@dataclass(frozen=True)
class Arrival:
    """A picture that the station has accepted.

    Attributes:
        name: of its file.
        serial: of the part; empty where nobody has scanned one.
        part: what its part is filed under: the serial number, or a stand-in for it.
        fiber: which fiber of the part it shows, from 1.
        fibers: how many the part has.
        id: of this one picture, so that it is filed once even if the station is killed between two steps.
        time: when it was accepted.
    """

    name: str
    serial: str
    part: str
    fiber: int
    fibers: int
    id: str
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def meta(self) -> dict[str, str]:
        """What the report echoes, so that the record alone tells which fiber of which part it is about."""
        stand_in = {} if self.part == self.serial else {"part": self.part}
        return {"fiber": str(self.fiber), "fibers": str(self.fibers), "picture": self.id, **stand_in}

    def to_json(self) -> bytes:
        """Its values as JSON."""
        return json.dumps({**vars(self), "time": self.time.isoformat()}).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read back what ``to_json`` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            values: Mapping[str, Any] = json.loads(text)
            return cls(**{**values, "time": datetime.fromisoformat(values["time"])})
        except (TypeError, KeyError) as exc:
            raise ValueError(f"it is no accepted picture: {exc}") from exc
