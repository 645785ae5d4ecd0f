"""A fake server, and the two clients behind one face so that every test runs over both."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from click.testing import Result
from typer.testing import CliRunner

from endface.connector import ConnectorReport
from endface.report import Report
from endface_client import AsyncClient, Client
from endface_client.__main__ import app
from endface_client.testing import FakeServer
from tests.endface_client.faces import FOUND, REFUSED


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

    def inspect_connector(self, pictures: Any, **options: Any) -> ConnectorReport:
        """One connector, awaited."""
        return self._runner.run(self._client.inspect_connector(pictures, **options))

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


@pytest.fixture
def dead() -> str:
    """An address where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def run(fake_server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs the command in this process against the fake server."""
    monkeypatch.setenv("ENDFACE_SERVER", fake_server.address)
    monkeypatch.setenv("COLUMNS", "1000")  # room for any temporary folder's name in a table

    def ran(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return ran


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with three pictures: a.png, b.png and c.png."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for level, name in enumerate("abc"):
        cv2.imwrite(str(folder / f"{name}.png"), np.full((48, 64), 40 + level, np.uint8))
    return folder


@pytest.fixture
def serve(certificates: Path) -> Iterator[Callable[[str], FakeServer]]:
    """Start a server that encrypts and asks stations for certificates: ``serve("server")``, by its certificate."""
    with ExitStack() as stack:

        def served(name: str) -> FakeServer:
            pair = ((certificates / f"{name}.key").read_bytes(), (certificates / f"{name}.pem").read_bytes())
            authority = (certificates / "authority.pem").read_bytes()
            credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=True)
            return stack.enter_context(FakeServer(credentials=credentials))

        yield served


@pytest.fixture
def encrypted(serve: Callable[[str], FakeServer]) -> FakeServer:
    """A server that serves whoever has a certificate of its authority; it is called by an address that it has not."""
    return serve("other")


@pytest.fixture
def shown(certificates: Path) -> dict[str, str]:
    """What a client of that server says of certificates, by the names of the options."""
    return {
        "authority": str(certificates / "authority.pem"),
        "certificate": str(certificates / "station.pem"),
        "key": str(certificates / "station.key"),
        "server-name": "line-3.example",
    }


@pytest.fixture
def found() -> Report:
    """A failed face with three defects."""
    return FOUND


@pytest.fixture
def refused() -> Report:
    """The report of a picture without a fiber."""
    return REFUSED


@pytest.fixture
def gray_png() -> bytes:
    """The picture of ``found``: an even gray of 1200 x 1000 pixels."""
    _, png = cv2.imencode(".png", np.full((1000, 1200), 128, np.uint8))
    return png.tobytes()
