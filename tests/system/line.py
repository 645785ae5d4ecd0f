"""Stations at work, and the processes of the servers that they work with."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from endface.files import sha256
from endface.server.process import EmbeddedServer
from endface_client import Client, ClientError, Reply


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
