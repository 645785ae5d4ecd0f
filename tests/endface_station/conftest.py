"""Stations with their pages, on fake servers that judge a picture by its name."""

from __future__ import annotations

import dataclasses
import importlib.util
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import httpx
import numpy as np
import pytest
import uvicorn

from endface.comparison import REWORK_AFTER
from endface.report import Problem, Report
from endface.review.cases import Cases
from endface.review.keeper import Keeper
from endface_client import Client, Record
from endface_client.record.database import entries, reading
from endface_client.record.entry import Entry
from endface_client.testing import PASS, Answer, FakeServer, Received
from endface_station.photos import Photos
from endface_station.picture_queue import PictureQueue
from endface_station.review.app import review_app
from endface_station.shift import Serials, Shift
from endface_station.station import Filed, Station
from endface_station.texts import Texts
from endface_station.web.app import Access, create_app
from endface_station.web.page import Camera
from endface_station.web.serving import PageServer
from endface_station.web.view import View
from tests.endface_client.faces import FOUND
from tests.servers import free_ports
from tests.waiting import wait_until

CHROMIUM: Final = Path("/usr/bin/chromium")
ARGUMENTS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

DEFOCUS: Final = Problem("defocus", "the picture's blur is 1.6 um, and mm-pc can be judged up to 1.05 um; focus again")
INVALID: Final = dataclasses.replace(PASS, verdict="invalid", error=DEFOCUS, reasons=(DEFOCUS.message,), zones=())
FAIL: Final = dataclasses.replace(FOUND, criteria=PASS.criteria)


def by_name(received: Received) -> Answer:
    """A failed face for a name with ``fail``, a blurred one for ``blur``, else a clean one."""
    name = received.parameters.get("name", "")
    return FAIL if "fail" in name else INVALID if "blur" in name else PASS


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    """A server that judges a picture by its name."""
    with FakeServer(by_name) as server:
        yield server


def picture(number: int = 0) -> bytes:
    """A small gray PNG, another one for each number."""
    levels = np.full((48, 64), 90, np.uint8)
    levels[0, :24] = [90 + (number >> bit & 1) for bit in range(24)]
    _, data = cv2.imencode(".png", levels)
    return data.tobytes()


@dataclass
class Running:
    """A station whose thread and page run.

    Attributes:
        url: of the page.
        station: the station.
        record: the folder of its record.
        web: what calls the page.
        stop: ends the page; the station goes on.
    """

    url: str
    station: Station
    record: Path
    web: httpx.Client
    stop: Callable[[], None]

    def settle(self) -> None:
        """Wait until no picture has to wait."""
        wait_until(lambda: not self.station.waiting)

    @property
    def entries(self) -> list[Entry]:
        """What the record holds."""
        return entries_of(self.record)


def entries_of(record: Path) -> list[Entry]:
    """The inspections in a record."""
    with reading(record) as db:
        return list(entries(db))


@contextmanager
def running(
    server: str,
    folder: Path,
    *,
    fibers: int = 1,
    access: Access | None = None,
    camera: Callable[[Station], Camera] | None = None,
    texts: Path | None = None,
    steps_itself: bool = False,
    serials: Serials = "connectors",
    review: bool = False,
    rework_after: int = REWORK_AFTER,
    port: int = 0,
    **config: Any,
) -> Iterator[Running]:
    """A station on a server, with its folder, and its page on a free port; ``review`` keeps cases in ``cases``."""
    with ExitStack() as stack:
        record = stack.enter_context(Record(folder / "record"))
        queue = stack.enter_context(PictureQueue(folder / "queue"))
        client = stack.enter_context(Client(server, profile="mm-pc", repeat=False))
        shift = Shift.of_record(record.folder, fibers=fibers, steps_itself=steps_itself, serials=serials)
        photos = Photos(record.folder)
        station = Station(client, record, queue, shift, server=server, pauses_s=(0.02, 0.1), rework_after=rework_after)
        keeper = Keeper(Cases(folder / "cases")) if review else None

        def show(filed: Filed) -> None:
            photos.add(filed.attempt, filed.data)
            if keeper:
                keeper(filed.attempt.report, filed.data)

        station.on_filed = show
        opened = camera(station) if camera else None
        view = View(station, photos, Texts.of(texts), keeper=keeper, has_camera=opened is not None)
        mounts = {"/review": review_app(keeper.cases)} if keeper else {}
        app = create_app(station, view, photos, camera=opened, access=access, mounts=mounts)
        port = port or free_ports()["http_port"]
        page = PageServer(uvicorn.Config(app, port=port, log_level="critical", timeout_graceful_shutdown=5, **config))
        threads = [threading.Thread(target=station.run), threading.Thread(target=page.run)]
        for thread in threads:
            thread.start()

        def stop() -> None:
            page.should_exit = True
            threads[1].join()

        stack.callback(threads[0].join)
        stack.callback(station.stop)
        stack.callback(stop)
        wait_until(lambda: page.started)
        scheme = "https" if config else "http"
        url = f"{scheme}://127.0.0.1:{port}"
        web = stack.enter_context(httpx.Client(base_url=url, verify=False, timeout=60))
        yield Running(url, station, record.folder, web, stop)


@pytest.fixture
def started(fake_server: FakeServer, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start a station on the fake server: ``started(fibers=12)``."""
    with ExitStack() as stack:

        def start(folder: str = "station", **settings: Any) -> Running:
            return stack.enter_context(running(fake_server.address, tmp_path / folder, **settings))

        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium; two at once, and an event loop of a test's own, are more than Playwright bears."""
    if not CHROMIUM.exists() or importlib.util.find_spec("playwright") is None:
        pytest.skip(f"the pages need {CHROMIUM} and playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()


def report_of(verdict: str) -> Report:
    """A report with that verdict."""
    return {"pass": PASS, "fail": FAIL, "invalid": INVALID}[verdict]
