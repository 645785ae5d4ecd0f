"""The pictures of docs/station.md: ``python -m tests.endface_station.pictures docs`` takes them anew.

A played microscope shows the samples, this process inspects them, and Chromium shows the page.
"""

from __future__ import annotations

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from endface_client.testing import FakeServer
from endface_station.intake.camera import SampleCamera
from tests.endface_station.conftest import ARGUMENTS, CHROMIUM, running
from tests.endface_station.test_cleaning import inspect
from tests.endface_station.test_page import LINE_PC, scan, shows
from tests.waiting import wait_until

_SAMPLES: Final = Path(__file__).parents[2] / "samples"
_GRAYS: Final = 48
_COLORS: Final = 160


def take(folder: Path) -> None:
    """Take the pictures, and write them into a folder."""
    with (
        FakeServer(inspect) as server,
        tempfile.TemporaryDirectory() as data,
        running(server.address, Path(data), fibers=12, camera=lambda each: SampleCamera(_SAMPLES, each.aim)) as line,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport=LINE_PC, color_scheme="dark")
        page.goto(line.url)
        page.locator("body.ready").wait_for()
        scan(page, "MPO-000416")
        for word in ("PASS", "PASS", "FAIL", "FAIL", *["PASS"] * 4, "INVALID", *["PASS"] * 6):
            _press(page, word)
        scan(page, "MPO-000417")
        for word in ("PASS", "PASS", "FAIL"):
            _press(page, word)
        _write(page, folder / "station-fail.png")
        _press(page, "FAIL")
        page.locator(".cleaning .gone").wait_for()
        _write(page, folder / "station-cleaned.png")
        for word in ("PASS", *["PASS"] * 3, "INVALID"):
            _press(page, word)
        page.set_viewport_size({"width": 800, "height": 1280})
        _write(page, folder / "station-tablet.png")
        page.set_viewport_size(LINE_PC)
        for word in ("PASS", *["PASS"] * 5):
            _press(page, word)
        _write(page, folder / "station-pass.png")
        browser.close()


def _press(page: Page, word: str) -> None:
    """Take a picture, and wait for its verdict."""
    with page.expect_response("**/capture"):
        page.keyboard.press("F4")
    shows(page, "#verdict h2", word)


def _write(page: Page, path: Path) -> None:
    """Write what the page shows, in few grays and colors: a quarter of the bytes."""
    wait_until(lambda: page.evaluate("[...document.querySelectorAll('#part img')].every((image) => image.complete)"))
    with Image.open(BytesIO(page.screenshot())) as shot:
        rgb = np.asarray(shot.convert("RGB"))
    colored = rgb[np.ptp(rgb, axis=2) > 10]
    colors = Image.fromarray(colored[None]).quantize(_COLORS, dither=Image.Dither.NONE).getpalette() or []
    grays = [level for gray in np.linspace(0, 255, _GRAYS).astype(int) for level in (gray,) * 3]
    palette = Image.new("P", (1, 1))
    palette.putpalette(colors[: 3 * _COLORS] + grays)
    Image.fromarray(rgb).quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")  # noqa: T201 - a command


if __name__ == "__main__":
    take(Path(sys.argv[1]))
