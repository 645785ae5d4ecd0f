"""Stations of other servers, against a real server of aiohttp."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from benchmarks.common import asyncio_load
from benchmarks.common.pictures import Picture
from benchmarks.common.stations import CallFailedError
from benchmarks.studies.peers import stream
from benchmarks.studies.peers.stations import HttpStation
from benchmarks.studies.peers.worker import Inspection
from endface.report import Report

Serve = Callable[[Callable[[bytes], web.Response]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server that answers each body as told; gives its address."""
    event_loop = asyncio.new_event_loop()
    thread = threading.Thread(target=event_loop.run_forever)
    thread.start()
    runners: list[web.AppRunner] = []

    def started(answer: Callable[[bytes], web.Response]) -> str:
        async def handle(request: web.Request) -> web.Response:
            return answer(await request.read())

        async def start() -> int:
            app = web.Application()
            app.router.add_post("/inspect", handle)
            runners.append(web.AppRunner(app))
            await runners[-1].setup()
            site = web.TCPSite(runners[-1], "127.0.0.1", 0)
            await site.start()
            return int(runners[-1].addresses[0][1])

        port = asyncio.run_coroutine_threadsafe(start(), event_loop).result(10)
        return f"127.0.0.1:{port}"

    yield started
    for runner in runners:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), event_loop).result(10)
    event_loop.call_soon_threadsafe(event_loop.stop)
    thread.join()
    event_loop.close()


@pytest.fixture(scope="session")
def reports(pictures: list[Picture], repository: Path) -> dict[bytes, str]:
    """The report of each picture, as every peer's worker makes it."""
    inspection = Inspection(repository / "segment" / "1" / "model.onnx", "mm-pc")
    files = [picture.data for picture in pictures]
    return dict(zip(files, inspection.inspect(files), strict=True))


def ask(address: str, picture: Picture) -> Report:
    """What a station of that server gets."""

    async def asked() -> Report:
        async with HttpStation(address) as station:
            return await station.inspect(picture)

    return asyncio.run(asked())


def test_workers_judge_as_one_process_does(pictures: list[Picture], reports: dict[bytes, str]) -> None:
    """A batch of pictures goes through a peer's worker with the verdicts that are expected of every server."""
    verdicts = [Report.from_json(reports[picture.data]).verdict for picture in pictures]

    assert verdicts == [picture.verdict for picture in pictures]


def test_picture_is_the_body_and_so_is_the_report(
    serve: Serve, pictures: list[Picture], reports: dict[bytes, str]
) -> None:
    """What the server answered is the station's report."""
    address = serve(lambda body: web.Response(text=reports[body]))

    assert ask(address, pictures[0]).to_json() == reports[pictures[0].data]


@pytest.mark.parametrize(
    ("answer", "said"),
    [(web.Response(status=503, text="busy"), "answered 503: b'busy'"), (web.Response(text="[]"), "something else")],
    ids=["refused", "no report"],
)
def test_anything_else_is_a_failed_call(serve: Serve, pictures: list[Picture], answer: web.Response, said: str) -> None:
    """An error's status or a body that is no report gives no verdict, and the sentence says what came."""
    address = serve(lambda _: web.Response(status=answer.status, text=answer.text))

    with pytest.raises(CallFailedError, match=said):
        ask(address, pictures[0])


def test_nobody_listens(pictures: list[Picture]) -> None:
    """A server that is not there is a failed call, too: a peer that starts is asked until it answers."""
    with pytest.raises(CallFailedError, match="gave no answer"):
        ask("127.0.0.1:9", pictures[0])


def test_generators_ask_other_servers(serve: Serve, pictures: list[Picture], reports: dict[bytes, str]) -> None:
    """The closed loop and the stream count right answers of a server over HTTP, and look at it while it is busy."""
    address = serve(lambda body: web.Response(text=reports[body]))
    looked: list[str] = []

    closed = asyncio_load.ask(
        lambda: HttpStation(address), pictures, asyncio_load.Span(2, 0.3, 0.1), busy=lambda: looked.append("busy")
    )
    streamed = stream.ask(lambda: HttpStation(address), pictures, stream.Rate(50, 0.5, 0.1, connections=2))

    assert looked == ["busy"]
    assert closed["answered"] > 0
    assert streamed["answered"] > 0
    assert closed["failed"] == closed["wrong_verdicts"] == streamed["failed"] == streamed["wrong_verdicts"] == 0
