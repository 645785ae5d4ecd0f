"""Which pictures a command line means: files as they are named, folders one level deep."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from endface_client._errors import UnreadablePicture
from endface_client._outcome import Outcome

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})
"""What counts as a picture in a folder; a file that is named itself may be called anything."""


def find_pictures(paths: Iterable[Path]) -> tuple[list[Path], list[Outcome]]:
    """The pictures under some paths, each once, a folder's sorted by name.

    Returns:
        The pictures, and an outcome with an UnreadablePicture for every path that leads to none.
    """
    found: dict[Path, None] = {}
    missing: list[Outcome] = []
    for path in paths:
        try:
            pictures = _in_folder(path) if path.is_dir() else [path]
        except OSError as exc:
            missing.append(Outcome(path, UnreadablePicture(f"{path} cannot be read: {exc.strerror}")))
            continue
        if not pictures:
            endings = ", ".join(sorted(SUFFIXES))
            missing.append(Outcome(path, UnreadablePicture(f"{path} holds no picture ({endings})")))
        found.update(dict.fromkeys(pictures))
    return list(found), missing


def _in_folder(folder: Path) -> list[Path]:
    inside = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file()]
    return sorted(inside, key=lambda path: path.name)
