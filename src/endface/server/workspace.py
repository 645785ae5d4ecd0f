"""A server's private folder, whose name is also the prefix of its shared memory.

Nobody clears up after a process that was killed, so each new server looks for what dead ones left.  A folder belongs to
those who hold the lock on its file ``owner``: the server's own processes inherit it, and the last to end releases it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

_PREFIX: Final = "endface-"
_OWNER: Final = "owner"
_SHARED_MEMORY: Final = Path("/dev/shm")


class Workspace:
    """A new folder in the directory for temporary files; those of dead servers there are removed first."""

    def __init__(self) -> None:
        _sweep(Path(tempfile.gettempdir()))
        self.path: Final = Path(tempfile.mkdtemp(prefix=_PREFIX))
        unlocked = self.path / "new"
        self.lock: Final = os.open(unlocked, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        """Descriptor of the lock, for the server's processes to inherit."""
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.executions.mkdir()
        unlocked.rename(self.path / _OWNER)  # under its name it was never without the lock

    @property
    def shared_memory_prefix(self) -> str:
        """Unique on this machine, so that servers side by side do not share memory by accident."""
        return self.path.name

    @property
    def executions(self) -> Path:
        """Folder where the stages' processes say since when they work."""
        return self.path / "executions"

    def remove(self) -> None:
        """Remove the folder and the shared memory, once the server's processes have ended."""
        _remove(self.path)
        os.close(self.lock)


def _sweep(directory: Path) -> None:
    """Remove the folders there whose owners are dead."""
    for path in directory.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # somebody else's, one without an owner, or one that is being removed
            lock = os.open(path / _OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while the owner lives
                _remove(path)
            finally:
                os.close(lock)


def _remove(path: Path) -> None:
    for region in _SHARED_MEMORY.glob(f"{path.name}*"):  # a killed server leaves its own
        region.unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)
