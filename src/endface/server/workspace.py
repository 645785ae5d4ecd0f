"""A server's private folder in /dev/shm, whose name is also the prefix of its shared memory.

It is not in the directory for temporary files, because that is cleaned by age (systemd-tmpfiles), and is another one
after each start of a unit with PrivateTmp.

Nobody clears up after a process that was killed, so each new server looks for what dead ones left: folders, shared
memory, and processes.  A folder belongs to the process that holds the lock on its file ``owner``; the kernel releases
that lock when the process ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from endface import environment
from endface.errors import ServerStartError
from endface.files import write_whole
from endface.server.processes import end_orphans

SHARED_MEMORY: Final = Path("/dev/shm")
"""Where POSIX shared memory is (man 7 shm_overview)."""

_PREFIX: Final = "endface-"
_OWNER: Final = "owner"
_PROFILES: Final = "profiles"
_CLOSED: Final = -1
_GRACE_S: Final = 10.0
"""How long a server whose starter was killed may finish what is under way: twice what Triton is given."""

_TURN_S: Final = 2 * _GRACE_S
"""How long another server is waited for that removes the same remains."""

_POLL_S: Final = 0.05


class Workspace:
    """Private folder of a server; what dead servers left is removed first.

    Args:
        profiles: the user's own profile files by name, of which the stages get a copy; None if there is no folder of
            them.

    Raises:
        ServerStartError: it cannot be made.
    """

    def __init__(self, profiles: Mapping[str, bytes] | None = None) -> None:
        self._profiles = profiles
        _sweep()
        try:
            self.path: Final = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=SHARED_MEMORY))
            self._lock = self._fill()
        except OSError as exc:
            raise ServerStartError(
                f"nothing can be written to {SHARED_MEMORY}, which Triton needs, too: {exc}"
            ) from exc

    @property
    def shared_memory_prefix(self) -> str:
        """Prefix that is unique on this machine, so that servers side by side do not share memory by accident."""
        return self.path.name

    @property
    def busy_markers(self) -> Path:
        """Folder of the markers that say since when each of the stages' processes works."""
        return self.path / environment.BUSY_FOLDER

    @property
    def variables(self) -> dict[str, str]:
        """Environment of the server's processes: it names the folder, and marks them as this server's."""
        own = {} if self.profiles is None else {environment.PROFILES: str(self.profiles)}
        return {environment.WORKSPACE: str(self.path)} | own

    @property
    def profiles(self) -> Path | None:
        """Folder with the copy of the user's own profiles, which every process of the server reads; None without."""
        return None if self._profiles is None else self.path / _PROFILES

    def restore(self) -> bool:
        """Make the folder anew if it was removed; whether it was."""
        needed = [
            self.path / _OWNER,
            self.busy_markers,
            *(self.path / _PROFILES / name for name in self._profiles or ()),
        ]
        if all(path.exists() for path in needed):
            return False
        self.path.mkdir(mode=0o700, exist_ok=True)
        os.close(self._lock)
        self._lock = self._fill()
        return True

    def remove(self) -> None:
        """Remove the folder and the shared memory, once the server's processes have ended; twice is harmless."""
        _remove(self.path)
        lock, self._lock = self._lock, _CLOSED
        if lock != _CLOSED:
            os.close(lock)

    def _fill(self) -> int:
        """Make what is in the folder, and lock it; returns the lock's descriptor."""
        self.busy_markers.mkdir(exist_ok=True)
        for name, content in (self._profiles or {}).items():
            write_whole(self.path / _PROFILES / name, content)
        if self.profiles is not None:
            self.profiles.mkdir(exist_ok=True)
        unlocked = self.path / "new"
        lock = os.open(unlocked, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        unlocked.rename(self.path / _OWNER)  # under its name it was never without the lock
        return lock


def _sweep() -> None:
    """Remove what servers left whose starters are dead."""
    for path in SHARED_MEMORY.glob(f"{_PREFIX}*/"):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:  # somebody else's, or it has just gone
            turn = _open(path, os.O_DIRECTORY, stack)
            if os.fstat(turn).st_uid != os.geteuid():  # another user's name for it may be that of our regions
                continue
            _lock(turn, _TURN_S)  # another server that starts now may remove it: its ports are free after that
            owner = _open(path / _OWNER, os.O_NOFOLLOW, stack)
            if _lock(owner):  # not while the owner lives
                end_orphans(f"{environment.WORKSPACE}={path}", _GRACE_S)
                _remove(path)


def _open(path: Path, flags: int, stack: contextlib.ExitStack) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    stack.callback(os.close, descriptor)
    return descriptor


def _lock(descriptor: int, within_s: float = 0.0) -> bool:
    """Lock an open file or folder; whether nobody else held it for so long."""
    ends_s = time.monotonic() + within_s
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        if time.monotonic() >= ends_s:
            return False
        time.sleep(_POLL_S)


def _remove(path: Path) -> None:
    for region in SHARED_MEMORY.glob(f"{path.name}?*"):  # a killed server leaves its own
        with contextlib.suppress(OSError):
            region.unlink()
    shutil.rmtree(path, ignore_errors=True)
