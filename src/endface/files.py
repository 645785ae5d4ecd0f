"""Files that are written whole or not at all, and SHA-256 sums."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

ASIDE: Final = ".endface-"
"""First letters of the name of a file that is still being written."""


def sha256(data: bytes) -> str:
    """SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        OSError: the file cannot be read.
    """
    return sha256(path.read_bytes())


def in_words(error: OSError) -> str:
    """What the disk says, for a sentence that names the file; without numbers and temporary names."""
    if isinstance(error, FileExistsError | NotADirectoryError):
        return "a file stands where a folder should be"
    return error.strerror or str(error)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file aside and rename it into place, so that a reader sees the old bytes or the new ones.

    Args:
        path: the file; its folder is made if missing.
        data: its new content.

    Raises:
        OSError: it cannot be written; the old file is untouched then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(data)


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all of them aside first, then each into its place, in the order given.

    A disk that is full leaves all old files.  A crash between two renames leaves the first ones new, so the file that
    vouches for the others (a manifest) comes last.

    Raises:
        OSError: one cannot be written.
    """
    with contextlib.ExitStack() as places:
        for path, data in reversed(list(contents.items())):  # the stack puts the last one entered into its place first
            path.parent.mkdir(parents=True, exist_ok=True)
            file = places.enter_context(whole_file(path))
            file.write(data)
            _bring_to_disk(file)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """An open file that takes the place of ``path``, with all its bytes on the disk, when the block ends without error.

    Its mode is what the process's umask leaves of 0666.

    Raises:
        OSError: it cannot be written; nothing has changed then.
    """
    aside = path.with_name(f"{ASIDE}{secrets.token_hex(8)}")
    try:
        with aside.open("xb") as file:
            yield file
            _bring_to_disk(file)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; where folders cannot be opened (Windows), the system sees to it."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _bring_to_disk(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
