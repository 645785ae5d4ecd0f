from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from endface.server.processes import STUB, ServerProcesses
from tests.waiting import wait_until

from .conftest import state

START = """
import signal, subprocess, sys
def spawn(*_):
    stubs.extend(subprocess.Popen([sys.argv[1], path]) for path in sys.argv[2:])
stubs = []
signal.signal(signal.SIGUSR1, spawn)
spawn()
print("started", flush=True)
while True:
    signal.pause()
"""

Start = Callable[..., tuple[int, ServerProcesses]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Run a server with a stub for each model that is named; give its process id and its processes."""
    leaders: list[subprocess.Popen[bytes]] = []

    def run(*models: str) -> tuple[int, ServerProcesses]:
        paths = [tmp_path / model / "1" / "model.py" for model in models]
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("import signal\nsignal.pause()\n")
        program = tmp_path / STUB
        if not program.exists():
            program.symlink_to(sys.executable)
        command = [sys.executable, "-c", START, str(program), *map(str, paths)]
        leader = subprocess.Popen(command, start_new_session=True, stdout=subprocess.PIPE)
        leaders.append(leader)
        assert leader.stdout is not None
        leader.stdout.readline()
        processes = ServerProcesses(leader.pid)
        wait_until(lambda: len(processes.stubs()) == len(models))  # before its exec a stub looks like its parent
        processes.remember()
        return leader.pid, processes

    yield run
    for leader in leaders:
        ServerProcesses(leader.pid).kill()
        with leader:
            pass


def stub(processes: ServerProcesses, model: str) -> int:
    """The process id of a model's stub."""
    return next(pid for pid, found in processes.stubs().items() if found == model)


def test_stubs_are_known_by_their_models(start: Start) -> None:
    """The server itself, and whoever else there is, has none; and nobody here waits for a disk."""
    leader, processes = start("preprocess", "segment", "segment")
    preprocess = stub(processes, "preprocess")

    assert sorted(processes.stubs().values()) == ["preprocess", "segment", "segment"]
    assert processes.members() == {leader, *processes.stubs()}
    assert not processes.missing()
    assert processes.model(preprocess) == "preprocess"
    assert processes.model(leader) == processes.model(os.getpid()) == ""
    assert not processes.is_blocked(preprocess)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_one_of_several_stubs_is_missed(start: Start, number: signal.Signals) -> None:
    """A stub that is gone or stopped is missed even where another of its model runs."""
    _, processes = start("preprocess", "segment", "segment")
    os.kill(stub(processes, "segment"), number)

    wait_until(processes.missing)
    assert processes.missing() == {"segment": 1}


def test_replaced_stub_is_not_missed(start: Start) -> None:
    """A stub may go when others of its model have taken its place."""
    leader, processes = start("segment")
    first = stub(processes, "segment")
    os.kill(leader, signal.SIGUSR1)
    wait_until(lambda: len(processes.stubs()) == 2)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: first not in processes.stubs())

    assert not processes.missing()


def test_missed_stub_comes_back(start: Start) -> None:
    """It is missed as long as nothing has taken its place."""
    leader, processes = start("segment")
    os.kill(stub(processes, "segment"), signal.SIGKILL)
    wait_until(processes.missing)
    assert processes.missing() == {"segment": 1}
    os.kill(leader, signal.SIGUSR1)

    wait_until(lambda: not processes.missing())


def test_stopped_stubs_of_a_model_are_killed(start: Start) -> None:
    """Only those, and only stopped ones."""
    _, processes = start("preprocess", "segment", "segment")
    stopped = [stub(processes, "segment"), stub(processes, "preprocess")]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: not set(stopped) & set(processes.stubs()))

    processes.kill_stopped("segment")

    wait_until(lambda: stopped[0] not in processes.members())
    assert stopped[1] in processes.members()
    assert list(processes.stubs().values()) == ["segment"]


def test_stopped_server_is_seen_and_killed(start: Start) -> None:
    """Only the server itself is asked for; all that belongs to it is killed, stopped or not."""
    leader, processes = start("preprocess", "segment")
    assert not processes.is_stopped()

    os.kill(leader, signal.SIGSTOP)

    wait_until(processes.is_stopped)
    processes.kill()
    assert processes.members() == set()


def test_dead_stub_is_seen_until_it_is_taken_note_of(start: Start) -> None:
    """Triton waits for minutes for a stub that ended while it was started."""
    _, processes = start("segment")
    assert not processes.has_dead_stub()

    os.kill(stub(processes, "segment"), signal.SIGKILL)

    wait_until(processes.has_dead_stub)


def test_waiting_processes_want_no_processor(start: Start) -> None:
    """Two looks at a process that sleeps differ by next to nothing, while one that works wants more and more."""
    _, processes = start("segment")
    (sleeping,) = processes.stubs()
    wait_until(lambda: state(sleeping) == "S")
    before_s = processes.cpu_time(sleeping).demand_s
    started = processes.cpu_time(os.getpid())

    while processes.cpu_time(os.getpid()).ran_s < started.ran_s + 0.1:
        pass  # this process works while it waits

    assert before_s > 0
    assert processes.cpu_time(sleeping).demand_s - before_s < 0.05
    assert processes.cpu_time(2**22) == (0.0, 0.0)  # nobody
