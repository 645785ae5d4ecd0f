"""Stations at work, and the processes of the servers that they work with."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from endface.files import sha256
from endface.report import Report
from endface.server.process import EmbeddedServer
from endface_client import Client, ClientError, Reply
from tests.waiting import wait_until


class Stations:
    """Stations that send pictures without a pause until they are told to stop.

    Args:
        client: What they send with.
        picture: What each of their pictures begins with.  Without it they send no picture at all, which is refused in a
            report, and quickly.
        count: How many stations.

    Attributes:
        outcomes: One for each picture that was sent.
    """

    def __init__(self, client: Client, picture: bytes = b"", count: int = 4) -> None:
        self.outcomes: list[tuple[bytes, Reply | ClientError]] = []
        self._client = client
        self._picture = picture
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(count)]

    @property
    def reports(self) -> list[Report]:
        """The reports so far."""
        return [outcome.report for _, outcome in list(self.outcomes) if isinstance(outcome, Reply)]

    def _work(self, number: int) -> None:
        count = 0
        while not self._stopping.is_set():
            count += 1
            picture = self._picture + b"station %d, picture %d" % (number, count)
            try:
                self.outcomes.append((picture, self._client.ask(picture)))
            except ClientError as exc:
                self.outcomes.append((picture, exc))

    def wait_for(self, count: int) -> list[Report]:
        """Until so many more pictures have an outcome, each within the time of one; gives the reports among them."""
        before = len(self.outcomes)
        for wanted in range(before + 1, before + count + 1):
            wait_until(partial(self._has, wanted), message="the stations do not get on")
        return [outcome.report for _, outcome in self.outcomes[before:] if isinstance(outcome, Reply)]

    def _has(self, wanted: int) -> bool:
        return len(self.outcomes) >= wanted

    def wait_until_repeated(self) -> None:
        """Until a picture had to be sent again."""
        wait_until(lambda: any(outcome.attempts > 1 for _, outcome in list(self.outcomes)), message="nothing was wrong")

    @contextmanager
    def working(self) -> Iterator[None]:
        """Work meanwhile; in the end each picture must have a report, and its own."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()
        assert [outcome for _, outcome in self.outcomes if not isinstance(outcome, Reply)] == []
        sums = [sha256(picture) for picture, _ in self.outcomes]
        assert [report.image.sha256 for report in self.reports] == sums


def triton_of(server: EmbeddedServer) -> int:
    """The process that listens."""
    return server.running.process.pid


def stage_of(server: EmbeddedServer) -> int:
    """A process that runs the first stage."""
    return next(pid for pid, model in server.processes.stubs().items() if model == "preprocess")


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that holds its connections and does nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
