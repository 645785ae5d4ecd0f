"""A fake server, and the two clients behind one face so that every test runs over both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from endface.report import Report
from endface_client import AsyncClient, Client
from endface_client.testing import FakeServer


class AwaitedClient:
    """An AsyncClient with the sync client's methods, for tests that hold over both."""

    def __init__(self, servers: str, **settings: Any) -> None:
        self._runner = asyncio.Runner()
        self._client = AsyncClient(servers, **settings)

    def __enter__(self) -> AwaitedClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._runner.close()

    def close(self) -> None:
        """Close the client."""
        self._runner.run(self._client.close())

    def inspect(self, picture: Any, **options: Any) -> Report:
        """One report, awaited."""
        return self._runner.run(self._client.inspect(picture, **options))

    def health(self) -> None:
        """Health, awaited."""
        self._runner.run(self._client.health())

    def inspect_many(self, pictures: Any, **options: Any) -> Iterator[Any]:
        """Reports, each awaited in its turn."""
        reports = self._client.inspect_many(pictures, **options)

        async def step() -> Any:
            return await anext(reports)

        def steps() -> Iterator[Any]:
            try:
                while True:
                    try:
                        report = self._runner.run(step())
                    except StopAsyncIteration:
                        return
                    yield report
            finally:
                self._runner.run(reports.aclose())

        return steps()


Connect = Callable[..., Client]


@pytest.fixture(params=[Client, AwaitedClient], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Makes clients of either kind, judged by mm-pc unless told otherwise, and closes them."""
    with ExitStack() as stack:
        yield lambda servers, **settings: stack.enter_context(request.param(servers, **{"profile": "mm-pc"} | settings))


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    """A server that passes every picture until told otherwise."""
    with FakeServer() as server:
        yield server
