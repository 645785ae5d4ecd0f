"""Processes whose state is set by hand, and a clock that goes on with each look."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from endface.health.events import Fault
from endface.server.processes import CpuTime

LOOK_S = 0.25


@dataclass
class Line:
    """A server with its stubs as the health checks see it.

    Attributes:
        now_s: The time.
        runs: Processors that each process has.
        waits: Processors that each process waits for.
        blocked: Processes that wait for a disk.
        models: Models of the stubs.
    """

    now_s: float = 0.0
    runs: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    waits: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    blocked: set[int] = field(default_factory=set)
    models: dict[int, str] = field(default_factory=lambda: {11: "segment", 12: "segment"})

    def __post_init__(self) -> None:
        self._cpu: dict[int, CpuTime] = defaultdict(lambda: CpuTime(0.0, 0.0))

    def clock(self) -> float:
        """The time."""
        return self.now_s

    def go_on(self, seconds: float = LOOK_S) -> None:
        """Let time pass."""
        self.now_s += seconds
        for pid in {*self.runs, *self.waits}:
            ran, waited = self._cpu[pid]
            self._cpu[pid] = CpuTime(ran + seconds * self.runs[pid], waited + seconds * self.waits[pid])

    def cpu_time(self, pid: int) -> CpuTime:
        """What a process has had and waited for."""
        return self._cpu[pid]

    def is_blocked(self, pid: int) -> bool:
        """Whether it waits for a disk."""
        return pid in self.blocked

    def model(self, pid: int) -> str:
        """The model of a stub."""
        return self.models.get(pid, "")

    def known(self) -> list[int]:
        """The stubs."""
        return list(self.models)

    members = known

    def first_fault(
        self, look: Callable[[], Fault | None], seconds: float, meanwhile: Callable[[], object] = int
    ) -> Fault | None:
        """The first fault in a time."""
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:
            self.go_on()
            meanwhile()
            if fault := look():
                return fault
        return None


@pytest.fixture
def line() -> Line:
    """A server with two stubs that do nothing."""
    return Line()
