"""A file in a watched folder: its bytes, what is wrong with them, and where it goes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from endface.contract import MAX_IMAGE_BYTES
from endface.files import in_words, sha256
from endface_client.cli.find_pictures import SUFFIXES
from endface_client.record.pictures import ending


@dataclass(frozen=True, order=True)
class WatchedFile:
    """A file as it is now; files are in the order in which they were written."""

    mtime_ns: int
    path: Path
    size: int

    @classmethod
    def of(cls, path: Path) -> WatchedFile:
        """The file at a path.

        Raises:
            OSError: there is none.
        """
        stat = path.stat()
        return cls(stat.st_mtime_ns, path, stat.st_size)

    @property
    def id(self) -> str:
        """An id of these bytes under this name."""
        return sha256(f"{self.path.name}\0{self.size}\0{self.mtime_ns}".encode(errors="surrogateescape"))[:16]

    def read(self) -> tuple[bytes, str]:
        """Its bytes, at most as many as show that it is too large, and what is wrong with it.

        Raises:
            FileNotFoundError: it is gone.
        """
        try:
            with self.path.open("rb") as file:
                data = file.read(MAX_IMAGE_BYTES + 1)
        except FileNotFoundError:
            raise
        except OSError as exc:
            data, problem = b"", f"cannot be read ({in_words(exc)})"
        else:
            problem = _problem(data)
        return data, problem and f"{self.path.name} {problem}; it keeps its place, take its picture again"

    def move(self, folder: Path) -> None:
        """Move it, under another name where its own is taken."""
        folder.mkdir(exist_ok=True)
        target, number = folder / self.path.name, 1
        while target.exists():
            number += 1
            target = folder / f"{self.path.stem}-{number}{self.path.suffix}"
        self.path.rename(target)


def is_named_like_a_picture(path: Path) -> bool:
    """Whether a path is a file whose name ends as a picture's and is not hidden."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()


def _problem(data: bytes) -> str:
    if not data:
        return "is empty"
    if not ending(data):
        return "is no PNG, JPEG, BMP or TIFF"
    return "is too large" if len(data) > MAX_IMAGE_BYTES else ""
