"""A fake server, and the two clients behind one face so that every test runs over both."""

from __future__ import annotations

import asyncio
import dataclasses
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

from endface.report import (
    Calibration,
    Criteria,
    Defect,
    Ellipse,
    Fiber,
    ImageInfo,
    LimitResult,
    ModelInfo,
    Problem,
    Report,
    ZoneResult,
)
from endface_client import AsyncClient, Client
from endface_client.__main__ import app
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
    """A failed face of 1200 x 1000 pixels of 0.5 um: centre (500, 400), a scratch in B, a pit in A, dirt outside."""
    scratch = Defect(
        id=2, type="scratch", zone="B", zones=("B", "C"), confidence=0.9, bbox_px=(580, 400, 41, 11),
        polygon_px=(((580.0, 400.0), (620.0, 400.0), (620.0, 410.0), (580.0, 410.0)),),
        center_um=(50.0, 2.5), size_um=20.6, width_um=5.0, length_um=20.0, area_um2=100.0, orientation_deg=0.0,
    )  # fmt: skip
    pit = dataclasses.replace(
        scratch, id=1, type="pit", zone="A", zones=("A",), bbox_px=(480, 390, 3, 3), size_um=1.5,
        polygon_px=(((480.0, 390.0), (482.0, 390.0), (482.0, 392.0), (480.0, 392.0)),),
    )  # fmt: skip
    dirt = dataclasses.replace(
        scratch, id=3, type="contamination", zone="", zones=(), bbox_px=(1000, 800, 31, 31),
        polygon_px=(((1000.0, 800.0), (1030.0, 800.0), (1030.0, 830.0), (1000.0, 830.0)),),
    )  # fmt: skip
    above_3_um = LimitResult("scratch", "none > 3 um", 0, 1, -2.0, "fail", lower_um=3.0)
    below_20_um = LimitResult("defect", "any < 20 um", None, 4, None, "pass", lower_um=0.0, upper_um=20.0)
    return Report(
        verdict="fail",
        borderline=True,
        reasons=("zone B: scratch 2 is 5.0 um wide, limit 3 um (mm-pc)", "zone A: too many", "zone D: too many"),
        image=ImageInfo("face.png", "0" * 64, 1200, 1000),
        criteria=Criteria("mm-pc", "IEC 61300-3-35", "2 (2015)", "public-copy", "Panduit FS061"),
        software="endface 0.1.0",
        serial="A123",
        meta={"line": "3"},
        calibration=Calibration((0.5, 0.5), "cladding"),
        fiber=Fiber(Ellipse((500.0, 400.0), (125.0, 125.0)), Ellipse((500.0, 400.0), (50.0, 50.0))),
        zones=(
            ZoneResult("A", 0.0, 65.0, 1.0, "pass"),
            ZoneResult("B", 65.0, 115.0, 1.0, "fail", (above_3_um,)),
            ZoneResult("D", 135.0, 250.0, 0.97, "pass", (below_20_um,)),
        ),
        defects=(pit, scratch, dirt),
        model=ModelInfo("segment", "1", "onnxruntime", "ab" * 32),
        timings_ms={"preprocess": 5.2},
    )


@pytest.fixture
def gray_png() -> bytes:
    """The picture of ``found``: an even gray of 1200 x 1000 pixels."""
    _, png = cv2.imencode(".png", np.full((1000, 1200), 128, np.uint8))
    return png.tobytes()


@pytest.fixture
def refused() -> Report:
    """The report of a picture without a fiber."""
    sentence = "no cladding edge was found; centre the fiber"
    return Report(
        verdict="invalid",
        error=Problem("no_fiber", sentence),
        reasons=(sentence,),
        image=ImageInfo("bare.png", "1" * 64, 1200, 1000),
        criteria=Criteria("mm-pc", "IEC 61300-3-35", "2 (2015)", "public-copy", "Panduit FS061"),
        software="endface 0.1.0",
    )
