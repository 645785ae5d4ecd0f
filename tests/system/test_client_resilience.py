"""A client under load while real Tritons are killed, frozen, stopped and started: no picture is lost."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from endface.embedded import EmbeddedServer
from endface.image import sha256
from endface.triton_settings import Settings
from endface_client import Client, ClientError, Reply

pytestmark = pytest.mark.triton

Ports = Callable[[], dict[str, int]]
READY_S = 120


class Line:
    """Stations that send pictures without a pause until they are told to stop.

    Attributes:
        outcomes: one for each picture that was sent.
    """

    def __init__(self, client: Client, stations: int = 4) -> None:
        self.outcomes: list[tuple[bytes, Reply | ClientError]] = []
        self._client = client
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(stations)]

    def _work(self, number: int) -> None:
        count = 0
        while not self._stopping.is_set():
            count += 1
            picture = b"station %d, picture %d" % (number, count)  # no picture at all: refused in a report, and quickly
            try:
                self.outcomes.append((picture, self._client.ask(picture)))
            except ClientError as exc:
                self.outcomes.append((picture, exc))

    def wait_for(self, count: int) -> None:
        """Until so many more pictures have an outcome."""
        wanted = len(self.outcomes) + count
        ends_s = time.monotonic() + 120
        while len(self.outcomes) < wanted:
            assert time.monotonic() < ends_s, "the line stands still"
            time.sleep(0.01)

    def wait_until_repeated(self) -> None:
        """Until a picture had to be sent again."""
        ends_s = time.monotonic() + 120
        while all(outcome.attempts == 1 for _, outcome in list(self.outcomes)):
            assert time.monotonic() < ends_s, "nothing went wrong"
            time.sleep(0.01)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Work meanwhile."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()

    def check(self) -> None:
        """Each picture has a report, and it is its own."""
        assert [outcome for _, outcome in self.outcomes if not isinstance(outcome, Reply)] == []
        for picture, outcome in self.outcomes:
            assert outcome.report.image.sha256 == sha256(picture)


def triton_of(server: EmbeddedServer) -> int:
    """The process that listens."""
    return _process(lambda words: f"--grpc-port={server.settings.grpc_port}" in words)


def stage_of(server: EmbeddedServer) -> int:
    """The process that runs the first stage."""
    children = Path(f"/proc/{triton_of(server)}/task").glob("*/children")
    pids = {pid for child in children for pid in child.read_text().split()}
    return _process(lambda words: any("/preprocess/" in word for word in words), pids)


def _process(is_meant: Callable[[list[str]], bool], pids: set[str] | None = None) -> int:
    """The first process whose command line is meant."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended while we looked
            if (pids is None or path.parent.name in pids) and is_meant(path.read_text().split("\0")):
                return int(path.parent.name)
    raise AssertionError("there is no such process")


@pytest.fixture
def two(repository: Path, free_ports: Ports) -> Iterator[tuple[EmbeddedServer, EmbeddedServer]]:
    """Two servers."""
    with ExitStack() as stack:
        servers = [stack.enter_context(EmbeddedServer(Settings(repository, **free_ports()))) for _ in range(2)]
        for server in servers:
            server.wait_ready(READY_S)
        yield servers[0], servers[1]


@pytest.fixture
def client(two: tuple[EmbeddedServer, EmbeddedServer]) -> Iterator[Client]:
    """A client of both, with default settings."""
    with Client(",".join(server.grpc_address for server in two), profile="mm-pc") as made:
        yield made


def test_a_server_that_is_killed_costs_no_picture(two, client):
    """Kill -9 of one of two under load: what it had goes to the other one."""
    line = Line(client)
    with line.running():
        line.wait_for(40)
        os.kill(triton_of(two[0]), signal.SIGKILL)
        line.wait_for(100)

    line.check()


def test_a_server_that_freezes_costs_no_picture(two, client):
    """SIGSTOP of one of two under load: its silence is noticed, what it had and what follows goes to the other one."""
    line = Line(client)
    frozen = triton_of(two[0])
    with line.running():
        line.wait_for(40)
        os.kill(frozen, signal.SIGSTOP)
        try:
            line.wait_until_repeated()
            line.wait_for(20)  # those of other stations that it had as well
            left = len(line.outcomes)
            line.wait_for(100)
            followed = line.outcomes[left:]
        finally:
            os.kill(frozen, signal.SIGCONT)

    line.check()
    assert sum(outcome.attempts > 1 for _, outcome in followed) < 10  # every second one if it were asked still


def test_a_stage_that_dies_costs_no_picture(two):
    """Kill -9 of one of a stage's two processes: Triton says so, and the other one inspects what it had."""
    with Client(two[0].grpc_address, profile="mm-pc") as client:
        line = Line(client)
        with line.running():
            line.wait_for(40)
            os.kill(stage_of(two[0]), signal.SIGKILL)
            line.wait_for(100)

    line.check()


def test_a_server_that_is_started_anew_costs_no_picture(repository, free_ports):
    """A single server stops as on an update, and is back later: the line waits for it."""
    settings = Settings(repository, **free_ports())
    with Client(f"127.0.0.1:{settings.grpc_port}", profile="mm-pc", deadline_s=READY_S) as client:
        line = Line(client)
        with ExitStack() as stack:
            with EmbeddedServer(settings) as server:
                server.wait_ready(READY_S)
                stack.enter_context(line.running())
                line.wait_for(40)
            with EmbeddedServer(settings) as server:
                server.wait_ready(READY_S)
                line.wait_for(40)
                stack.close()

    line.check()
