"""Clients that are made and dropped by the thousand: a program that makes one for each picture survives it."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from endface_client import AsyncClient, Client
from endface_client.testing import FakeServer

MADE = 10_000
USED = 200
GROWTH_BYTES = 16 * 1024 * 1024
"""A client that stayed would hold its channel: 10,000 of them hold several times as much."""


def memory_bytes() -> int:
    """What this process holds (man 5 proc_pid_statm)."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def files() -> int:
    """How many files and sockets it has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def growth(repeat: Callable[[int], None], count: int) -> tuple[int, int, int]:
    """What ``count`` repetitions leave of memory, files and threads, once the first ones have laid everything out."""
    repeat(USED)
    before = memory_bytes(), files(), threading.active_count()
    repeat(count)
    after = memory_bytes(), files(), threading.active_count()
    return after[0] - before[0], after[1] - before[1], after[2] - before[2]


def made(count: int) -> None:
    """Clients that nobody uses or closes."""
    for _ in range(count):
        Client("127.0.0.1:8001")
        AsyncClient("127.0.0.1:8001")


def test_clients_that_are_dropped_leave_nothing() -> None:
    """Neither memory nor files nor threads."""
    memory, opened, threads = growth(made, MADE)

    assert memory < GROWTH_BYTES
    assert max(opened, threads) <= 0  # what earlier tests left may go meanwhile


def closed(address: str) -> None:
    """A client as it should be used."""
    with Client(address, profile="mm-pc") as client:
        client.inspect(b"a picture")


def dropped(address: str) -> None:
    """A client that nobody closes."""
    Client(address, profile="mm-pc").inspect(b"a picture")


def awaited(address: str) -> None:
    """A client in an event loop of its own."""

    async def inspect() -> None:
        async with AsyncClient(address, profile="mm-pc") as client:
            await client.inspect(b"a picture")

    asyncio.run(inspect())


@pytest.mark.parametrize("use", [closed, dropped, awaited])
def test_clients_that_were_used_leave_nothing(fake_server: FakeServer, use: Callable[[str], None]) -> None:
    """Neither memory nor files nor threads."""

    def used(count: int) -> None:
        for _ in range(count):
            use(fake_server.address)
        fake_server.requests.clear()

    memory, opened, threads = growth(used, USED)

    assert memory < GROWTH_BYTES
    assert opened <= 2  # connections that gRPC is about to close
    assert threads <= 2
