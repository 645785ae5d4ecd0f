from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from endface.errors import RepositoryError, ServerStartError
from endface.health import reload as module
from endface.health.reload import Stall, reload
from endface.server.control import Control
from endface.server.processes import Session

LOOK_S = 0.25
SERVER, NEW = 11, 12


class Triton:
    """A server whose processes want what the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 0.0
        self.wanted = {SERVER: 5.0}
        self.blocked: set[int] = set()
        self.session, self.control = Session(0), Control("", 0)
        monkeypatch.setattr(self.session, "wanted_by_all", lambda: dict(self.wanted))
        monkeypatch.setattr(self.session, "is_blocked", lambda pid: pid in self.blocked)

    def stalls(self, stall: Stall, seconds: float) -> bool:
        """Whether it is said to do nothing within a time."""
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:
            self.now_s += LOOK_S
            if stall.look():
                return True
        return False


@pytest.fixture
def triton(monkeypatch: pytest.MonkeyPatch) -> Triton:
    """A server that does nothing."""
    return Triton(monkeypatch)


def test_server_that_does_nothing_stalls(triton: Triton) -> None:
    """Known within some seconds: clients give up after ten."""
    assert triton.stalls(Stall(triton.session, lambda: triton.now_s), 4)


def test_new_process_is_work(triton: Triton) -> None:
    """One that is being started counts from its first look on, and one that has ended takes nothing away."""
    stall = Stall(triton.session, lambda: triton.now_s)
    assert not triton.stalls(stall, 2.5)
    triton.wanted = {NEW: 0.2}

    assert not triton.stalls(stall, 2.5)


def test_waiting_for_a_disk_is_no_stall(triton: Triton) -> None:
    """Libraries come from a slow disk at the first time."""
    triton.blocked = {SERVER}

    assert not triton.stalls(Stall(triton.session, lambda: triton.now_s), 60)


def test_own_pause_is_no_stall(triton: Triton) -> None:
    """Where we were not running ourselves nobody is blamed."""
    stall = Stall(triton.session, lambda: triton.now_s)
    triton.now_s += 3600

    assert not stall.look()


@pytest.fixture
def never(triton: Triton, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Loading does not end before the test does."""
    end = threading.Event()
    monkeypatch.setattr(triton.control, "reload", lambda _model, _seconds: end.wait() and None)
    yield
    end.set()


@pytest.mark.usefixtures("never")
def test_load_that_gets_nowhere_is_given_up(triton: Triton, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before its own time is over."""
    monkeypatch.setattr(module, "_STALLED_S", 0.1)

    with pytest.raises(ServerStartError, match="does nothing while it should load 'segment'"):
        reload(triton.control, triton.session, "segment")


def test_what_triton_says_is_told(triton: Triton, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its refusal, too."""
    asked = []
    monkeypatch.setattr(triton.control, "reload", lambda model, _seconds: asked.append(model))
    reload(triton.control, triton.session, "segment")
    assert asked == ["segment"]

    def refuse(_model: str, _seconds: float) -> None:
        raise RepositoryError("no such model")

    monkeypatch.setattr(triton.control, "reload", refuse)
    with pytest.raises(RepositoryError, match="no such model"):
        reload(triton.control, triton.session, "segment")
