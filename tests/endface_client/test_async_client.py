"""What only an AsyncClient has: tasks, which may be left before they have ended."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Iterator

import grpc
import pytest

from endface.report import Report
from endface_client import AsyncClient, ServerUnavailable
from endface_client.testing import PASS, Failure, FakeServer, Received


@pytest.fixture
def gate(fake_server: FakeServer) -> Iterator[threading.Event]:
    """The server answers the first picture at once, the others when this is set."""
    opened = threading.Event()

    def answer(received: Received) -> Report:
        if received.picture != b"0":
            opened.wait(60)
        return PASS

    fake_server.answer = answer
    yield opened
    opened.set()


@pytest.mark.parametrize("is_kept", [False, True], ids=["dropped", "kept"])
@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "left open"])
def test_leaving_a_loop_over_reports_is_quiet(
    fake_server: FakeServer, gate: threading.Event, caplog: pytest.LogCaptureFixture, is_kept: bool, is_closed: bool
) -> None:
    """Pictures under way are given up without a word, whether the client closes or the whole event loop ends."""
    kept = []

    async def scenario() -> None:
        client = AsyncClient(fake_server.address, profile="mm-pc", deadline_s=60)
        reports = client.inspect_many([b"%d" % number for number in range(20)], concurrency=4)
        if is_kept:
            kept.append(reports)
        async for _ in reports:
            while len(fake_server.requests) < 4:
                await asyncio.sleep(0.001)
            break
        del reports
        if is_closed:
            await client.close()

    with caplog.at_level(logging.DEBUG, "asyncio"):
        asyncio.run(scenario())
        gc.collect()  # an exception that nobody took is told when its task goes
    gate.set()

    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []
    assert len(fake_server.requests) < 20


def test_closing_an_async_client_ends_its_waiting(fake_server: FakeServer) -> None:
    """The same in an event loop."""
    fake_server.answer = Failure(grpc.StatusCode.UNAVAILABLE, "GOAWAY received")

    async def scenario() -> None:
        client = AsyncClient(fake_server.address, profile="mm-pc", deadline_s=3600)
        waiting = asyncio.create_task(client.inspect(b"a picture"))
        while len(fake_server.requests) < 2:
            await asyncio.sleep(0.001)
        await client.close()
        with pytest.raises(ServerUnavailable):
            await waiting

    asyncio.run(scenario())
