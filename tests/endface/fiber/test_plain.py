from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import pytest
from pytest import approx

from endface.fiber.coarse import shrink
from endface.fiber.locate import locate
from endface.fiber.plain import find_plain_disc

Draw = Callable[..., Any]

PICTURE = {"shape": (864, 1152), "center": (560.3, 410.8), "radii": (145.0, 145.0)}


@pytest.mark.parametrize("core", [60, 140, 250])
def test_plain_disc_is_found_at_one_gray_level(draw_face: Draw, core: int) -> None:
    """Its edge lies between the samples of the rays, also where the guess has its very center."""
    drawn = draw_face(**PICTURE, levels=(180, 100, core))

    found = find_plain_disc(drawn.gray, shrink(drawn.gray))

    assert found is not None
    assert found[1].ellipse.center_px == approx(drawn.center_px, abs=0.05)
    assert found[1].ellipse.radii_px == approx(drawn.radii_px, abs=0.1)
    assert found[0].ellipse.radii_px == approx((145 / 6, 145 / 6), abs=0.1)


@pytest.mark.parametrize(
    "face",
    [
        pytest.param({"levels": (180, 170, 60), "radii": (300.0, 300.0)}, id="dark-core-in-a-faint-cladding"),
        pytest.param({"levels": (180, 170, 60), "radii": (300.0, 300.0), "core_share": 0.8}, id="fiber-in-its-bore"),
        pytest.param({"center": (100.0, 410.8)}, id="cut-off"),
        pytest.param({"radii": (70.0, 70.0)}, id="small"),
        pytest.param({"levels": (60, 150, 180)}, id="brighter-than-the-ferrule"),
        pytest.param({"levels": (112, 100, 105)}, id="faint"),
        pytest.param({"blur_px": 25.0}, id="soft"),
    ],
)
def test_what_may_be_something_else_is_left_to_the_search(draw_face: Draw, face: dict[str, Any]) -> None:
    """A core, a bore, a part of a fiber or a disc of another kind needs more than one gray level."""
    drawn = draw_face(**(PICTURE | face))

    assert find_plain_disc(drawn.gray, shrink(drawn.gray)) is None


def test_line_along_the_rim_of_a_bright_disc_is_no_dark_disc(draw_face: Draw) -> None:
    """Behind the line the picture becomes brighter as well, but the disc is brighter than what is around it."""
    drawn = draw_face(**(PICTURE | {"levels": (60, 150, 180)}))
    cv2.circle(drawn.gray, (560, 411), 145, 10, 3, cv2.LINE_AA)

    assert find_plain_disc(drawn.gray, shrink(drawn.gray)) is None


def test_disc_beside_others_is_left_to_the_search(draw_face: Draw) -> None:
    """Of several discs the largest need not be the fiber."""
    drawn = draw_face(**PICTURE)
    for x in (200, 920):
        cv2.circle(drawn.gray, (x, 410), 140, 100, -1, cv2.LINE_AA)

    assert find_plain_disc(drawn.gray, shrink(drawn.gray)) is None


def test_dark_core_is_not_taken_for_the_cladding(draw_face: Draw) -> None:
    """Nothing stands out more than the core, but there is an edge around it."""
    drawn = draw_face(**(PICTURE | {"levels": (180, 160, 60), "radii": (300.0, 300.0)}))

    assert locate(drawn.gray).cladding.radii_px == approx(drawn.radii_px, abs=0.5)
