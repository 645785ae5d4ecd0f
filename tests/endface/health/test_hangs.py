from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from endface.backend import busy_marker
from endface.health.hangs import Hangs
from endface.health.liveness import Fault
from endface.server.processes import Session

LOOK_S = 0.25
ONE, OTHER = 11, 12


@dataclass
class Stages:
    """Two processes of a stage whose state is set by hand, and a clock that goes on with each look."""

    monkeypatch: pytest.MonkeyPatch
    now_s: float = 0.0
    under_way: dict[int, int] = field(default_factory=dict)
    wants: dict[int, float] = field(default_factory=lambda: {ONE: 0.0, OTHER: 0.0})
    blocked: set[int] = field(default_factory=set)

    def hangs(self) -> Hangs:
        """Something that looks after them."""
        session = Session(0)
        self.monkeypatch.setattr(session, "model", lambda pid: "segment" if pid in {ONE, OTHER} else "")
        self.monkeypatch.setattr(session, "wanted_s_of", lambda pid: self.now_s * self.wants[pid])
        self.monkeypatch.setattr(session, "is_blocked", lambda pid: pid in self.blocked)
        self.monkeypatch.setattr(busy_marker, "under_way", lambda _folder: dict(self.under_way))
        return Hangs(Path("nowhere"), session, lambda: self.now_s)

    def first_fault(self, hangs: Hangs, seconds: float, meanwhile: Callable[[], object] = int) -> Fault | None:
        """The first fault in a time."""
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:
            self.now_s += LOOK_S
            meanwhile()
            if fault := hangs.look():
                return fault
        return None


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    """Two processes that do nothing."""
    return Stages(monkeypatch)


def test_process_that_does_nothing_in_a_picture_hangs(stages: Stages) -> None:
    """Known within two seconds, and it alone is to blame, though its neighbour takes one picture after the other."""
    hangs = stages.hangs()
    stages.under_way = {ONE: 1, OTHER: 1}

    def go_on() -> None:
        stages.under_way[OTHER] += 1

    fault = stages.first_fault(hangs, 60, go_on)

    assert fault is not None
    assert (fault.kind, fault.model, fault.hanging) == ("hung", "segment", {ONE})
    assert stages.now_s <= 2
    assert fault.since_s <= LOOK_S


def test_idle_processes_are_well(stages: Stages) -> None:
    """A line at night."""
    assert stages.first_fault(stages.hangs(), 60) is None


@pytest.mark.parametrize("wants", [0.2, 1.0])
def test_hard_work_is_no_hang(stages: Stages, wants: float) -> None:
    """A huge picture, or a crowded machine: it wants processor time, and gets thirty seconds."""
    hangs = stages.hangs()
    stages.under_way, stages.wants[ONE] = {ONE: 1}, wants

    assert stages.first_fault(hangs, 29) is None
    fault = stages.first_fault(hangs, 2)
    assert fault is not None
    assert "is busy" in fault.what


def test_waiting_for_a_disk_is_no_hang(stages: Stages) -> None:
    """A machine that swaps is slow; killing its processes would not help it."""
    hangs = stages.hangs()
    stages.under_way, stages.blocked = {ONE: 1}, {ONE}

    assert stages.first_fault(hangs, 20) is None


def test_stranger_is_left_alone(stages: Stages) -> None:
    """A process that was killed in the middle of a picture is none of the server's any more."""
    hangs = stages.hangs()
    stages.under_way = {4711: 1}

    assert stages.first_fault(hangs, 60) is None


def test_own_pause_is_nobodys_fault(stages: Stages) -> None:
    """Where we were not running ourselves no process is blamed."""
    hangs = stages.hangs()
    stages.under_way = {ONE: 1}
    assert stages.first_fault(hangs, LOOK_S) is None

    stages.now_s += 3600

    assert hangs.look() is None
