"""The review pages as a part of the station: what it keeps, and behind which guard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from endface_client.testing import FakeServer
from endface_station.web.app import Access
from tests.endface_station.conftest import Running, picture, running

Start = Callable[..., Running]
SECRET = b"a secret of sixteen letters"
PAGES = ("/review/", "/review/static/review.css", "/review/cases/none", "/review/nothing")


def test_failed_face_becomes_a_case(started: Start) -> None:
    """With its picture; the page of the station links to the cases, and counts those that nobody has looked at."""
    line = started(review=True)
    assert 'href="/review/"' in line.web.get("/").text
    for number, name in enumerate(("clean.png", "fail.png")):
        line.station.accept(picture(number), name, serial=f"A{number}")
    line.settle()

    cases = line.web.get("/review/").text
    assert "A1" in cases
    assert "A0" not in cases
    assert ">Review <b>1</b>" in line.web.get("/").text


def test_reviewed_case_counts_no_more(started: Start) -> None:
    """An opinion that was given on the page."""
    line = started(review=True)
    line.station.accept(picture(1), "fail.png", serial="A1")
    line.settle()
    (case,) = [each.name for each in (line.record.parent / "cases").iterdir() if each.is_dir()]
    line.web.post("/review/reviewer", data={"reviewer": "Ana"})
    said = line.web.post(f"/review/cases/{case}/reviews", json={"opinion": "right", "marks": None, "note": ""})

    assert said.status_code == 200, said.text
    assert ">Review</a>" in line.web.get("/").text


def test_station_that_keeps_nothing_shows_no_review(started: Start) -> None:
    """Neither a link nor the pages."""
    line = started()
    assert "/review/" not in line.web.get("/").text
    assert line.web.get("/review/").status_code == 404


@pytest.mark.parametrize("path", PAGES)
def test_guard_of_the_station_holds_for_its_reviews(started: Start, path: str) -> None:
    """Another name is refused, and each answer binds the browser."""
    line = started(review=True)
    assert line.web.get(path, headers={"host": "evil.example"}).status_code == 421
    headers = line.web.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("headers", [{"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_other_pages_review_nothing(started: Start, headers: dict[str, str]) -> None:
    """A form of another page in the same browser."""
    line = started(review=True)
    for path in ("/review/reviewer", "/review/cases/0123456789abcdef/reviews"):
        assert line.web.post(path, headers=headers, content=b"{}").status_code == 403


def test_reviews_need_the_secret_of_the_station(fake_server: FakeServer, tmp_path: Path, certificates: Path) -> None:
    """A browser is sent to the login, a program is refused; after the login the same pages open."""
    tls = {"ssl_certfile": certificates / "server.pem", "ssl_keyfile": certificates / "server.key"}
    access = Access(("127.0.0.1",), SECRET)
    with running(fake_server.address, tmp_path, access=access, review=True, **tls) as line:
        for path in PAGES:
            assert line.web.get(path).status_code == 401
        browser = {"accept": "text/html,*/*;q=0.8"}
        assert line.web.get("/review/", headers=browser).headers["location"] == "/login"
        assert line.web.post("/review/reviewer", data={"reviewer": "Ana"}, headers=browser).status_code == 401
        line.web.post("/login", data={"secret": SECRET.decode()})
        assert line.web.get("/review/").status_code == 200
