"""Processes of one Triton, as /proc shows them (man 5 proc): the server, and the stubs that run its Python models.

Triton neither restarts a stub that died nor notices one that was stopped: its models stay "ready".  So each stub is
looked at here by itself: where a model has several, a request to the others says nothing about this one.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

STUB: Final = "triton_python_backend_stub"
"""Name of the program that runs a Python model; its first argument is ``<model>/<version>/model.py``."""

_COMM_LENGTH: Final = 15
"""Characters of a program's name that the kernel keeps, of a zombie, too (TASK_COMM_LEN)."""

_ENDED: Final = "ZX"
_STOPPED: Final = "T"
_BLOCKED: Final = "D"
_POLL_S: Final = 0.02
_KILLED_WITHIN_S: Final = 5.0
"""How long killed orphans are waited for; one that waits for a disk may take longer."""


class CpuTime(NamedTuple):
    """Processor time of a process, all its threads together, in seconds.

    Attributes:
        ran_s: time on a processor.
        waited_s: time in line for one: on a crowded machine a process waits more than it runs.
    """

    ran_s: float
    waited_s: float

    @property
    def demand_s(self) -> float:
        """Time that it ran or wanted to run; a process that hangs does neither."""
        return self.ran_s + self.waited_s


class ServerProcesses:
    """The processes of a session, which all descend from its leader.

    Args:
        leader: process id of the server.
    """

    def __init__(self, leader: int) -> None:
        self._leader = leader
        self._stubs: dict[int, str] = {}
        self._needed: Counter[str] = Counter()

    def members(self) -> set[int]:
        """The processes that have not ended."""
        return {pid for pid in _processes() if self._state(pid)}

    def known(self) -> list[int]:
        """The server, and the stubs that ran at the last check."""
        return [self._leader, *self._stubs]

    def is_stopped(self) -> bool:
        """Whether the server itself was stopped by a signal (SIGSTOP); it then answers no request."""
        return self._state(self._leader) == _STOPPED

    def stubs(self) -> dict[int, str]:
        """Models of the stubs that run, by process id."""
        return {pid: model for pid, model in self._all_stubs() if self._runs(pid)}

    def has_dead_stub(self) -> bool:
        """Whether a stub has ended without Triton noticing."""
        return any(
            name == STUB[:_COMM_LENGTH] and state in _ENDED and session == self._leader
            for name, state, session in filter(None, map(_stat, _processes()))
        )

    def model(self, pid: int) -> str:
        """The model of a stub that ran at the last check; nothing for another process."""
        return self._stubs.get(pid, "")

    def remember(self) -> None:
        """Remember the stubs that run now as those that the server needs; call it while no model is being loaded."""
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

    def cpu_time(self, pid: int) -> CpuTime:
        """Processor time of a process; zero where it has ended (Documentation/scheduler/sched-stats.rst)."""
        ran_ns = waited_ns = 0
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with contextlib.suppress(OSError):  # the thread has ended
                ran, waited, _slices = map(int, thread.read_text().split())
                ran_ns, waited_ns = ran_ns + ran, waited_ns + waited
        return CpuTime(ran_ns / 1e9, waited_ns / 1e9)

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

    def _all_stubs(self) -> Iterator[tuple[int, str]]:
        for pid in self.members():
            model = _model(pid)
            if model:
                yield pid, model

    def _runs(self, pid: int) -> bool:
        return self._state(pid) not in {"", _STOPPED}

    def _state(self, pid: int) -> str:
        """The state's letter of a process of this session; nothing where it has ended: zombies have."""
        stat = _stat(pid)
        return stat.state if stat is not None and stat.session == self._leader and stat.state not in _ENDED else ""


def end_orphans(variable: str, grace_s: float) -> None:
    """End what a server left whose starter is dead: its stubs at once, itself after it had time to finish its work.

    Args:
        variable: ``NAME=value`` in the environment of all its processes, and of no others.
        grace_s: how long the server itself may take; it was asked to end when its starter died.
    """
    ends_s = time.monotonic() + grace_s
    while (orphans := _with_variable(variable)) and time.monotonic() < ends_s + _KILLED_WITHIN_S:
        leads = any(stat.session == pid for pid, stat in orphans.items())
        if not leads or time.monotonic() >= ends_s:
            for pid in orphans:
                _kill(pid)
        time.sleep(_POLL_S)


class _Stat(NamedTuple):
    name: str
    state: str
    session: int


def _stat(pid: int) -> _Stat | None:
    try:
        head, _, rest = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")
    except OSError:
        return None
    state, _parent, _group, session = rest.split()[:4]
    return _Stat(head.partition("(")[2], state, int(session))


def _with_variable(variable: str) -> dict[int, _Stat]:
    """Processes that have not ended, with a variable in their environment."""
    wanted, found = os.fsencode(variable), {}
    for pid in _processes():
        with contextlib.suppress(OSError):  # it has ended, or is another user's
            if wanted in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                stat = _stat(pid)
                if stat is not None and stat.state not in _ENDED:
                    found[pid] = stat
    return found


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


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
