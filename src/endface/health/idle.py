"""Idle clock: how long processes that have something to do have done nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from endface.server.processes import CpuTime

_WORKING: Final = 0.1
"""Processors that processes with something to do want at least; an idle server wants 0.001, one stuck behind full
queues 0.06, and one that loads a model a whole one."""

_LONGEST_LOOK_S: Final = 1.0
"""No pause between two looks counts longer: in a longer one this process did not run itself."""


class Processes(Protocol):
    """The processes of a server, as far as health checks look at them; see ``ServerProcesses``."""

    def known(self) -> Iterable[int]:
        """The server and its stubs."""

    def members(self) -> Iterable[int]:
        """Those, and others that are just being started."""

    def model(self, pid: int) -> str:
        """The model of a stub; nothing for another process."""

    def cpu_time(self, pid: int) -> CpuTime:
        """Processor time of a process."""

    def is_blocked(self, pid: int) -> bool:
        """Whether a process waits for a disk."""


class IdleClock:
    """Clock that adds up what processes do from one check to the next.

    Time alone is no proof that a process hangs: on a crowded machine it waits for its turn, and wants a processor all
    the time.  One that hangs does not want any.

    Args:
        processes: those of a server.
        clock: gives seconds.

    Attributes:
        idle_s: how long they have neither run, nor wanted to, nor waited for a disk.
        busy_s: how long they ran or waited for a disk since the first look; not how long they waited for their turn.
    """

    def __init__(self, processes: Processes, clock: Callable[[], float] = time.monotonic) -> None:
        self._processes = processes
        self._clock = clock
        self._looked_s = clock()
        self._cpu: dict[int, CpuTime] | None = None
        self.idle_s = 0.0
        self.busy_s = 0.0

    def look(self, pids: Iterable[int]) -> None:
        """Check once, several times a second; later checks are compared with the first.

        Args:
            pids: the processes; one that is new counts with all that it has done.
        """
        now_s = self._clock()
        passed_s, self._looked_s = min(now_s - self._looked_s, _LONGEST_LOOK_S), now_s
        before, self._cpu = self._cpu, {pid: self._processes.cpu_time(pid) for pid in pids}
        if before is None:
            return
        none = CpuTime(0.0, 0.0)
        demand_s = sum(max(cpu.demand_s - before.get(pid, none).demand_s, 0.0) for pid, cpu in self._cpu.items())
        ran_s = sum(max(cpu.ran_s - before.get(pid, none).ran_s, 0.0) for pid, cpu in self._cpu.items())
        is_blocked = any(map(self._processes.is_blocked, self._cpu))
        self.idle_s = 0.0 if is_blocked or demand_s >= _WORKING * passed_s else self.idle_s + passed_s
        self.busy_s += passed_s if is_blocked else min(ran_s, passed_s)

    def hang(self, most_idle_s: float, most_busy_s: float) -> str:
        """How the processes hang, "is idle" or "is busy"; empty while neither has lasted that long."""
        if self.idle_s >= most_idle_s:
            return "is idle"
        return "is busy" if self.busy_s >= most_busy_s else ""
