"""The pictures that a command line means, and what lies beside them and is not inspected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from endface.errors import RequestError
from endface_client._errors import ClientError, UnreadablePicture
from endface_client.outcome import Outcome
from endface_client.output.ownership import files_of_runs
from endface_client.record.database import FILE as DATABASE

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
"""What counts as a picture in a folder; a file that is named itself may be called anything."""

# fmt: off
_OTHER_PICTURES: Final = frozenset({
    ".jfif", ".jpe", ".jif", ".jp2", ".j2k", ".jpx", ".jxl", ".webp", ".gif", ".apng", ".heic", ".heif", ".avif",
    ".dib", ".raw", ".dng", ".ppm", ".pgm", ".pnm", ".tga",
})
# fmt: on
_STARTS: Final = (b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"GIF8", b"RIFF")
"""First bytes of pictures, for files whose ending says nothing."""


@dataclass
class FoundPictures:
    """The files that the paths of a command line lead to.

    Attributes:
        pictures: files to inspect, each once.
        not_inspected: an error for each path without a picture, and for each that may hold a part but is left out.
        left_out: files in the folders that are no pictures, such as a text.
    """

    pictures: list[Path] = field(default_factory=list)
    not_inspected: list[Outcome] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)

    def refuse(self, path: Path, sentence: str) -> None:
        """Count a path as not inspected."""
        self.not_inspected.append(Outcome(path, UnreadablePicture(f"{path} {sentence}")))

    @contextmanager
    def errors_of(self, path: Path) -> Iterator[None]:
        """Count a path as not inspected if the disk does not let it be read."""
        try:
            yield
        except OSError as exc:
            self.refuse(path, f"cannot be read: {exc.strerror or exc}")

    @contextmanager
    def refusals_of(self, path: Path) -> Iterator[None]:
        """Count a path as not inspected if its picture cannot be taken."""
        try:
            yield
        except (ClientError, RequestError) as exc:
            error = exc if isinstance(exc, ClientError) else UnreadablePicture(f"{path}: {exc}")
            self.not_inspected.append(Outcome(path, error))


def find_pictures(
    paths: Iterable[Path], *, recursive: bool = False, outputs: Iterable[Path | None] = ()
) -> FoundPictures:
    """The pictures under some paths, those of a folder sorted by name.

    Hidden files and what endface itself has written are not looked at.

    Args:
        paths: files and folders.
        recursive: whether to look into the subfolders.
        outputs: folders that this run will write.
    """
    found = FoundPictures()
    skipped = {path.resolve() for path in outputs if path}
    for path in paths:
        with found.errors_of(path):
            if not path.is_dir():
                path.stat()
                found.pictures.append(path)
                continue
            before = len(found.pictures), len(found.not_inspected)
            _look_into(path, found, skipped, recursive=recursive)
            if before == (len(found.pictures), len(found.not_inspected)):
                found.refuse(path, f"holds no picture ({', '.join(sorted(SUFFIXES))})")
    found.pictures = list(dict.fromkeys(found.pictures))
    return found


def _look_into(folder: Path, found: FoundPictures, skipped: set[Path], *, recursive: bool) -> None:
    written = set(files_of_runs(folder))
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.name.startswith(".") or path in written:
            continue
        with found.errors_of(path):
            if not path.is_dir():
                _sort(path, found)
            elif path.resolve() in skipped or (path / DATABASE).is_file():
                continue
            elif recursive and not path.is_symlink():  # a link may lead in a circle
                _look_into(path, found, skipped, recursive=True)
            elif path.is_symlink() or _holds_parts(path, skipped):
                found.refuse(path, "is a folder and was not looked into; name it, or use --recursive")


def _holds_parts(folder: Path, skipped: set[Path]) -> bool:
    inside = FoundPictures()
    _look_into(folder, inside, skipped, recursive=False)
    return bool(inside.pictures or inside.not_inspected)


def _sort(path: Path, found: FoundPictures) -> None:
    """Add one file of a folder to the pictures, to what is not inspected, or to what is left out."""
    suffix = path.suffix.lower()
    if path.is_symlink() and not path.exists():
        found.refuse(path, "is a link that leads nowhere")
    elif not path.is_file():
        found.refuse(path, "is no file")
    elif suffix in SUFFIXES:
        found.pictures.append(path)
    elif not suffix or suffix in _OTHER_PICTURES or _begins_like_a_picture(path):
        found.refuse(path, "may be a picture, but its name does not say so; name the file itself, or rename it")
    else:
        found.left_out.append(path)


def _begins_like_a_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4).startswith(_STARTS)
