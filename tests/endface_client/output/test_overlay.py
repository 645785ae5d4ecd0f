"""The report drawn on its picture."""

from __future__ import annotations

import dataclasses
from typing import Literal

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.report import Calibration, Report, Scope
from endface_client.output.overlay import Canvas, gray_levels, overlay_png
from endface_client.output.palette import DEFECT_COLORS, VERDICT_COLORS

BANNER_ROW = 5
"""A row of pixels in the banner above its first line of text."""


def drawn(data: bytes, report: Report) -> NDArray[np.uint8]:
    """The overlay as uint8 (H, W, 3) in red, green, blue."""
    sheet = cv2.imdecode(np.frombuffer(overlay_png(gray_levels(data), report), np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(sheet[:, :, ::-1])


def picture_part(sheet: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """The picture within the sheet: below the banner, above the legend of 48 rows (40 at 1000 pixels width)."""
    return sheet[-height - 48 : -48]


def shows(pixels: NDArray[np.uint8], color: tuple[int, int, int]) -> bool:
    """Whether some of a row's pixels (N, 3) have a color, but for a line's smooth edge."""
    return bool((np.abs(pixels.astype(int) - color).max(axis=1) < 50).any())


def test_a_defect_is_outlined_in_the_color_of_its_type(found: Report, gray_png: bytes) -> None:
    """The outline runs a few pixels off the defect's edge, and the defect itself stays the camera's."""
    picture = picture_part(drawn(gray_png, found), 1000)

    assert shows(picture[405, 575:578], DEFECT_COLORS["scratch"])
    assert shows(picture[815, 995:998], DEFECT_COLORS["contamination"])
    assert (picture[801:830, 1001:1030] == 128).all()


def test_a_tiny_defect_is_ringed_and_left_visible(found: Report, gray_png: bytes) -> None:
    """A pit of three pixels keeps its pixels; a ring in its color stands around it."""
    picture = picture_part(drawn(gray_png, found), 1000)

    assert np.abs(picture[390:393, 480:483].astype(int) - 128).max() < 10
    assert shows(picture[391, 475:478], DEFECT_COLORS["pit"])
    assert shows(picture[391, 485:488], DEFECT_COLORS["pit"])


def test_a_hole_in_a_defect_is_outlined_as_well(found: Report, gray_png: bytes) -> None:
    """A ring of residue shows the clean part in its middle as clean."""
    residue = found.defects[2]
    outer = ((900.0, 700.0), (1000.0, 700.0), (1000.0, 800.0), (900.0, 800.0))
    inner = ((920.0, 720.0), (980.0, 720.0), (980.0, 780.0), (920.0, 780.0))
    ring = dataclasses.replace(residue, bbox_px=(900, 700, 101, 101), polygon_px=(outer, inner))
    picture = picture_part(drawn(gray_png, dataclasses.replace(found, defects=(ring,))), 1000)

    assert shows(picture[750, 895:898], DEFECT_COLORS["contamination"])
    assert shows(picture[750, 924:927], DEFECT_COLORS["contamination"])
    assert (picture[740:760, 940:960] == 128).all()


@pytest.mark.parametrize(
    ("um_per_px", "column", "row"),
    [
        ((0.5, 0.5), 500 - 65, 400),
        ((0.5, 0.5), 500 - 115, 400),
        ((0.5, 0.5), 500 - 250, 400),
        ((0.5, 0.625), 500 - 250, 400),
        ((0.5, 0.625), 500, 400 - 200),  # oblong pixels: zones are ellipses
    ],
)
def test_zone_bounds_are_drawn_at_their_diameters(
    found: Report, gray_png: bytes, um_per_px: tuple[float, float], column: int, row: int
) -> None:
    """By the scale of each axis: a zone of 65 um ends 65 pixels from the centre at 0.5 um a pixel."""
    scaled = dataclasses.replace(found, calibration=Calibration(um_per_px, "cladding"))
    picture = picture_part(drawn(gray_png, scaled), 1000).astype(int)

    assert picture[row, column].min() > 150
    assert (picture[row + 4 * (row < 400), column + 4 * (row == 400)] == 128).all()


@pytest.mark.parametrize("verdict", ["pass", "fail"])
def test_the_banner_has_the_color_of_the_verdict(
    found: Report, gray_png: bytes, verdict: Literal["pass", "fail"]
) -> None:
    """Green and red can be told from across the room."""
    zones = tuple(dataclasses.replace(zone, verdict=verdict) for zone in found.zones)
    sheet = drawn(gray_png, dataclasses.replace(found, verdict=verdict, zones=zones))

    assert tuple(sheet[BANNER_ROW, 5]) == VERDICT_COLORS[verdict]


def test_the_banner_says_the_scope(found: Report, gray_png: bytes) -> None:
    """Where it is not all of the profile's; only the banner differs."""
    confined = dataclasses.replace(found, scope=Scope(("A", "B"), ("C", "D")))
    whole = dataclasses.replace(found, scope=Scope(("A", "B", "C", "D")))
    plain, sheet, same = (drawn(gray_png, report) for report in (found, confined, whole))

    rows = np.flatnonzero((plain != sheet).any(axis=(1, 2)))
    assert len(rows)
    assert rows.max() < 2 * BANNER_ROW + 100
    assert (plain == same).all()


def test_a_picture_that_could_not_be_judged_gets_an_amber_banner(refused: Report, gray_png: bytes) -> None:
    """An invalid picture is never green, and shows nothing but itself below; bytes that are none have their banner."""
    sheets = [drawn(data, refused) for data in (gray_png, b"no picture")]

    assert {tuple(sheet[BANNER_ROW, 5]) for sheet in sheets} == {VERDICT_COLORS["invalid"]}
    assert (sheets[0][-1000:] == 128).all()


def test_a_small_picture_is_shown_at_twice_its_size() -> None:
    """Below 1000 pixels the numbers would hide the picture."""
    _, png = cv2.imencode(".png", np.zeros((480, 640), np.uint8))
    canvas = Canvas.of(gray_levels(png.tobytes()))

    assert canvas.rgb.shape == (960, 1280, 3)
    np.testing.assert_allclose(canvas.at(np.array([[0.0, 0.0], [10.0, 20.0]])), [[0.5, 0.5], [20.5, 40.5]])


def test_sixteen_bit_pictures_are_shown_as_they_were_judged() -> None:
    """The overlay scales a 16-bit picture as the decoder does."""
    _, png = cv2.imencode(".png", np.full((1000, 1200), 0x8000, np.uint16))

    assert (Canvas.of(gray_levels(png.tobytes())).rgb == 0x80).all()


def test_hundreds_of_defects_do_not_bury_the_picture(found: Report, gray_png: bytes) -> None:
    """However many there are, most of the picture stays what the camera saw."""
    pit = found.defects[0]
    pits = [
        dataclasses.replace(pit, id=index, bbox_px=(20 + 50 * (index % 23), 20 + 50 * (index // 23), 3, 3))
        for index in range(400)
    ]
    picture = picture_part(drawn(gray_png, dataclasses.replace(found, defects=tuple(pits))), 1000)

    assert (picture == 128).all(axis=2).mean() > 0.8


def test_a_name_that_is_too_long_does_not_break_the_banner(found: Report, gray_png: bytes) -> None:
    """Names and reasons of any length are cut or wrapped; the picture is neither enlarged nor shrunk."""
    image = dataclasses.replace(found.image, name="x" * 5000)
    reasons = ("y" * 5000, "word " * 500)

    assert drawn(gray_png, dataclasses.replace(found, image=image, reasons=reasons)).shape[1] == 1200
