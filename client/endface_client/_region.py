"""Memory that a server on this machine can map, one picture at a time, and the list of what is free of it."""

from __future__ import annotations

import mmap
import os
import re
import secrets
import struct
import threading
import weakref
from pathlib import Path
from typing import Final

LARGEST_TOTAL_BYTES: Final = 256 * 1024 * 1024
"""What the regions of one client may take together."""

FOLDER: Final = Path("/dev/shm")
"""Where Linux keeps what shm_open makes (man 7 shm_overview)."""

_LENGTH: Final = struct.Struct("<I")  # goes before each element of a BYTES tensor
_NAME: Final = re.compile(r"endface_picture-(?P<owner>\d+-(?P<pid>\d+)-\d+)-[0-9a-f]{32}")


def tensor_bytes(data: bytes) -> int:
    """Size of a BYTES tensor whose one element is ``data``."""
    return _LENGTH.size + len(data)


class Region:
    """Shared memory; its name in /dev/shm cannot be guessed and belongs to this user alone.

    Attributes:
        name: what a server maps it by until ``unlink``, and knows it by from then on.
        size: bytes.
        registered: whether the server has mapped it.

    Raises:
        OSError: there is no shared memory here, or not enough.
    """

    def __init__(self, size: int) -> None:
        self.name = f"endface_picture-{_owner(os.getpid())}-{secrets.token_hex(16)}"
        self.size = size
        self.registered = False
        disk = os.statvfs(FOLDER)
        if size > disk.f_bavail * disk.f_frsize // 2:
            raise OSError(f"{FOLDER} is too full; its other half is for the server's own processes")
        handle = os.open(FOLDER / self.name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(handle, 0, size)  # writing to memory that is only promised may kill the process
            self._memory = mmap.mmap(handle, size)
        except OSError:
            self.unlink()
            raise
        finally:
            os.close(handle)
        _living[self.name] = self

    def write(self, data: bytes) -> None:
        """Lay out a picture as a BYTES tensor of one element."""
        self._memory[: _LENGTH.size] = _LENGTH.pack(len(data))
        self._memory[_LENGTH.size : tensor_bytes(data)] = data

    def unlink(self) -> None:
        """Take the name away; whoever has mapped the memory keeps it."""
        (FOLDER / self.name).unlink(missing_ok=True)


_living: Final[weakref.WeakValueDictionary[str, Region]] = weakref.WeakValueDictionary()
"""The regions of this process that will be used again, by name."""


def is_left_over(name: str) -> bool:
    """Whether a region's name is of a client that has died, or that will not use it again; never of anybody else's."""
    found = _NAME.fullmatch(name)
    if found is None or not found["owner"].startswith(_namespace()):
        return False  # another container's process may have any number here
    pid = int(found["pid"])
    return _owner(pid) != found["owner"] or (pid == os.getpid() and name not in _living)


def unlink_left_overs() -> None:
    """Take away what clients left that were killed between making a region and registering it."""
    for path in FOLDER.glob("endface_picture-*"):
        if is_left_over(path.name):
            path.unlink(missing_ok=True)


def _owner(pid: int) -> str:
    """A process for all times: its namespace, its number there, and when it was started; empty if it has ended."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()  # man 5 proc_pid_stat
    except OSError:
        return ""
    return "" if state in "ZX" else f"{_namespace()}{pid}-{fields[18]}"


def _namespace() -> str:
    return f"{Path('/proc/self/ns/pid').stat().st_ino}-"


class FreeList:
    """The regions of a client; each is lent to one call at a time.  Threads may share a list."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: set[Region] = set()
        self._free: list[Region] = []

    def take(self, size: int) -> Region | None:
        """The smallest free region of ``size`` bytes or more, or a new one of the next power of two.

        Returns:
            None if the client has as many regions as it may have.

        Raises:
            OSError: see ``Region``.
        """
        with self._lock:
            fitting = [region for region in self._free if region.size >= size]
            if fitting:
                region = min(fitting, key=lambda region: region.size)
                self._free.remove(region)
                return region
            rounded = 1 << (size - 1).bit_length()
            if rounded + sum(region.size for region in self._all) > LARGEST_TOTAL_BYTES:
                return None
            region = Region(rounded)
            self._all.add(region)
            return region

    def put(self, region: Region) -> None:
        """Give a region back for the next picture; one that was dropped meanwhile stays so."""
        with self._lock:
            if region in self._all:
                self._free.append(region)

    def drop(self, region: Region) -> None:
        """Never lend it again."""
        with self._lock:
            self._all.discard(region)
            _living.pop(region.name, None)

    def clear(self) -> bool:
        """Drop all, those on loan included; whether there were any."""
        with self._lock:
            dropped, self._all, self._free = self._all, set(), []
            for region in dropped:
                _living.pop(region.name, None)
            return bool(dropped)
