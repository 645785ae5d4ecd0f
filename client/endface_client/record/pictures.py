"""The pictures of a record: files that are named after their own SHA-256, each once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from endface.files import ASIDE, sha256, whole_file
from endface_client.record.entry import RecordBroken

FOLDER: Final = "pictures"

# First bytes of the formats that a server decodes; a name without an ending opens in no viewer.
_ENDINGS: Final = {
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"BM": ".bmp",
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), ".tif"),
}
_OURS: Final = re.compile(rf"[0-9a-f]{{64}}(\.[a-z]{{3}})?|{re.escape(ASIDE)}.*")


def ending(data: bytes) -> str:
    """How the name of a picture's file ends; empty for a format that we do not know."""
    return next((ending for start, ending in _ENDINGS.items() if data.startswith(start)), "")


class Pictures:
    """The folder of pictures; made if it is not there and ``make`` says so."""

    def __init__(self, record: Path, *, make: bool = False) -> None:
        self.folder = record / FOLDER
        if make:
            self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, file: str) -> Path:
        """Where a picture is.

        Raises:
            RecordBroken: the name leads out of the folder; no entry of ours has such a one.
        """
        if not _OURS.fullmatch(file):
            raise RecordBroken(f"{file!r} is no name of a kept picture")
        return self.folder / file

    def keep(self, file: str, data: bytes) -> int:
        """Write a picture unless it is there.

        Returns:
            How many bytes were written.
        """
        path = self.path(file)
        if path.exists():
            return 0
        with whole_file(path) as out:
            out.write(data)
        return len(data)

    def remove(self, files: Iterable[str]) -> int:
        """Remove pictures; one that is gone already is no error.

        Returns:
            How many bytes became free.
        """
        freed = 0
        for file in files:
            path = self.path(file)
            try:
                freed += path.stat().st_size
                path.unlink()
            except FileNotFoundError:
                continue
        return freed

    def sweep(self, needed: set[str], before_s: float) -> int:
        """Remove what a killed process has left: pictures older than the record that no entry speaks of.

        Younger ones stay, because they may belong to entries that somebody has cut off.

        Args:
            needed: files that entries speak of.
            before_s: time of the oldest entry, seconds since 1970.

        Returns:
            How many bytes are kept.
        """
        kept = 0
        for path in self.folder.iterdir():
            stat = path.stat()
            if path.name not in needed and stat.st_mtime < before_s and _OURS.fullmatch(path.name):
                path.unlink()
            else:
                kept += stat.st_size
        return kept

    def problem(self, file: str, digest: str) -> str:
        """What is wrong with a kept picture, or nothing."""
        try:
            data = self.path(file).read_bytes()
        except FileNotFoundError:
            return f"its picture {file} is missing"
        return "" if sha256(data) == digest and file.startswith(digest) else f"its picture {file} was changed"
