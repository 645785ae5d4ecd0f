"""The page in a real browser, as an operator uses it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, expect

from endface_client.testing import FakeServer
from endface_station.intake.camera import SampleCamera
from endface_station.intake.folder import WatchedFolder
from endface_station.part import Attempt
from endface_station.station import Station
from endface_station.web.app import Access
from tests.endface_station.conftest import Running, by_name, picture, running
from tests.endface_station.test_cleaning import inspect
from tests.endface_station.test_shift import attempt
from tests.waiting import wait_until

Start = Callable[..., Running]
Open = Callable[..., Page]

expect.set_options(timeout=60_000)  # machines are busy, and comparing two pictures takes a second
LINE_PC: Final[ViewportSize] = {"width": 1280, "height": 800}


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Open]:
    """Open a page: ``open_page(url)``; an error of its scripts, or against its policy, fails the test."""
    problems: list[str] = []
    pages: list[Page] = []

    def opened(url: str, viewport: ViewportSize = LINE_PC, scheme: str = "dark") -> Page:
        page = browser.new_page(viewport=viewport, color_scheme=scheme)  # type: ignore[arg-type]
        pages.append(page)
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda line: problems.append(line.text) if "Content Security" in line.text else None)
        page.on("dialog", lambda dialog: (problems.append("a dialog"), dialog.dismiss()))
        page.goto(url)
        page.locator("body.ready").wait_for()
        return page

    yield opened
    for page in pages:
        page.close()
    assert problems == []


class NamedCamera:
    """A camera whose pictures have the names that the test puts down."""

    def look(self) -> bytes:
        """What it sees now."""
        _, jpeg = cv2.imencode(".jpg", np.full((48, 64), 120, np.uint8))
        return jpeg.tobytes()

    def __init__(self, _: Station) -> None:
        self.name = "clean.png"
        self.count = 0

    def take(self) -> tuple[bytes, str]:
        """The next picture."""
        self.count += 1
        return picture(self.count), self.name


@contextmanager
def with_camera(started: Start, **settings: object) -> Iterator[tuple[Running, NamedCamera]]:
    """A station and its camera."""
    cameras: list[NamedCamera] = []

    def made(station: Station) -> NamedCamera:
        cameras.append(NamedCamera(station))
        return cameras[0]

    yield started(camera=made, **settings), cameras[0]


@contextmanager
def with_samples(started: Start, fake_server: FakeServer, project: Path, **settings: object) -> Iterator[Running]:
    """A station with the played microscope, whose server judges as a real one does."""
    fake_server.answer = inspect
    yield started(camera=lambda station: SampleCamera(project / "samples", station.aim), **settings)


def scan(page: Page, serial: str) -> None:
    """Type as a scanner does."""
    page.keyboard.type(serial)
    page.keyboard.press("Enter")


def says(page: Page, word: str) -> None:
    """Wait until the verdict is that word."""
    shows(page, "#verdict h2", word)


def shows(page: Page, selector: str, text: str) -> None:
    """Wait until an element has that text; faster than ``expect``, which looks ten times a second at most."""
    page.locator(selector, has_text=re.compile(f"^{re.escape(text)}$")).wait_for()


def test_operator_works_through_a_shift_with_a_server_killed_in_between(
    open_page: Open, started: Start, fake_server: FakeServer
) -> None:
    """100 parts with a scanner, some failed and cleaned; nothing is lost, and the page says what happens."""
    dead = FakeServer(by_name)
    with with_camera(started) as (line, camera):
        page = open_page(line.url)
        for number in range(100):
            if number == 40:
                fake_server.__exit__()
            if number == 60:
                expect(page.locator("#status")).to_contain_text("20 waiting")
                dead = FakeServer(by_name, address=fake_server.address)
                dead.__enter__()
            scan(page, f"SN{number:04d}")
            shows(page, "#part h2", f"SN{number:04d}")
            is_bad = number % 10 == 3
            camera.name = "fail.png" if is_bad else "clean.png"
            page.keyboard.press("F4")
            if 40 <= number < 60:
                says(page, "WAIT")
                continue
            says(page, "FAIL" if is_bad else "PASS")
            if is_bad:
                expect(page.locator(".steps")).to_contain_text("then take the picture again")
                camera.name = "clean.png"
                page.keyboard.press("F4")
                says(page, "PASS")
        line.settle()
        expect(page.locator("#status")).to_contain_text("Server ready")
        expect(page.locator(".history li")).to_have_count(50)
        dead.__exit__()

    entries = line.entries
    scanned = list(dict.fromkeys(entry.values["serial"] for entry in entries))
    assert scanned == [f"SN{number:04d}" for number in range(100)]
    assert len(entries) == 100 + 8
    expect(page.locator(".numbers")).to_contain_text("90 %")


def test_operator_who_reads_nothing_finishes_a_connector(open_page: Open, started: Start) -> None:
    """Inspect, clean, inspect again, finish: twelve fibers with the keyboard alone."""
    with with_camera(started, fibers=12) as (line, camera):
        page = open_page(line.url)
        scan(page, "MPO1")
        for fiber in range(1, 13):
            expect(page.locator("#part button.next")).to_have_id(f"fiber{fiber}")
            for name, word in {3: [("fail.png", "FAIL")], 7: [("blur.png", "INVALID")]}.get(fiber, []):
                camera.name = name
                page.keyboard.press("F4")
                says(page, word)
                expect(page.locator("#part button.next")).to_have_id(f"fiber{fiber}")
            camera.name = "clean.png"
            page.keyboard.press("F4")
            expect(page.locator(f"#fiber{fiber}.pass")).to_be_visible()
        expect(page.locator("#part .badge")).to_contain_text("PASS")
        expect(page.locator(".steps")).to_contain_text("Scan the next connector")
        page.keyboard.press("F9")
        expect(page.locator("#part")).to_contain_text("No connector in progress")
    assert line.entries[-1].values["connector"]["verdict"] == "pass"


@pytest.mark.parametrize("focus", ["body", "#fibers", "#capture", "#theme", "#serial", "#fiber2"])
def test_scan_arrives_wherever_the_focus_is(open_page: Open, started: Start, focus: str) -> None:
    """Also with blanks in it; what stood in the field before is no part of it."""
    with with_camera(started, fibers=4) as (line, _):
        page = open_page(line.url)
        scan(page, "FIRST")
        expect(page.locator("#fiber2")).to_be_visible()
        page.locator(focus).focus()
        if focus == "#serial":
            page.keyboard.type("A7")
            page.wait_for_timeout(1100)  # a pause is what tells a person from a scanner
        scan(page, "7 SN-12/4")
        shows(page, "#part h2", "7 SN-12/4")
        assert line.web.get("/state").json()["fibers"] == 4
        assert not line.entries


def test_face_is_chosen_with_the_keyboard(open_page: Open, started: Start) -> None:
    """Arrow keys walk along the row, Enter chooses; the focus stays there when the row is drawn anew."""
    with with_camera(started, fibers=4) as (line, _):
        page = open_page(line.url)
        scan(page, "A100")
        page.locator("#fiber1").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.locator("#part button.next")).to_have_id("fiber3")
        expect(page.locator("#fiber3")).to_be_focused()
        page.keyboard.press("F4")
        expect(page.locator("#fiber3.pass")).to_be_visible()
    assert line.entries[0].values["report"]["meta"]["fiber"] == "3"


def test_pictures_are_dropped_and_opened(open_page: Open, started: Start, tmp_path: Path) -> None:
    """Several at once, each of another fiber in their order, though the first one fails."""
    line = started(fibers=4)
    page = open_page(line.url)
    scan(page, "A100")
    files = [tmp_path / f"{name}.png" for name in ("b.fail", "a")]
    for number, path in enumerate(files):
        path.write_bytes(picture(number))
    page.set_input_files("#files", files)
    expect(page.locator("#fiber2.pass")).to_be_visible()
    expect(page.locator("#fiber1.fail")).to_be_visible()
    page.locator("#fiber3").click()
    page.evaluate(
        """(bytes) => {
          const files = new DataTransfer();
          files.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
          for (const name of ["dragenter", "drop"])
            document.body.dispatchEvent(new DragEvent(name, { dataTransfer: files, bubbles: true, cancelable: true }));
        }""",
        list(picture(9)),
    )
    expect(page.locator("#fiber3.pass")).to_be_visible()
    line.settle()
    assert [entry.values["name"] for entry in line.entries] == ["b.fail.png", "a.png", "dropped.png"]


def test_bad_file_in_a_batch_shifts_no_other(open_page: Open, started: Start, tmp_path: Path) -> None:
    """Nothing after it is sent; the page names it, and asks for its fiber."""
    line = started(fibers=4)
    line.station.begin("A1")
    page = open_page(line.url)
    files = [tmp_path / f"{number}.png" for number in range(4)]
    for number, file in enumerate(files):
        file.write_bytes(b"" if number == 1 else picture(number))
    page.set_input_files("#files", files)
    page.locator("#refusal", has_text="1.png was not taken").wait_for()
    line.settle()
    assert [each.values["name"] for each in line.entries] == ["0.png"]
    assert line.station.aim() == ("A1", 2)


def test_folder_that_fills_while_the_page_is_closed(open_page: Open, started: Start, tmp_path: Path) -> None:
    """Everything is inspected, and shown by whichever page is opened next."""
    line, folder = started(fibers=4), tmp_path / "in"
    folder.mkdir()
    page = open_page(line.url)
    scan(page, "A100")
    shows(page, "#part h2", "A100")
    page.close()
    with WatchedFolder(folder, line.station.accept):
        for number, name in enumerate(("1.png", "2.fail.png")):
            (folder / f".{name}").write_bytes(picture(number))
            (folder / f".{name}").rename(folder / name)
            wait_until(lambda done=number + 1: len(line.entries) == done)
    page = open_page(line.url)

    says(page, "FAIL")
    expect(page.locator("#fiber1.pass")).to_be_visible()
    expect(page.locator("#fiber2.fail.next")).to_be_visible()


def test_two_stations_on_one_server_know_nothing_of_each_other(open_page: Open, started: Start) -> None:
    """Each page shows its own part."""
    lines = [started(name) for name in ("one", "two")]
    pages = [open_page(line.url) for line in lines]
    for number, (line, page) in enumerate(zip(lines, pages, strict=True)):
        scan(page, f"LINE{number}")
        shows(page, "#part h2", f"LINE{number}")
        line.web.post("/pictures", params={"name": ("fail.png", "clean.png")[number]}, content=picture(number))
    for page, word in zip(pages, ("FAIL", "PASS"), strict=True):
        says(page, word)


def test_two_pages_of_one_station_show_the_same(open_page: Open, started: Start) -> None:
    """The tablet at the microscope and the screen above it."""
    line = started()
    pages = [open_page(line.url) for _ in range(2)]
    scan(pages[0], "A100")
    for page in pages:
        shows(page, "#part h2", "A100")


def test_texts_from_outside_are_shown_and_never_run(open_page: Open, started: Start) -> None:
    """A serial number and a picture's name are what anyone may print on a label."""
    line = started()
    page = open_page(line.url)
    hostile = "<img src=x onerror=alert(1)><script>window.hacked=1</script>"
    scan(page, hostile)
    shows(page, "#part h2", hostile)
    line.web.post("/pictures", params={"name": f"{hostile} fail.png".replace("/", "")}, content=picture(1))
    says(page, "FAIL")
    scan(page, "A2")
    shows(page, "#part h2", "A2")

    assert page.evaluate("window.hacked") is None
    assert page.locator("main script, img[src=x]").count() == 0
    expect(page.locator(".history li").first).to_have_attribute("title", f"{hostile}: FAIL")


def test_station_that_ends_is_noticed_and_comes_back(open_page: Open, fake_server: FakeServer, tmp_path: Path) -> None:
    """An old verdict is never taken for a new one."""
    with running(fake_server.address, tmp_path) as line:
        page = open_page(line.url)
        line.web.post("/pictures", content=picture(1))
        says(page, "PASS")
        port = int(line.url.rpartition(":")[2])
    expect(page.locator("#lost")).to_be_visible()
    expect(page.locator("body.old")).to_be_visible()
    with running(fake_server.address, tmp_path, port=port):
        expect(page.locator("#lost")).to_be_hidden()
        page.close()


def test_operator_logs_in_on_another_screen(
    browser: Browser, fake_server: FakeServer, tmp_path: Path, certificates: Path
) -> None:
    """Once; then the page works as on the line PC, and no script can read the cookie."""
    tls = {"ssl_certfile": certificates / "server.pem", "ssl_keyfile": certificates / "server.key"}
    access = Access(("127.0.0.1",), b"a secret of sixteen letters")
    with (
        running(fake_server.address, tmp_path, access=access, **tls) as line,
        browser.new_context(ignore_https_errors=True) as context,
    ):
        page = context.new_page()
        page.goto(line.url)
        assert Axe().run(page).response["violations"] == []
        page.keyboard.type("not the secret")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_have_text("That is not the secret.")
        page.get_by_label("Secret").fill("a secret of sixteen letters")
        page.keyboard.press("Enter")
        page.locator("body.ready").wait_for()
        scan(page, "A100")
        shows(page, "#part h2", "A100")
        assert page.evaluate("document.cookie") == ""
        assert Axe().run(page).response["violations"] == []
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_label("Secret")).to_be_visible()


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_page_is_accessible(open_page: Open, started: Start, fake_server: FakeServer, scheme: str) -> None:
    """Axe finds nothing, whatever the verdict, with a server or without."""
    found: dict[str, list[str]] = {}
    with with_camera(started, fibers=12) as (line, camera):
        page = open_page(line.url, scheme=scheme)

        def look(state: str) -> None:
            results = Axe().run(page)
            found[state] = [f"{each['id']}: {each['nodes'][0]['html']}" for each in results.response["violations"]]

        look("ready")
        scan(page, "A100")
        for name, word in (("clean.png", "PASS"), ("fail.png", "FAIL"), ("blur.png", "INVALID")):
            camera.name = name
            page.keyboard.press("F4")
            says(page, word)
            look(word)
        fake_server.__exit__()
        page.keyboard.press("F4")
        says(page, "WAIT")
        expect(page.locator("#status")).to_contain_text("down")
        look("down")
    assert found == {state: [] for state in found}


@pytest.mark.parametrize("size", [(1280, 800), (1024, 768), (800, 1280), (768, 1024)])
def test_verdict_is_read_from_three_metres_on_every_screen(
    open_page: Open, started: Start, size: tuple[int, int]
) -> None:
    """A word, a sign and a color, large, and nothing is cut off."""
    with with_camera(started, fibers=12) as (line, camera):
        page = open_page(line.url, {"width": size[0], "height": size[1]})
        scan(page, "A100")
        camera.name = "blur.png"
        page.keyboard.press("F4")
        says(page, "INVALID")
        letters_px = page.evaluate("parseFloat(getComputedStyle(document.querySelector('#verdict h2')).fontSize)")
        word = page.locator("#verdict h2").bounding_box()
        banner = page.locator(".banner").bounding_box()

        assert letters_px >= 64
        assert word
        assert banner
        assert banner["x"] <= word["x"]
        assert word["x"] + word["width"] <= banner["x"] + banner["width"] <= size[0]
        expect(page.locator(".banner .shape")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
        if size == (1280, 800):
            assert page.evaluate("document.documentElement.scrollHeight") <= size[1]


def test_page_does_not_grow_in_a_long_shift(open_page: Open, started: Start) -> None:
    """Thousands of parts, as fast as the page takes them: as many nodes as in the beginning, and no more memory."""
    line = started(fibers=2)
    page = open_page(line.url)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def work(parts: range) -> None:
        for number in parts:
            with line.station.lock:
                part = line.station.shift.begin(f"SN{number:06d}")
            for fiber in (1, 2):
                each: Attempt = attempt(2 * number + fiber, ("pass", "fail", "invalid")[number % 3])
                with line.station.lock:
                    line.station.shift.add(part, fiber, each)
                line.station.on_change()
            if number % 12 == 0:  # the page draws each of them
                shows(page, "#part h2", f"SN{number:06d}")

    def measure() -> tuple[float, float]:
        session.send("HeapProfiler.collectGarbage")
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        return metrics["Nodes"], metrics["JSHeapUsedSize"]

    work(range(120))
    nodes, heap = measure()
    threads = threading.active_count()
    work(range(120, 1201))
    nodes_after, heap_after = measure()

    assert nodes_after <= 1.2 * nodes
    assert heap_after <= 1.5 * heap
    assert threading.active_count() <= threads + 2
    assert len(line.station.shift.last()) == 50


def test_camera_is_seen_live_until_its_picture_is_judged(open_page: Open, started: Start) -> None:
    """Large before the first picture, to focus; then small beside the face, and large again when asked for."""
    with with_camera(started, fibers=4) as (line, camera):
        page = open_page(line.url)
        live, eye = page.locator("#live"), page.locator(".eye")
        expect(live.locator("img")).to_have_js_property("naturalWidth", 64)
        wait_until(lambda: live.bounding_box() == eye.bounding_box())
        scan(page, "A100")
        for _ in range(2):
            page.keyboard.press("F4")
            says(page, "PASS")
            wait_until(lambda: (live.bounding_box() or {})["width"] < 130)
            page.keyboard.press("F6")
            wait_until(lambda: live.bounding_box() == eye.bounding_box())
    assert camera.count == 2


def test_number_of_fibers_is_chosen_on_the_page(open_page: Open, started: Start) -> None:
    """It holds for the connector in progress and the next ones; one that was inspected before keeps its own."""
    line = started()
    page = open_page(line.url)
    page.select_option("#fibers", "2")
    scan(page, "A100")
    expect(page.locator("#part button")).to_have_count(2)
    line.web.post("/pictures", content=picture(1))
    expect(page.locator("#fiber1.pass")).to_be_visible()
    page.select_option("#fibers", "4")
    expect(page.locator("#part button")).to_have_count(4)
    line.web.post("/pictures", content=picture(2))
    expect(page.locator("#fiber2.pass")).to_be_visible()
    scan(page, "A101")
    page.select_option("#fibers", "12")
    expect(page.locator("#part button")).to_have_count(12)
    scan(page, "A100")
    expect(page.locator("#part button")).to_have_count(4)
    expect(page.locator("#fibers")).to_have_value("4")


def test_marks_that_decide_stand_out(open_page: Open, started: Start) -> None:
    """The scratch of the failed face does, the pit that the limits allow does not."""
    line = started()
    page = open_page(line.url)
    line.web.post("/pictures", params={"name": "fail.png"}, content=picture(1))
    says(page, "FAIL")
    expect(page.locator("#face .defect")).to_have_count(3)
    expect(page.locator("#face .defect.lit")).to_have_attribute("data-id", "2")
    expect(page.locator(".reason")).to_contain_text("Zone B: scratch, 5.0 µm")


def test_scan_that_a_loading_page_has_missed_in_part_is_dropped(open_page: Open, started: Start) -> None:
    """A serial number without its beginning is another part's; the operator scans again."""
    line = started()
    page = open_page(line.url)
    page.reload(wait_until="commit")
    scan(page, "SN12345")
    page.locator("body.ready").wait_for()
    assert line.web.get("/state").json()["serial"] in (None, "SN12345")
    scan(page, "SN12345")
    shows(page, "#part h2", "SN12345")


def test_operator_cleans_until_the_face_passes(
    open_page: Open, started: Start, fake_server: FakeServer, project: Path
) -> None:
    """The page tells in large words and in the picture what is gone, has stayed, is new; axe finds nothing in it."""
    with with_samples(started, fake_server, project, fibers=12, review=True) as line:
        page = open_page(line.url)
        scan(page, "MPO1")
        expect(page.locator("#fiber3")).to_be_visible()
        page.locator("#fiber3").click()
        page.keyboard.press("F4")
        says(page, "FAIL")
        expect(page.locator("#verdict .cleaning")).to_have_count(0)
        page.locator("#fiber3").click()
        page.keyboard.press("F4")
        page.locator("#verdict .cleaning .gone").wait_for()

        expect(page.locator("#verdict .cleaning")).to_contain_text("4 stayed")
        expect(page.locator("#verdict .cleaning")).to_contain_text("1 new")
        expect(page.locator("#verdict .cleaning b")).to_have_text("clean again")
        expect(page.locator(".steps")).to_contain_text("Clean the face")
        for box in ("#verdict h2", ".cleaning", ".steps"):
            expect(page.locator(box).first).to_be_in_viewport(ratio=1)
        letters = "(element) => parseFloat(getComputedStyle(element).fontSize)"
        assert page.locator(".states").evaluate(letters) >= 24
        assert page.locator("#verdict h2").evaluate(letters) >= 64
        dashes = page.locator("#face .ghost").first.evaluate("(mark) => getComputedStyle(mark).strokeDasharray")
        assert dashes != "none"
        expect(page.locator("#face .fresh")).to_have_count(1)
        results = Axe().run(page)
        assert [each["id"] for each in results.response["violations"]] == []
        page.keyboard.press("F4")
        says(page, "PASS")
        expect(page.locator("#verdict .cleaning")).to_contain_text("2 of 5 marks gone")


def test_engineer_reviews_a_case_of_the_station(open_page: Open, started: Start) -> None:
    """Beside the station, under its own policy; the count on the page goes down."""
    line = started(review=True)
    page = open_page(line.url)
    line.web.post("/pictures", params={"name": "fail.png", "serial": "A1"}, content=picture(1))
    expect(page.locator("#review b")).to_have_text("1")
    with page.context.expect_page() as opened:
        page.locator("#review a").click()
    review = opened.value
    said: list[str] = []
    review.on("console", lambda text: said.append(text.text))
    review.fill("#reviewer", "Ana")
    review.keyboard.press("Enter")
    expect(review.locator("#reviewer")).to_have_value("Ana")
    review.locator(".cards a").first.click()
    review.locator("h1, header").first.wait_for()
    expect(review.get_by_role("button", name="Right")).to_be_enabled()
    review.locator("#list li").first.wait_for()  # the script has run
    review.keyboard.press("r")
    expect(review.locator("body")).to_contain_text("Nothing is left to review here")
    review.close()
    line.station.on_change()
    expect(page.locator("#review b")).to_have_count(0)
    assert [text for text in said if "Content Security" in text] == []


def test_serial_number_scanned_while_the_station_is_away_begins_when_it_is_back(
    open_page: Open, fake_server: FakeServer, tmp_path: Path
) -> None:
    """It stays on the page, no picture goes to the older part, and the server's state is unknown meanwhile."""
    with running(fake_server.address, tmp_path) as line:
        page = open_page(line.url)
        scan(page, "OLD1")
        shows(page, "#part h2", "OLD1")
        port = int(line.url.rpartition(":")[2])
    expect(page.locator("#lost")).to_be_visible()
    scan(page, "NEW2")
    expect(page.locator("#pending")).to_contain_text("NEW2")
    expect(page.locator("#refusal")).to_be_hidden()
    expect(page.locator("#status")).to_be_hidden()
    expect(page.locator("#unknown")).to_contain_text("? Server unknown")
    with running(fake_server.address, tmp_path, port=port):
        shows(page, "#part h2", "NEW2")
        for alarm in ("#pending", "#lost", "#refusal", "#unknown"):
            expect(page.locator(alarm)).to_be_hidden()
        expect(page.locator("#status")).to_be_visible()
        page.close()


def test_serial_number_that_the_disk_does_not_take_begins_once_there_is_room(
    open_page: Open, started: Start, tmp_path: Path
) -> None:
    """It stays on the page, which says why."""
    line = started()
    in_the_way = tmp_path / "station" / "queue" / "in-progress.json"
    in_the_way.mkdir()
    page = open_page(line.url)
    scan(page, "NEW2")
    expect(page.locator("#pending")).to_contain_text("NEW2")
    expect(page.locator("#refusal")).to_contain_text("NEW2 cannot be kept")
    in_the_way.rmdir()
    line.station.on_change()
    shows(page, "#part h2", "NEW2")
    expect(page.locator("#pending")).to_be_hidden()
    expect(page.locator("#refusal")).to_be_hidden()


def test_serial_number_that_was_not_sent_outlives_a_reload(
    open_page: Open, fake_server: FakeServer, tmp_path: Path
) -> None:
    """Whoever reloads a page of a station that is away scans nothing twice."""
    with running(fake_server.address, tmp_path) as line:
        page = open_page(line.url)
        port = int(line.url.rpartition(":")[2])
    scan(page, "NEW2")
    expect(page.locator("#pending")).to_contain_text("NEW2")
    page.goto("about:blank")
    with running(fake_server.address, tmp_path, port=port):
        page.goto(line.url)
        shows(page, "#part h2", "NEW2")
        expect(page.locator("#pending")).to_be_hidden()
        page.reload()
        page.locator("body.ready").wait_for()
        assert page.evaluate("sessionStorage.getItem('endface-pending')") == ""
        page.close()


def test_picture_before_the_scan_asks_for_it(open_page: Open, started: Start) -> None:
    """In a sentence of its own language; the camera is not released, and the next picture after the scan is taken."""
    with with_camera(started, fibers=2) as (line, camera):
        page = open_page(line.url)
        for name in ("A1", "A2"):
            page.keyboard.press("F4")
            expect(page.locator("#refusal")).to_contain_text("picture was taken.")
            scan(page, name)
            shows(page, "#part h2", name)
            expect(page.locator("#refusal")).to_be_hidden()
            for fiber in (1, 2):
                page.keyboard.press("F4")
                expect(page.locator(f"#fiber{fiber}.pass")).to_be_visible()
        assert camera.count == 4
    assert [entry.values["serial"] for entry in line.entries] == ["A1", "A1", "A2", "A2"]


def test_fiber_is_chosen_from_the_empty_serial_field(open_page: Open, started: Start) -> None:
    """The focus is there; arrows walk along the row, Enter chooses."""
    with with_camera(started, fibers=4) as (line, _):
        page = open_page(line.url)
        scan(page, "A100")
        expect(page.locator("#fiber2")).to_be_visible()
        expect(page.locator("#serial")).to_be_focused()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Enter")
        expect(page.locator("#part button.next")).to_have_id("fiber2")
        page.locator("#serial").focus()
        page.keyboard.type("B")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#serial")).to_be_focused()


def test_last_parts_are_all_seen_on_a_narrow_line_pc(open_page: Open, started: Start) -> None:
    """Fifty of them at 1180 pixels: none is cut off on the right."""
    line = started()
    for number in range(50):
        with line.station.lock:
            part = line.station.shift.begin(f"SN{number}")
            line.station.shift.add(part, 1, attempt(number, "pass"))
    page = open_page(line.url, {"width": 1180, "height": 820})
    expect(page.locator(".history li")).to_have_count(50)
    assert page.evaluate(
        "(() => { const row = document.querySelector('.history ol'); return row.scrollWidth <= row.clientWidth; })()"
    )
    last = page.locator(".history li").last.bounding_box()
    assert last
    assert last["x"] + last["width"] <= 1180
