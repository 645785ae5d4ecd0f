"""A serving machine falls ill in every way that we know while clients work: it heals, and every picture is judged."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from endface.health.events import Event
from endface.report import Report
from endface.server.processes import ServerProcesses
from endface_client import Client

pytestmark = [pytest.mark.triton, pytest.mark.slow]

Ports = dict[str, int]
CLIENTS = 3
PATIENCE_S = 120


def wait_until(condition: Callable[[], object]) -> None:
    """Await a condition."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come true in time"
        time.sleep(0.02)


class Serving:
    """``endface serve`` as it runs: its process, its log, and the Triton that it has at the moment."""

    def __init__(self, process: subprocess.Popen[str], ports: Ports, folder: Path) -> None:
        self.process = process
        self.address = f"127.0.0.1:{ports['grpc_port']}"
        self.folder = folder
        self.lines: list[str] = []
        assert process.stdout is not None
        assert process.stdout.readline().startswith("endface is ready")
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.stubs = sorted(ServerProcesses(self.triton).stubs().values())

    @property
    def repairs(self) -> list[Event]:
        """Faults after which it served again."""
        events = filter(None, map(Event.parse, list(self.lines)))
        return [event for event in events if event.event == "serving"]

    @property
    def triton(self) -> int:
        """Process id of its Triton."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue  # it ended while we looked
            if int(parent) == self.process.pid and state not in "ZX":
                return int(stat.parent.name)
        raise AssertionError("it has no Triton")

    def stub(self, model: str) -> int:
        """Process id of a model's newest stub: those that a repair replaced stay for a while."""
        pids = [pid for pid, found in ServerProcesses(self.triton).stubs().items() if found == model]
        return max(pids, key=lambda pid: psutil.Process(pid).create_time())

    def heals(self, cause: Callable[[], None]) -> Event:
        """What it says of the repair after a cause."""
        before = len(self.repairs)
        cause()
        wait_until(lambda: len(self.repairs) > before or self.process.poll() is not None)
        assert self.process.poll() is None, self.lines[-1]
        return self.repairs[-1]

    def stop(self) -> int:
        """Ask it to stop; its exit status."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> int:
        """Its exit status, once it has ended and its log is read."""
        status = self.process.wait(PATIENCE_S)
        self._reader.join()
        return status

    def remains(self) -> list[Path]:
        """Folders and shared memory that it left."""
        return list(Path("/dev/shm").glob(f"endface-{self.process.pid}-*"))

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)


@contextmanager
def serve(repository: Path, ports: Ports, folder: Path) -> Iterator[Serving]:
    """Run ``endface serve``; it is killed if nothing has ended it."""
    flags = [f"--{name.replace('_', '-')}={port}" for name, port in ports.items()]
    command = [sys.executable, "-m", "endface_client", "serve", f"--repository={repository}", *flags]
    with subprocess.Popen(
        [*command, "--profile=mm-pc"],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Serving(process, ports, folder)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def serving(
    repository: Path, free_ports: Callable[[], Ports], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Serving]:
    """One server for all faults; when it is stopped at last nothing of it is left."""
    with serve(repository, free_ports(), tmp_path_factory.mktemp("serving")) as running:
        yield running
        session = ServerProcesses(running.triton)
        assert running.stop() == 0
        assert not session.members()
        assert not running.remains()


@contextmanager
def clients(servers: str, picture: bytes, count: int = CLIENTS) -> Iterator[list[Report]]:
    """Clients that inspect one picture again and again, and see to failures themselves; gives their reports.

    None may fail: no picture was lost.  They are patient because this machine may be crowded: a start that takes three
    seconds has been seen to take fifteen.
    """
    reports: list[Report] = []
    stop = threading.Event()

    def work() -> None:
        with Client(servers, profile="mm-pc", deadline_s=PATIENCE_S) as client:
            while not stop.is_set():
                reports.append(client.inspect(picture))

    with ThreadPoolExecutor(count) as pool:
        jobs = [pool.submit(work) for _ in range(count)]
        try:
            wait_until(lambda: len(reports) >= 2 * count)
            yield reports
        finally:
            stop.set()
        for job in jobs:
            job.result()


def check(serving: Serving, png: bytes, cause: Callable[[], None]) -> Event:
    """Make it ill while clients work, and see that it heals and that all get their reports."""
    with clients(serving.address, png) as reports:
        event = serving.heals(cause)
        healed_at = len(reports)
        wait_until(lambda: len(reports) >= healed_at + 2 * CLIENTS)
    assert {report.verdict for report in reports} == {"pass"}
    return event


@pytest.mark.parametrize("model", ["preprocess", "segment", "postprocess"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
def test_stub(serving: Serving, png: bytes, model: str, number: signal.Signals) -> None:
    """One process of a stage dies, or stops where it stands: it is replaced."""
    event = check(serving, png, lambda: os.kill(serving.stub(model), number))

    assert (event.kind, event.model) == ("stub", model)


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGKILL, "ended"), (signal.SIGSTOP, "stopped")], ids=["killed", "stopped"]
)
def test_triton(serving: Serving, png: bytes, number: signal.Signals, kind: str) -> None:
    """Triton itself dies, or stops where it stands: another one serves on the same ports."""
    former = ServerProcesses(serving.triton)

    event = check(serving, png, lambda: os.kill(serving.triton, number))

    assert (event.kind, event.action) == (kind, "restart")
    assert former.members() == set()


def test_overload_is_no_illness(serving: Serving, png: bytes) -> None:
    """Many more clients than the server can answer in time: it refuses, and nobody repairs it."""
    before = len(serving.repairs)
    started_s = time.monotonic()
    with clients(serving.address, png, count=72) as reports:
        wait_until(lambda: time.monotonic() > started_s + 10 and len(reports) > 200)

    assert len(serving.repairs) == before


def test_one_of_a_fleet_is_gone(
    serving: Serving, png: bytes, repository: Path, free_ports: Callable[[], Ports], tmp_path: Path
) -> None:
    """A whole machine of a fleet dies: the other one answers all, and the next start there clears up."""
    ports = free_ports()
    with serve(repository, ports, tmp_path) as other:
        triton = ServerProcesses(other.triton)
        with clients(f"{serving.address},{other.address}", png) as reports:
            other.process.kill()
            triton.kill()
            gone_at = len(reports)
            wait_until(lambda: len(reports) >= gone_at + 4 * CLIENTS)
        assert other.ended() == -signal.SIGKILL
        assert other.remains()

    with serve(repository, ports, tmp_path) as again:
        with Client(again.address, profile="mm-pc") as client:
            assert client.inspect(png).verdict == "pass"
        assert again.stop() == 0
        assert not again.remains()


@pytest.fixture
def fragile(repository: Path, tmp_path: Path) -> Path:
    """A copy of the repository that may be broken."""
    return Path(shutil.copytree(repository, tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__")))


HANGING = """
import pathlib, time
execute = TritonPythonModel.execute
def hang_once(self, requests):
    cause = pathlib.Path({cause!r})
    if cause.exists():
        cause.unlink()
        time.sleep(3600)
    return execute(self, requests)
TritonPythonModel.execute = hang_once
"""


HANGING_IN_A_PICTURE = """
import pathlib, time
enter = models.BusyMarker.__enter__
def hang_once(self):
    enter(self)
    try:
        pathlib.Path({cause!r}).unlink()
    except FileNotFoundError:
        return
    time.sleep(3600)
models.BusyMarker.__enter__ = hang_once
"""


def test_process_that_hangs_in_a_picture(
    fragile: Path, png: bytes, free_ports: Callable[[], Ports], tmp_path: Path
) -> None:
    """One of a stage's two processes waits for something that never comes, the other one answers: it is replaced."""
    stages = ["preprocess", "segment", "postprocess"]
    for stage in stages:
        with (fragile / stage / "1" / "model.py").open("a") as model:
            model.write(HANGING_IN_A_PICTURE.format(cause=str(tmp_path / stage)))
    with serve(fragile, free_ports(), tmp_path) as serving:
        events = [check(serving, png, (tmp_path / stage).touch) for stage in stages]

        assert [(event.kind, event.model, event.action) for event in events] == [
            ("hung", stage, "reload") for stage in stages
        ]
        assert serving.stop() == 0


def test_stage_that_hangs(fragile: Path, png: bytes, free_ports: Callable[[], Ports], tmp_path: Path) -> None:
    """All processes run and say "ready", but one waits for something that never comes: the server is started anew."""
    cause = tmp_path / "cause"
    stage = fragile / "postprocess"
    config = (stage / "config.pbtxt").read_text(encoding="utf-8")
    (stage / "config.pbtxt").write_text(re.sub(r"count: \d+", "count: 1", config), encoding="utf-8")  # alone
    with (stage / "1" / "model.py").open("a") as model:
        model.write(HANGING.format(cause=str(cause)))
    with serve(fragile, free_ports(), tmp_path) as serving:
        event = check(serving, png, cause.touch)

        assert (event.kind, event.action) == ("hung", "restart")
        assert serving.stop() == 0


def test_replaced_stubs_do_not_stay(serving: Serving) -> None:
    """After all repairs each stage has the processes that it had at first, and no more."""
    wait_until(lambda: sorted(ServerProcesses(serving.triton).stubs().values()) == serving.stubs)

    assert set(serving.stubs) == {"postprocess", "preprocess", "segment"}
