"""Gauge of a soak's processes: memory, shared memory and open files, every few seconds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import psutil

from benchmarks.studies.line.machine import ServingMachine
from benchmarks.studies.line.series import joined
from benchmarks.studies.line.stations import KINDS, Stations

EVERY_S: Final = 3.0
"""Between two looks; a look takes some hundredths of a second."""

COLUMNS: Final = (
    "at_s",
    "server_mib",
    "supervisor_mib",
    "shared_mib",
    *(f"{kind}_mib" for kind in KINDS),
    "server_files",
    "supervisor_files",
    *(f"{kind}_files" for kind in KINDS),
)
"""Memory is what belongs to one process alone (USS), in MiB: what is shared with others, such as libraries, seems to
grow when those end.  "server" is Triton and its stubs, all machines together; "shared" is what all servers that these
machines ever had have in /dev/shm."""

_SHARED_MEMORY: Final = Path("/dev/shm")


class Gauge:
    """Figures of a soak's processes, taken when ``look`` is called, but not more often than ``EVERY_S``."""

    def __init__(self, machines: Sequence[ServingMachine], stations: Stations, since_s: float) -> None:
        self._machines = machines
        self._stations = stations
        self._since_s = since_s
        self._prefixes = tuple(f"endface-{machine.supervisor.pid}-" for machine in machines)
        self._due_s = since_s
        self._samples: list[tuple[float, ...]] = []

    def look(self) -> None:
        """Take the figures if it is time; nothing where a process ends meanwhile."""
        now_s = time.monotonic()
        if now_s < self._due_s:
            return
        self._due_s = now_s + EVERY_S
        try:
            self._samples.append((round(now_s - self._since_s, 1), *self._figures()))
        except (psutil.Error, LookupError):  # one was killed just now, or has ended
            return

    def samples(self) -> dict[str, list[float]]:
        """The figures by column."""
        columns = zip(*self._samples, strict=True) if self._samples else [()] * len(COLUMNS)
        return {name: list(column) for name, column in zip(COLUMNS, columns, strict=True)}

    def series(self) -> dict[str, str]:
        """The figures by column, as a record keeps them."""
        return {name: joined(column) for name, column in self.samples().items()}

    def left_over(self) -> list[str]:
        """Folders and shared memory of these machines that are there now: none should be once they have stopped."""
        return sorted(path.name for path in self._regions())

    def _figures(self) -> list[float]:
        supervisors = [machine.supervisor for machine in self._machines]
        servers = [child for each in supervisors for child in each.children(recursive=True)]
        workers = self._stations.processes
        groups = [servers, supervisors, *([workers[kind]] for kind in KINDS)]
        shared_mib = round(sum(path.stat().st_blocks for path in self._regions()) * 512 / 2**20, 1)
        memory = [_private_mib(group) for group in groups]
        files = [sum(process.num_fds() for process in group) for group in groups]
        return [*memory[:2], shared_mib, *memory[2:], *files]

    def _regions(self) -> list[Path]:
        return [path for path in _SHARED_MEMORY.iterdir() if path.name.startswith(self._prefixes)]


def _private_mib(processes: Iterable[psutil.Process]) -> float:
    return round(float(sum(process.memory_full_info().uss for process in processes)) / 2**20, 1)
