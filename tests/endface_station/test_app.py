"""The page's answers to programs, and to strangers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from endface.contract import MAX_IMAGE_BYTES
from endface_client.testing import FakeServer
from endface_station.station import Station
from endface_station.web.app import Access
from endface_station.web.guard import COOKIE, SHIFT_S, Login
from tests.endface_station.conftest import Running, picture, running

Start = Callable[..., Running]

SECRET = b"a secret of sixteen"


class Camera:
    """A camera whose pictures fail."""

    def __init__(self, _: Station) -> None:
        self.count = 0

    def take(self) -> tuple[bytes, str]:
        """The next picture."""
        self.count += 1
        return picture(self.count), "fail.png"

    def look(self) -> bytes:
        """What it sees now."""
        return b"jpeg"


def test_uploaded_picture_is_inspected_under_its_serial_number(started: Start) -> None:
    """A program sends the bytes, and says what they show."""
    line = started(fibers=4)
    query = {"name": "a.png", "serial": " A1\r\n", "fiber": "3"}
    answer = line.web.post("/pictures", params=query, content=picture(1))
    line.settle()

    assert (answer.status_code, answer.json()["fiber"]) == (202, 3)
    state = line.web.get("/state").json()
    assert {key: state[key] for key in ("serial", "fiber", "verdict", "faces", "next_fiber")} == {
        "serial": "A1",
        "fiber": 3,
        "verdict": "pass",
        "faces": [None, None, "pass", None],
        "next_fiber": 1,
    }


@pytest.mark.parametrize(
    ("query", "content", "said"),
    [
        ({}, b"", "the picture is empty"),
        ({}, b"<svg/>", "no PNG, JPEG, BMP or TIFF"),
        ({"serial": "A1", "fiber": "5"}, picture(1), "a number from 1 to 4"),
        ({"serial": "x" * 200}, picture(1), "at most 100"),
    ],
)
def test_refused_upload_is_a_sentence(started: Start, query: dict[str, str], content: bytes, said: str) -> None:
    """With status 422; nothing waits."""
    line = started(fibers=4)
    answer = line.web.post("/pictures", params=query, content=content)

    assert answer.status_code == 422
    assert said in answer.text
    assert line.station.waiting == 0


def test_refusal_in_a_batch_names_the_file(started: Start) -> None:
    """And says that those after it were not taken."""
    line = started(fibers=3)
    answer = line.web.post("/pictures", params={"name": "d.png", "goes_on": "true"}, content=b"")
    assert answer.status_code == 422
    assert "d.png was not taken, nor were the files after it" in answer.text


def test_upload_is_limited_before_it_is_read(started: Start) -> None:
    """By what it announces, and by what comes where it announces nothing."""
    line = started()

    def endless() -> Iterator[bytes]:
        for _ in range(MAX_IMAGE_BYTES // (1 << 20) + 2):
            yield b"\0" * (1 << 20)

    answer = line.web.post("/pictures", content=endless())
    assert (answer.status_code, "too large" in answer.text) == (422, True)
    caller = HTTPConnection(line.url.removeprefix("http://"))
    caller.putrequest("POST", "/pictures")
    caller.putheader("Content-Length", str(MAX_IMAGE_BYTES + 1))
    caller.endheaders()  # and no body: whoever waited for it would wait for ever
    assert caller.getresponse().status == 422
    caller.close()


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "", "a@127.0.0.1", "[::"]
)
def test_page_is_called_by_its_own_name_only(started: Start, host: str) -> None:
    """A name that was made to point here (DNS rebinding) gets nothing."""
    line = started()
    for path in ("/", "/state", "/events", "/static/station.js"):
        assert line.web.get(path, headers={"host": host}).status_code in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_pages_change_nothing(started: Start, headers: dict[str, str]) -> None:
    """A form or a script of another page in the same browser (CSRF)."""
    line = started()
    for path in ("/pictures", "/begin", "/select", "/finish", "/capture", "/login", "/logout"):
        assert line.web.post(path, headers=headers, content=picture(1)).status_code == 403


def test_every_answer_has_the_headers_that_bind_the_browser(started: Start) -> None:
    """No inline script or style, no other host, no frame."""
    line = started()
    for path in ("/", "/state", "/static/station.js", "/nothing"):
        headers = line.web.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers or "uvicorn" in headers["server"]


def test_page_asks_no_other_host(started: Start) -> None:
    """Plants are offline: all it needs is its own."""
    line = started()
    texts = [line.web.get(path).text for path in ("/", "/static/station.js", "/static/station.css", "/static/face.css")]
    assert {found for text in texts for found in re.findall(r"https?://[\w.]+", text)} <= {"http://www.w3.org"}


def test_form_that_is_too_long_is_refused(started: Start) -> None:
    """Before it is read."""
    assert started().web.post("/begin", data={"serial": "x" * 20_000}).status_code == 422


def test_station_that_others_may_call_needs_the_secret(
    fake_server: FakeServer, tmp_path: Path, certificates: Path
) -> None:
    """Without it nothing but the form; with it a cookie that scripts cannot read and other pages do not send."""
    tls = {"ssl_certfile": certificates / "server.pem", "ssl_keyfile": certificates / "server.key"}
    with running(fake_server.address, tmp_path, access=Access(("127.0.0.1",), SECRET), **tls) as line:
        web = line.web
        assert web.get("/").headers["location"] == "/login"
        for path in ("/state", "/events", "/pictures/" + "0" * 64 + ".jpg"):
            assert web.get(path).status_code == 401
        assert web.post("/pictures", content=picture(1)).status_code == 401
        wrong = web.post("/login", data={"secret": "wrong"})
        assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)
        cookie = web.post("/login", data={"secret": SECRET.decode()}).headers["set-cookie"].lower()
        assert all(word in cookie for word in ("httponly", "secure", "samesite=strict", "path=/"))
        assert web.get("/state").status_code == 200
        web.post("/logout")
        assert web.get("/state").status_code == 401
        bearer = {"authorization": f"Bearer {SECRET.decode()}"}
        assert web.post("/pictures", content=picture(1), headers=bearer).status_code == 202
        line.settle()


def test_cookie_that_was_made_up_opens_nothing(started: Start) -> None:
    """Nor does one whose time is over, or that another secret has sealed."""
    line = started(access=Access(("127.0.0.1",), SECRET))
    made_up = ("", ".", "9999999999.", "9999999999.00", "x.y", "\u00e9.z")
    for cookie in (*made_up, Login(b"another secret of mine").cookie(), Login(SECRET, lambda: 0.0).cookie()):
        assert line.web.get("/state", headers={"cookie": f"{COOKIE}={cookie}".encode()}).status_code == 401
    good = Login(SECRET, lambda: 1e9 * SHIFT_S).cookie()
    assert line.web.get("/state", headers={"cookie": f"{COOKIE}={good}"}).status_code == 200


def test_camera_is_released_by_the_page(started: Start) -> None:
    """Its picture goes into the queue like any other; a station without one says so."""
    line = started(camera=Camera)
    assert line.web.post("/capture").status_code == 202
    line.settle()
    assert [entry.values["name"] for entry in line.entries] == ["fail.png"]
    assert line.web.get("/live.jpg").content == b"jpeg"
    other = started("other").web
    assert "no camera" in other.post("/capture").text
    assert other.get("/live.jpg").status_code == 404


def test_texts_from_outside_are_escaped(started: Start) -> None:
    """In the page and in the regions that follow."""
    line = started(fibers=2)
    hostile = "<img src=x onerror=alert(1)>'\"&"
    line.web.post("/begin", data={"serial": hostile})
    line.web.post("/pictures", params={"name": hostile + ".fail.png"}, content=picture(1))
    line.settle()
    with line.web.stream("GET", "/events") as events:
        data = next(text for text in events.iter_lines() if text.startswith("data:"))

    for html in (line.web.get("/").text, *json.loads(data.removeprefix("data:")).values()):
        assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in line.web.get("/").text
    assert line.entries[0].values["serial"] == hostile


def test_answer_of_the_camera_comes_with_the_verdict(started: Start, fake_server: FakeServer) -> None:
    """So the page ignores a key that is pressed twice; a server that is away holds nobody up."""
    line = started(camera=Camera, fibers=4)
    line.web.post("/begin", data={"serial": "A1"})
    assert line.web.post("/capture").json()["fiber"] == 1
    assert len(line.entries) == 1
    assert line.web.post("/capture").json()["fiber"] == 1
    fake_server.__exit__()
    line.web.post("/capture")
    assert line.station.state.condition == "down"


@pytest.mark.parametrize(("fibers", "serials"), [(4, "connectors"), (1, "always")])
def test_picture_before_the_scan_asks_for_it(started: Start, fibers: int, serials: str) -> None:
    """The camera is not released, and an upload is refused; both go to the part that is scanned then."""
    cameras: list[Camera] = []

    def made(station: Station) -> Camera:
        cameras.append(Camera(station))
        return cameras[0]

    line = started(camera=made, fibers=fibers, serials=serials)
    refused = [line.web.post("/capture"), line.web.post("/pictures", content=picture(1))]
    refused += [line.web.post("/pictures", params={"serial": " "}, content=picture(1))]
    refused += [line.web.post("/begin", data={"serial": ""}), line.web.post("/select", data={"fiber": "1"})]
    assert [each.status_code for each in refused] == [422] * 5
    assert ["Scan the serial number of this connector first" in each.text for each in refused] == [True] * 5
    assert (cameras[0].count, line.station.waiting, line.web.get("/state").json()["serial"]) == (0, 0, None)

    line.web.post("/begin", data={"serial": "A1"})
    assert line.web.post("/capture").json()["serial"] == "A1"
    assert line.web.post("/pictures", content=picture(9)).json()["serial"] == "A1"


def test_picture_after_the_last_one_of_a_connector_asks_for_the_next_scan(started: Start) -> None:
    """Unless the operator chooses a fiber; no part without a serial number begins."""
    line = started(camera=Camera, fibers=2)
    for fiber in (1, 2):
        query = {"serial": "A1", "fiber": str(fiber)}
        line.web.post("/pictures", params=query, content=picture(fiber))
    line.settle()
    answer = line.web.post("/capture")
    assert (answer.status_code, "This connector has passed" in answer.text) == (422, True)
    line.web.post("/select", data={"fiber": "2"})
    assert line.web.post("/capture").json() | {"id": ""} == {"id": "", "serial": "A1", "fiber": 2}
    line.settle()
    assert {entry.values["serial"] for entry in line.entries} == {"A1"}


def test_picture_of_a_single_fiber_needs_no_serial_number(started: Start) -> None:
    """Unless the station is told to ask for it."""
    line = started(camera=Camera)
    assert line.web.post("/capture").json()["serial"] == ""


def test_picture_after_each_fiber_has_one_is_not_the_next_connectors(started: Start, fake_server: FakeServer) -> None:
    """With the server away nobody knows the verdicts: the next one needs a scan, or a fiber that is chosen."""
    fake_server.__exit__()
    line = started(camera=Camera, fibers=2)
    line.web.post("/begin", data={"serial": "A1"})
    answers = [line.web.post("/pictures", content=picture(number)) for number in range(3)]
    answers += [line.web.post("/capture")]
    assert [each.status_code for each in answers] == [202, 202, 422, 422]
    assert ["Each fiber has its picture" in each.text for each in answers[2:]] == [True] * 2
    assert "wait for the verdicts, or scan the next connector" in line.web.get("/").text
    assert line.web.get("/state").json()["next_fiber"] == 0
    several = line.web.post("/pictures", params={"goes_on": "true"}, content=picture(3))
    assert "Each fiber has its picture" in several.text
    line.web.post("/select", data={"fiber": "2"})
    assert line.web.post("/pictures", content=picture(4)).json()["fiber"] == 2
    line.web.post("/begin", data={"serial": "A2"})
    assert line.web.post("/pictures", content=picture(5)).json()["serial"] == "A2"
