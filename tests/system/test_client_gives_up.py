"""Clients that give up again and again beside a real Triton: it goes on, and healthy stations lose no picture.

Calls that are cancelled on the wire end this Triton by a segmentation fault; ours never are.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from endface.server.process import EmbeddedServer
from endface_client import AsyncClient, Client, ClientError
from tests.system.stations import triton_of

pytestmark = pytest.mark.triton

PICTURES = 60


def impatient(address: str, picture: bytes) -> None:
    """Six threads whose deadlines are shorter than the server's queue is long."""

    def station(number: int) -> None:
        draw = random.Random(number)
        with Client(address, profile="mm-pc") as client:
            for _ in range(30):
                client.deadline_s = draw.uniform(0.005, 0.15)
                try:
                    client.inspect(picture)
                except ClientError:
                    continue

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(station, range(6)))


def cancelling(address: str, picture: bytes) -> None:
    """A program that cancels its tasks at any moment."""

    async def station(client: AsyncClient, number: int) -> None:
        draw = random.Random(number)
        for _ in range(30):
            task = asyncio.create_task(client.inspect(picture))
            await asyncio.sleep(draw.uniform(0, 0.1))
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def stations() -> None:
        async with AsyncClient(address, profile="mm-pc") as client:
            await asyncio.gather(*(station(client, number) for number in range(6)))

    asyncio.run(stations())


@pytest.mark.parametrize("give_up", [impatient, cancelling])
def test_who_gives_up_ends_no_server(server: EmbeddedServer, png: bytes, give_up: Callable[[str, bytes], None]) -> None:
    """180 calls are given up; the process is the same afterwards, and a station beside had all its reports."""
    before = triton_of(server)
    others = threading.Thread(target=give_up, args=(server.grpc_address, png))
    with Client(server.grpc_address, profile="mm-pc", deadline_s=120) as client:
        others.start()
        reports = list(client.inspect_many([png] * PICTURES, concurrency=2))
        others.join()
        client.health()

    assert [report.verdict for report in reports] == ["pass"] * PICTURES
    assert triton_of(server) == before
    assert not server.has_ended()
