"""Processes as the kernel sees them."""

from __future__ import annotations

from pathlib import Path


def state(pid: int) -> str:
    """The state's letter of a process; X where there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"


def runs(pid: int) -> bool:
    """Whether a process runs; one that ended and was not waited for does not."""
    return state(pid) not in "ZX"
