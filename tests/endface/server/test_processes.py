from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from endface.server.processes import STUB, ServerProcesses

START = """
import signal, subprocess, sys
def spawn(*_):
    stubs.extend(subprocess.Popen([sys.argv[1], path], executable=sys.executable) for path in sys.argv[2:])
stubs = []
signal.signal(signal.SIGUSR1, spawn)
spawn()
print("started", flush=True)
while True:
    signal.pause()
"""

Start = Callable[..., tuple[int, Session]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Run a server with a stub for each model that is named; give its process id and its session."""
    leaders: list[subprocess.Popen[bytes]] = []

    def run(*models: str) -> tuple[int, Session]:
        paths = [tmp_path / model / "1" / "model.py" for model in models]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("import signal\nsignal.pause()\n")
        command = [sys.executable, "-c", START, f"/opt/{STUB}", *map(str, paths)]
        leader = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
        leaders.append(leader)
        assert leader.stdout is not None
        leader.stdout.readline()
        session = ServerProcesses(leader.pid)
        while len(session.stubs()) < len(models):
            pass  # between fork and exec a stub has its parent's command line
        session.remember()
        return leader.pid, session

    yield run
    for leader in leaders:
        ServerProcesses(leader.pid).kill()
        with leader:
            pass


def stub(session: Session, model: str) -> int:
    """The process id of a model's stub."""
    return next(pid for pid, found in session.stubs().items() if found == model)


def state(pid: int) -> str:
    """The state's letter of a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def wait_until(condition: Callable[[], object]) -> None:
    """Await a condition."""
    while not condition():
        pass


def test_stubs_are_known_by_their_models(start: Start) -> None:
    """The server itself is none of them."""
    leader, session = start("preprocess", "segment", "segment")

    assert sorted(session.stubs().values()) == ["preprocess", "segment", "segment"]
    assert session.members() == {leader, *session.stubs()}
    assert not session.missing()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_one_of_several_stubs_is_missed(start: Start, number: signal.Signals) -> None:
    """A stub that is gone or stopped is missed even where another of its model runs."""
    _, session = start("preprocess", "segment", "segment")
    os.kill(stub(session, "segment"), number)

    wait_until(session.missing)
    assert session.missing() == {"segment": 1}


def test_model_of_a_stub(start: Start) -> None:
    """The server itself, and whoever else there is, has none; and nobody here waits for a disk."""
    leader, session = start("preprocess")

    assert session.model(stub(session, "preprocess")) == "preprocess"
    assert session.model(leader) == session.model(os.getpid()) == ""
    assert not session.is_blocked(stub(session, "preprocess"))


def test_replaced_stub_is_not_missed(start: Start) -> None:
    """A stub may go when others of its model have taken its place."""
    leader, session = start("segment")
    first = stub(session, "segment")
    os.kill(leader, signal.SIGUSR1)
    wait_until(lambda: len(session.stubs()) == 2)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: first not in session.stubs())

    assert not session.missing()


def test_missed_stub_comes_back(start: Start) -> None:
    """It is missed as long as nothing has taken its place."""
    leader, session = start("segment")
    os.kill(stub(session, "segment"), signal.SIGKILL)
    wait_until(session.missing)
    assert session.missing() == {"segment": 1}
    os.kill(leader, signal.SIGUSR1)

    wait_until(lambda: not session.missing())


def test_stopped_stubs_of_a_model_are_killed(start: Start) -> None:
    """Only those, and only stopped ones."""
    _, session = start("preprocess", "segment", "segment")
    stopped = [stub(session, "segment"), stub(session, "preprocess")]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: not set(stopped) & set(session.stubs()))

    session.kill_stopped("segment")

    wait_until(lambda: stopped[0] not in session.members())
    assert stopped[1] in session.members()
    assert list(session.stubs().values()) == ["segment"]


def test_stopped_server_is_seen(start: Start) -> None:
    """Only the server itself is asked for."""
    leader, session = start("segment")
    assert not session.is_stopped()

    os.kill(leader, signal.SIGSTOP)

    wait_until(session.is_stopped)


def test_kill_ends_all(start: Start) -> None:
    """Stopped ones, too."""
    leader, session = start("preprocess", "segment")
    os.kill(leader, signal.SIGSTOP)

    session.kill()

    assert session.members() == set()


def test_waiting_processes_want_no_processor(start: Start) -> None:
    """Two looks at processes that sleep differ by next to nothing, while one that works wants more and more."""
    _, session = start("segment")
    (sleeping,) = session.stubs()
    wait_until(lambda: state(sleeping) == "S")
    before_s = session.wanted_s()
    busy = ServerProcesses(os.getpid())
    started_s = busy.wanted_s()

    wait_until(lambda: busy.wanted_s() > started_s + 0.1)  # we do, while we wait

    assert before_s > 0
    assert session.wanted_s() - before_s < 0.05
