"""A client beside a real Triton: big pictures go through memory that both map, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tritonclient.grpc
from numpy.typing import NDArray

from endface.files import sha256
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import AsyncClient, Client, DeadlineExceeded
from endface_client._region import FOLDER

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def bmp(face: NDArray[Any], encode: Callable[..., bytes]) -> bytes:
    """A clean face as 300 kB."""
    return encode(face, ".bmp")


@pytest.fixture
def regions(triton: Any) -> Callable[[], set[str]]:
    """What the shared server has mapped now."""
    return lambda: set(triton.get_system_shared_memory_status().regions)


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[Client]:
    """A client of the shared server."""
    with Client(server.grpc_address, profile="mm-pc") as made:
        yield made


def wait_until(condition: Callable[[], bool], timeout_s: float = 60) -> None:
    """Await a condition."""
    ends_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends_s, "it did not come true in time"
        time.sleep(0.05)


def files() -> list[Path]:
    """What clients have in /dev/shm."""
    return list(FOLDER.glob("endface_picture-*"))


def test_big_pictures_go_through_shared_memory(client, regions, bmp, png):
    """The server shows the region of a big picture, none of a small one, and none after close."""
    client.inspect(png)
    assert regions() == set()
    client.inspect(bmp)
    client.inspect(bmp)
    assert len(regions()) == 1
    assert files() == []
    client.close()

    assert regions() == set()


def test_the_report_is_the_same(client, ask, bmp):
    """How a picture travels does not show in its report, apart from the times that it took."""
    shared = client.inspect(bmp)
    sent = ask(bmp)[0]

    assert dataclasses.replace(shared, timings_ms={}) == dataclasses.replace(sent, timings_ms={})


def test_threads_never_cross_pictures(client, regions):
    """Sixteen threads, pictures of many sizes: each gets the report of its own bytes."""
    pictures = [bytes([index]) * (130_000 + 40_000 * (index % 7)) for index in range(160)]
    with ThreadPoolExecutor(16) as threads:
        reports = list(threads.map(client.inspect, pictures))

    assert [report.image.sha256 for report in reports] == [sha256(picture) for picture in pictures]
    assert 1 <= len(regions()) <= 3 * 16


def test_a_deadline_ends_the_use_of_a_region(client, regions, bmp):
    """What the server may read still is not written to: the next pictures get their own reports."""
    client.inspect(bmp)
    before = regions()
    client.deadline_s = 0.002
    with pytest.raises(DeadlineExceeded):
        client.inspect(bmp)
    client.deadline_s = 10
    reports = [client.inspect(bytes([index]) * 300_000) for index in range(8)]

    assert len({report.image.sha256 for report in reports}) == 8
    assert not before & {region.name for region in client._attempts._shared_memory._regions._all}


def test_cancelled_tasks_leave_the_client_usable(server, regions, bmp):
    """Calls that are cancelled while the server works cost neither a picture nor a region."""

    async def scenario() -> int:
        async with AsyncClient(server.grpc_address, profile="mm-pc") as client:
            tasks = [asyncio.create_task(client.inspect(bmp)) for _ in range(6)]
            done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)
            assert (await client.inspect(bmp)).verdict == "pass"
            return len(done)

    assert asyncio.run(scenario()) >= 1
    with Client(server.grpc_address, profile="mm-pc") as another:  # takes along what was read still at close
        wait_until(lambda: another.inspect(bytes(300_000)) and len(regions()) == 1)


KILLED = """
import sys
from endface_client import Client
client = Client(sys.argv[1], profile="mm-pc")
while True:
    client.inspect(bytes(200_000))
    print("inspected", flush=True)
"""


def test_a_killed_client_leaves_nothing(server, regions, bmp):
    """Nothing in /dev/shm, and what the server maps for it goes when a next client registers a region.

    Not with the first one where the server still reads the killed one's last picture.
    """

    def is_forgotten() -> bool:
        with Client(server.grpc_address, profile="mm-pc") as another:
            another.inspect(bmp)
        return not of_the_killed & regions()

    others = regions()
    with subprocess.Popen([sys.executable, "-c", KILLED, server.grpc_address], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        of_the_killed = regions() - others
        os.kill(process.pid, signal.SIGKILL)
    assert of_the_killed
    assert files() == []
    wait_until(is_forgotten)


def test_a_server_started_anew_loses_nothing(repository, free_ports, bmp):
    """The new server knows no region: the picture goes through gRPC, and its report comes."""
    settings = Settings(repository, **free_ports())
    with Client(f"127.0.0.1:{settings.grpc_port}", profile="mm-pc") as client:
        for _ in range(2):
            with EmbeddedServer(settings) as server:
                server.wait_ready(120)
                assert client.inspect(bmp).verdict == "pass"


def test_connections_that_end_leave_regions_where_they_are(repository, free_ports, bmp):
    """Memory is the server's, not the connection's: one region serves all pictures, whichever connection names it."""
    with (
        EmbeddedServer(Settings(repository, connection_age_s=0.2, **free_ports())) as server,
        tritonclient.grpc.InferenceServerClient(server.grpc_address) as raw,
        Client(server.grpc_address, profile="mm-pc") as client,
    ):
        server.wait_ready(120)
        mapped = set()
        for _ in range(20):
            assert client.inspect(bmp).verdict == "pass"
            mapped |= set(raw.get_system_shared_memory_status().regions)

    assert len(mapped) == 1


class Restricted(Settings):
    """A server that lets nobody register memory without a key."""

    @property
    def flags(self) -> list[str]:
        """Triton's flags."""
        return [*super().flags, "--grpc-restricted-protocol=shared-memory:line=secret"]


def test_a_server_that_refuses_gets_pictures_through_grpc(repository, free_ports, bmp):
    """A restricted protocol is no error, and nothing is left behind."""
    with EmbeddedServer(Restricted(repository, **free_ports())) as server:
        server.wait_ready(120)
        with Client(server.grpc_address, profile="mm-pc") as client:
            verdicts = [client.inspect(bmp).verdict for _ in range(2)]

    assert verdicts == ["pass", "pass"]
    assert files() == []
