from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import approx

from endface.fiber.step import fit_bright_disc
from endface.report import Ellipse

GUESS = Ellipse((303.0, 248.0), (98.0, 103.0))


def _disc(inside: int, outside: int, blur_px: float) -> NDArray[np.uint8]:
    """A disc of a radius of 100 pixels around (300, 250)."""
    gray = np.full((480, 640), outside, np.uint8)
    cv2.circle(gray, (300, 250), 100, inside, -1, cv2.LINE_AA)
    return np.asarray(cv2.GaussianBlur(gray, (0, 0), blur_px), np.uint8)


def test_bright_disc_is_where_its_light_ends() -> None:
    """The light along each ray says where a sharp step would be."""
    found = fit_bright_disc(_disc(150, 40, 2.0), GUESS, reach=0.09)

    assert found is not None
    assert found.ellipse.center_px == approx((300, 250), abs=0.5)
    assert found.ellipse.radii_px == approx((100, 100), abs=1.0)
    assert found.levels == approx(-110, abs=3)


@pytest.mark.parametrize(
    "gray",
    [
        pytest.param(_disc(200, 40, 15.0), id="glare that fades out slowly"),
        pytest.param(_disc(40, 150, 2.0), id="dark disc"),
        pytest.param(_disc(43, 40, 2.0), id="hardly brighter"),
    ],
)
def test_other_light_is_no_disc(gray: NDArray[np.uint8]) -> None:
    """Glare has no edge; a dark disc has one that can be followed."""
    assert fit_bright_disc(gray, GUESS, reach=0.09) is None
