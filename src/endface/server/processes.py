"""The processes of one Triton: the server and the stubs that run its Python models, as /proc shows them (man 5 proc).

Triton neither restarts a stub that died nor notices one that was stopped: its models stay "ready".  So they are looked
at here, one by one: where a model has several, a request to the others says nothing about this one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

STUB: Final = "triton_python_backend_stub"
"""Name of the program that runs a Python model; its first argument is ``<model>/<version>/model.py``."""

_ENDED: Final = "ZX"
_STOPPED: Final = "T"
_BLOCKED: Final = "D"
_POLL_S: Final = 0.02


class Session:
    """The processes of a session, which all descend from its leader.

    Args:
        leader: process id of the server.
    """

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._stubs: dict[int, str] = {}
        self._needed: Counter[str] = Counter()

    def members(self) -> set[int]:
        """Those that have not ended."""
        return {pid for pid in _processes() if self._state(pid)}

    def is_stopped(self) -> bool:
        """Whether the server itself was stopped by a signal (SIGSTOP): it then answers nobody."""
        return self._state(self._leader) == _STOPPED

    def stubs(self) -> dict[int, str]:
        """Models of the stubs that run, by process id."""
        return {pid: model for pid, model in self._all_stubs() if self._runs(pid)}

    def model(self, pid: int) -> str:
        """The model of a stub that ran at the last look; nothing for another process."""
        return self._stubs.get(pid, "")

    def remember(self) -> None:
        """Take the stubs that run now for those that the server needs, while no model is being loaded."""
        self._stubs = self.stubs()
        self._needed = Counter(self._stubs.values())

    def missing(self) -> Counter[str]:
        """How many stubs of each model are gone or stopped; one may go where a newer version's has taken its place."""
        lacking = self._needed - Counter(self._stubs.values())
        if lacking or not all(map(self._runs, self._stubs)):
            self._stubs = self.stubs()
        return self._needed - Counter(self._stubs.values())

    def is_blocked(self, pid: int) -> bool:
        """Whether a process waits for a disk, or for memory that was swapped out."""
        return self._state(pid) == _BLOCKED

    def kill_stopped(self, model: str) -> None:
        """Kill a model's stopped stubs, so that nobody waits for them."""
        self.kill_stubs([pid for pid, found in self._all_stubs() if found == model and self._state(pid) == _STOPPED])

    def kill_stubs(self, pids: Iterable[int]) -> None:
        """Kill those of some stubs that are still there."""
        for pid in {pid for pid, _ in self._all_stubs()}.intersection(pids):
            _kill(pid)

    def kill(self) -> None:
        """Kill all, and wait until they have ended."""
        while members := self.members():
            for pid in members:
                _kill(pid)
            time.sleep(_POLL_S)

    def wanted_s(self) -> float:
        """Processor time that the server and its stubs have used or waited for, all threads together, in seconds.

        On a crowded machine they wait more than they run; those that hang do neither.
        """
        return sum(map(self.wanted_s_of, (self._leader, *self._stubs)))

    def wanted_by_all(self) -> dict[int, float]:
        """As ``wanted_s``, of each process of the session, those that are just being started included."""
        return {pid: _wanted_s(pid) for pid in self.members()}

    def wanted_s_of(self, pid: int) -> float:
        """As ``wanted_s``, of one process."""
        return _wanted_s(pid)

    def _all_stubs(self) -> Iterator[tuple[int, str]]:
        for pid in self.members():
            model = _model(pid)
            if model:
                yield pid, model

    def _runs(self, pid: int) -> bool:
        return self._state(pid) not in {"", _STOPPED}

    def _state(self, pid: int) -> str:
        """The state's letter of a process of this session; nothing where it has ended: zombies have."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return ""
        state, _parent, _group, session = stat.rpartition(")")[2].split()[:4]
        return state if int(session) == self._leader and state not in _ENDED else ""


def _processes() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - names alone, ten times a second


def _model(pid: int) -> str:
    """The model of a stub; nothing for another process."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    is_stub = len(words) > 1 and Path(os.fsdecode(words[0])).name == STUB
    return Path(os.fsdecode(words[1])).parent.parent.name if is_stub else ""


def _wanted_s(pid: int) -> float:
    """Time on a processor and time in line for one, of all threads (Documentation/scheduler/sched-stats.rst)."""
    wanted_ns = 0
    for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # the thread has ended
            ran_ns, waited_ns, _slices = thread.read_text().split()
            wanted_ns += int(ran_ns) + int(waited_ns)
    return wanted_ns / 1e9


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
