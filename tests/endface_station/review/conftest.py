"""The review pages on a port of this machine, with cases of the sample pictures, and a browser to look at them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from endface.offline import inspect as inspect_offline
from endface.options import Options
from endface.report import Report
from endface.review.cases import Cases
from endface_station.review.app import review_app
from tests.waiting import wait_until

KEPT = ("chipped.jpg", "scratched.jpg", "contaminated.jpg", "out-of-focus.jpg")


@pytest.fixture(scope="session")
def inspected(samples: list[Path]) -> dict[str, tuple[Report, bytes]]:
    """Report and bytes of some sample pictures, by their names."""
    chosen = {path.name: path.read_bytes() for path in samples if path.name in KEPT}
    return {
        name: (inspect_offline(data, Options("mm-pc", serial=f"SN-{name.partition('.')[0]}", name=name)), data)
        for name, data in chosen.items()
    }


@pytest.fixture
def cases(tmp_path: Path, inspected: dict[str, tuple[Report, bytes]]) -> Cases:
    """Their cases."""
    cases = Cases(tmp_path / "cases")
    for report, data in inspected.values():
        assert cases.keep(report, data)
    return cases


@pytest.fixture
def app(cases: Cases) -> Starlette:
    """An application that mounts the pages, as the station does."""
    return Starlette(routes=[Mount("/review", review_app(cases))])


@pytest.fixture
def address(app: Starlette) -> Iterator[str]:
    """Where the pages are served."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/review"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def reviewer_page(browser: Any, address: str) -> Iterator[Callable[[str], Any]]:
    """A page of a browser of its own in which a person has said who they are; what fails in it fails the test."""
    contexts, problems = [], []

    def opened(name: str) -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and problems.append(message.text))
        page.goto(f"{address}/")
        if name:
            page.get_by_label("Reviewer").fill(name)
            page.get_by_role("button", name="Set").click()
            page.get_by_role("button", name="Change").wait_for()  # the page that knows the name has come
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not problems
