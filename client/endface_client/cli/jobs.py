"""Jobs of a run: each file is read once, and its bytes stay with the result of its job."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from endface.report import Report
from endface_client._errors import ClientError, ProtocolError, UnreadablePicture
from endface_client._transport import wire
from endface_client._transport.wire import Job
from endface_client.outcome import Outcome
from endface_client.record.entry import plain
from endface_client.record.pictures import ending

Results: TypeAlias = Iterator[Report | ClientError]
"""Results of jobs, in their order."""

Inspect: TypeAlias = Callable[[Iterable[Job]], Results]
"""Inspects jobs, several at a time."""

SerialOf: TypeAlias = Callable[[Path], str]
"""Gives the serial number of the part in a picture; raises UnreadablePicture where there should be one."""


@dataclass(frozen=True)
class _Sent:
    path: Path
    serial: str
    data: bytes


class PictureJobs:
    """Jobs of a run, and the pictures that their results belong to.

    A picture is read when its job is taken; only those that are under way are held.

    Args:
        pictures: the files.
        serial_of: gives a picture's serial number.
        fiber: which of several fibers in each picture; None where each shows one.
    """

    noun = "picture"

    def __init__(self, pictures: Iterable[Path], serial_of: SerialOf, fiber: int | None = None) -> None:
        self._pictures = pictures
        self.serial_of = serial_of
        self._fiber = fiber
        self._waiting: deque[_Sent | Outcome] = deque()

    def __iter__(self) -> Iterator[Job]:
        """The jobs of all pictures that can be read."""
        for path in self._pictures:
            serial = ""
            try:
                serial = self.serial_of(path)
                sent = _Sent(path, serial, read_picture(path))
            except UnreadablePicture as exc:
                self._waiting.append(Outcome(path, exc, serial))
            else:
                self._waiting.append(sent)
                yield Job(sent.data, serial=sent.serial, name=plain(path.name), fiber=self._fiber)

    def outcomes(self, inspect: Inspect) -> Iterator[Outcome]:
        """An outcome for each picture, in order, those that could not be read included."""
        for result in inspect(self):
            while isinstance(first := self._waiting.popleft(), Outcome):
                yield first
            yield Outcome(first.path, result, first.serial, first.data)
        for first in self._waiting:
            if isinstance(first, _Sent):
                yield Outcome(first.path, ProtocolError("no answer came for it; inspect it again"), first.serial)
            else:
                yield first


def read_picture(path: Path) -> bytes:
    """The bytes of a picture's file.

    Raises:
        UnreadablePicture: the file cannot be read, is empty, or is in no format that endface reads.
    """
    data = wire.encode(path)
    if not data:
        raise UnreadablePicture(f"{path} is empty")
    if not ending(data):
        raise UnreadablePicture(f"{path} is no PNG, JPEG, BMP or TIFF")
    return data


def serial_from_name(pattern: str) -> SerialOf:
    """The serial number as a part of a picture's name.

    Args:
        pattern: a regular expression that is found in the name; its first group is the serial number, or all of it
            where it has no group.

    Raises:
        ValueError: it is no regular expression.
    """
    try:
        expression = re.compile(pattern)
    except re.error as exc:
        raise ValueError(f"{pattern!r} is no regular expression: {exc}") from exc

    def serial_of(path: Path) -> str:
        found = expression.search(path.name)
        serial = (found[1 if expression.groups else 0] or "").strip() if found else ""
        if not serial:
            raise UnreadablePicture(f"{path} has no serial number in its name that fits {pattern!r}; rename it")
        return serial

    return serial_of
