"""The network's versions in a model repository: what Triton serves is the folder with the largest number.

A version arrives by one rename and leaves by one, so a crash leaves the state before or the state after.  Names that do
not begin with a digit are none to Triton: a version that is still being written, or was withdrawn, has such a name
(.gitignore knows both).  It lies beside the others, since a rename is atomic on one file system only.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from endface import contract
from endface.engines.manifest import newest_version
from endface.errors import ConfigurationError, RolloutError

_INCOMING: Final = ".incoming-"
WITHDRAWN: Final = "withdrawn-"
"""Begins the name of a version's folder that was taken away from Triton."""


class Versions:
    """Versions of the model ``segment``.

    Args:
        repository: The model repository.

    Raises:
        ConfigurationError: It is none, or has no version of the network.
    """

    def __init__(self, repository: Path):
        self.folder: Final = repository / contract.SEGMENT.name
        if not (self.folder / "config.pbtxt").is_file():
            raise ConfigurationError(f"{repository} is no model repository of endface: name it with --repository.")
        newest_version(self.folder)

    @property
    def newest(self) -> int:
        """The version that a server loads."""
        return newest_version(self.folder)

    @property
    def before(self) -> int | None:
        """The version before the newest; None where there is none."""
        return max((number for number in self._numbers() if number < self.newest), default=None)

    def path(self, number: int) -> Path:
        """Folder of a version."""
        return self.folder / str(number)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other promotions out.

        Raises:
            RolloutError: Another one is under way.
        """
        with lock(self.folder, self._refuse):
            yield

    def next_number(self) -> int:
        """A number that no version ever had, so that a report's version means one network for good."""
        withdrawn = [entry.name.removeprefix(WITHDRAWN) for entry in self.folder.glob(f"{WITHDRAWN}*")]
        return max([*self._numbers(), *(int(name) for name in withdrawn if name.isdigit())]) + 1

    def new_folder(self, number: int) -> Path:
        """An empty folder to write a version into, under a name that Triton ignores; what a crash left is removed."""
        for rest in self.folder.glob(f"{_INCOMING}*"):
            shutil.rmtree(rest)
        folder = self.folder / f"{_INCOMING}{number}"
        folder.mkdir()
        return folder

    def publish(self, folder: Path, number: int) -> None:
        """Let a written folder become a version, by one rename, synced to the disk."""
        for path in (*folder.rglob("*"), folder):
            _sync(path)
        folder.rename(self.path(number))
        _sync(self.folder)

    def withdraw(self, number: int) -> Path:
        """Take a version away from Triton by one rename; its files stay under another name, which is returned."""
        aside = self.folder / f"{WITHDRAWN}{number}"
        self.path(number).rename(aside)
        _sync(self.folder)
        return aside

    def _refuse(self) -> None:
        raise RolloutError(f"Another promotion or rollback is under way in {self.folder}: try again when it is done.")

    def _numbers(self) -> list[int]:
        return [int(entry.name) for entry in self.folder.iterdir() if entry.name.isdigit()]


@contextmanager
def lock(folder: Path, busy: Callable[[], None]) -> Iterator[None]:
    """Lock on a folder; it goes with the process, however that ends.

    Args:
        folder: An existing folder.
        busy: Called where another process holds the lock, which is then awaited unless this raises.

    Raises:
        OSError: The folder cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync(path: Path) -> None:
    """Have the disk write a file's or folder's content before anything that follows."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
