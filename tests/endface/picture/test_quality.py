from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import approx

from endface.picture.quality import measure_quality

Draw = Callable[..., Any]


@pytest.fixture
def draw_square(draw_face: Draw) -> Callable[..., NDArray[np.uint8]]:
    """Draw a square of 0.5 um per pixel with a cladding in its middle, blurred by micrometers."""

    def draw(blur_um: float, *, noise: float = 1.0, cladding_um: float = 125.0, **face: Any) -> NDArray[np.uint8]:
        radius_px = cladding_um
        drawn = draw_face(
            shape=(512, 512),
            center=(255.5, 255.5),
            radii=(radius_px, radius_px),
            blur_px=blur_um / 0.5,
            noise=noise,
            **face,
        )
        gray: NDArray[np.uint8] = drawn.gray
        return gray

    return draw


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("blur_um", [0.3, 0.45, 0.6, 0.8, 1.0, 1.3])
def test_blur_is_that_of_the_drawing(draw_square: Draw, blur_um: float, noise: float) -> None:
    """Over the whole range in which verdicts are given, with a camera's noise or without."""
    assert measure_quality(draw_square(blur_um, noise=noise), 125.0).blur_um == approx(blur_um, abs=0.05)


@pytest.mark.parametrize("levels", [(60, 120, 120), (180, 160, 120), (180, 30, 250)])
def test_blur_depends_on_no_gray_level(draw_square: Draw, levels: tuple[float, float, float]) -> None:
    """The ferrule may be the darker one, the edge faint, the core bright."""
    assert measure_quality(draw_square(0.6, levels=levels), 125.0).blur_um == approx(0.6, abs=0.06)


def test_sharp_edge_has_next_to_no_blur(draw_square: Draw) -> None:
    """A step from pixel to pixel is as sharp as the square can be."""
    assert measure_quality(draw_square(0.0), 125.0).blur_um < 0.2


@pytest.mark.parametrize("blur_um", [2.0, 3.0, 6.0])
def test_soft_edge_is_never_taken_for_a_sharp_one(draw_square: Draw, blur_um: float) -> None:
    """Far out of focus the number is only a bound, and beyond all that is judged."""
    assert measure_quality(draw_square(blur_um), 125.0).blur_um > 1.6


def test_larger_cladding_is_looked_at_where_it_ends(draw_square: Draw) -> None:
    """A fiber of 140 um has its rim outside that of one of 125 um."""
    assert measure_quality(draw_square(0.8, cladding_um=140.0), 140.0).blur_um == approx(0.8, abs=0.05)


@pytest.mark.parametrize("noise", [1.0, 2.0, 4.0])
def test_noise_is_that_of_the_drawing(draw_square: Draw, noise: float) -> None:
    """Marks, rings and the core's edge do not count as noise; rounding to gray levels adds a third of one."""
    gray = draw_square(0.5, noise=noise)
    cv2.circle(gray, (255, 255), 60, 40, 2)

    assert measure_quality(gray, 125.0).noise_levels == approx(np.hypot(noise, 0.3), rel=0.12)


def test_square_without_any_edge_is_as_soft_as_can_be() -> None:
    """Where nothing is to be seen nothing is sharp."""
    quality = measure_quality(np.full((512, 512), 120, np.uint8), 125.0)

    assert quality.blur_um > 1.6
    assert quality.noise_levels == 0
