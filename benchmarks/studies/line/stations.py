"""Stations of a line: clients with default settings, in processes of their own that live as long as the shift.

One process has sync clients, each in a thread; the other an async client, shared by several tasks.  Each number is
handed out once, and whatever comes of it is one row: nothing is presented again here, for that is the clients' work.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import queue
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Self

import psutil

from benchmarks.studies.line.part import Known, SerialPart, part
from endface_client import AsyncClient, Client, ClientError, Job, ProtocolError, Reply

RIGHT: Final = "right"
CROSSED: Final = "crossed"
"""A report came, and is another part's, or says something else than is known of the picture."""

LOST: Final = "lost"
"""No report came."""

KINDS: Final = ("sync", "async")

_POLL_S: Final = 0.1
_LEAVE_S: Final = 30.0
"""How long stations may take to end the part at hand: three times a client's deadline."""


@dataclass(frozen=True)
class Row:
    """Outcome of a part.

    Attributes:
        number: Of the part.
        began_s: When it was presented, by ``time.monotonic``.
        ended_s: When its report or its error was there.
        attempts: How often the client sent it.
        outcome: RIGHT, CROSSED or LOST.
        what: More words where it is not RIGHT.
    """

    number: int
    began_s: float
    ended_s: float
    attempts: int
    outcome: str
    what: str = ""


@dataclass(frozen=True)
class Shift:
    """Task of a line's stations.

    Attributes:
        servers: As a client takes them.
        profile: The limits to judge by.
        pool: The pictures that take turns.
        parts: How many parts there are; the stations end after the last one.
        sync: Stations with a sync client each, a thread each.
        asyncio: Stations that share an async client, a task each.
    """

    servers: str
    profile: str
    pool: Sequence[Known]
    parts: int
    sync: int
    asyncio: int


class Stations:
    """Stations at work, from entering the ``with`` block until all parts are judged, or until leaving it."""

    def __init__(self, shift: Shift) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would inherit gRPC's threads
        self._parts = shift.parts
        self._next = context.Value("q", 0)
        self._rows: Any = context.Queue()
        arguments = (shift, self._next, self._rows)
        self._workers = [
            context.Process(target=work, args=arguments, name=name, daemon=True)
            for name, count, work in zip(KINDS, (shift.sync, shift.asyncio), (_sync, _async), strict=True)
            if count
        ]

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._next.value = self._parts
        ends_s = time.monotonic() + _LEAVE_S
        while any(worker.is_alive() for worker in self._workers) and time.monotonic() < ends_s:
            list(self.rows())  # a process does not end before its rows are taken
        for worker in self._workers:
            worker.kill()
            worker.join()

    @property
    def processes(self) -> dict[str, psutil.Process]:
        """The processes by kind of client."""
        return {worker.name: psutil.Process(worker.pid) for worker in self._workers if worker.is_alive()}

    @property
    def are_at_work(self) -> bool:
        """Whether any process has not ended."""
        return any(worker.is_alive() for worker in self._workers)

    def rows(self) -> Iterator[Row]:
        """The rows that have come, after waiting a moment for the first."""
        wait_s = _POLL_S
        while True:
            try:
                yield self._rows.get(timeout=wait_s)
            except queue.Empty:
                return
            wait_s = 0.0


def _sync(shift: Shift, counter: Any, rows: Any) -> None:
    def work() -> None:
        with Client(shift.servers, profile=shift.profile) as client:
            for number in _numbers(shift, counter):
                own, began_s = part(number, shift.pool), time.monotonic()
                try:
                    reply: Reply | ClientError = client.ask(Job(own.data, own.serial))
                except ClientError as exc:
                    reply = exc
                rows.put(_row(number, own, began_s, reply))

    with ThreadPoolExecutor(shift.sync) as pool:
        for station in [pool.submit(work) for _ in range(shift.sync)]:
            station.result()


def _async(shift: Shift, counter: Any, rows: Any) -> None:
    asyncio.run(_work_all(shift, counter, rows))


async def _work_all(shift: Shift, counter: Any, rows: Any) -> None:
    async def work(client: AsyncClient) -> None:
        for number in _numbers(shift, counter):
            own, began_s = part(number, shift.pool), time.monotonic()
            try:
                reply: Reply | ClientError = await client.ask(Job(own.data, own.serial))
            except ClientError as exc:
                reply = exc
            rows.put(_row(number, own, began_s, reply))

    async with AsyncClient(shift.servers, profile=shift.profile) as client:
        await asyncio.gather(*(work(client) for _ in range(shift.asyncio)))


def _numbers(shift: Shift, counter: Any) -> Iterator[int]:
    """Numbers of parts, each handed out to one station alone."""
    while True:
        with counter.get_lock():
            number = counter.value
            counter.value = min(number + 1, shift.parts)
        if number >= shift.parts:
            return
        yield number


def _row(number: int, own: SerialPart, began_s: float, reply: Reply | ClientError) -> Row:
    ended_s = time.monotonic()
    if isinstance(reply, ClientError):
        outcome = CROSSED if isinstance(reply, ProtocolError) else LOST
        return Row(number, began_s, ended_s, reply.attempts, outcome, f"{reply.code}: {reply}")
    if own.is_judged_by(reply.report):
        return Row(number, began_s, ended_s, reply.attempts, RIGHT)
    return Row(number, began_s, ended_s, reply.attempts, CROSSED, reply.report.to_json())
