"""Repeated pictures, under two serial numbers: a camera that is frozen, or a file that was copied."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from endface_client.record.database import reading

_LATEST: Final = 1000  # entries of a record that a run looks back on
_TOLERANCE: Final = timedelta(seconds=1)  # what a clock that is disciplined may step back


class Repeats:
    """Pictures by the parts that they were shown for."""

    def __init__(self) -> None:
        self._parts: dict[tuple[bool, bytes], str] = {}

    def add(self, sha256: str, serial: str, name: str) -> str:
        """Remember a picture.

        Args:
            sha256: of its bytes.
            serial: the part's serial number; empty where it is not known.
            name: the picture's name, which stands for the part where there is no serial number.

        Returns:
            A warning if the same picture was there for another part; else nothing.
        """
        part = serial or name
        digest = bytes.fromhex(sha256)[:8]  # enough for millions
        first = self._parts.setdefault((bool(serial), digest), part)
        if first == part:
            return ""
        return f"{part} has the very same picture as {first}, byte for byte: is the camera frozen, or a file copied?"


def is_set_back(earlier: datetime, later: datetime) -> bool:
    """Whether a clock was set back between two entries that follow one another."""
    return earlier - later > _TOLERANCE


def latest(folder: Path) -> tuple[Repeats, str]:
    """The pictures of the latest entries in a record, and a warning if its last entry lies in the future.

    Raises:
        RecordError: the record cannot be read.
    """
    repeats, last = Repeats(), ""
    with reading(folder) as db:
        rows = db.execute("SELECT text FROM entry ORDER BY number DESC LIMIT ?", (_LATEST,)).fetchall()
    for (text,) in reversed(rows):
        try:
            values = json.loads(text)
            last = values["time"]
            if values.get("picture"):
                repeats.add(values["picture"]["sha256"], values["serial"], values["name"])
        except (ValueError, TypeError, KeyError):  # `endface record verify` says which entry was changed
            continue
    if last and is_set_back(datetime.fromisoformat(last), datetime.now(UTC)):
        return repeats, f"the last entry of {folder} is dated {last}, later than now: check the clock of this machine"
    return repeats, ""
