from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest import approx

from endface.picture.picture import Picture, Rect
from endface.picture.square import Placement, resample

PLACEMENTS = st.builds(
    Placement,
    st.tuples(st.floats(-100, 2000), st.floats(-100, 2000)),
    st.tuples(st.floats(0.1, 1.0), st.floats(0.1, 1.0)),
)


@given(PLACEMENTS, st.lists(st.tuples(st.floats(-600, 1200), st.floats(-600, 1200)), min_size=1, max_size=5))
def test_square_and_camera_coordinates_are_inverse(placement: Placement, points: list[tuple[float, float]]) -> None:
    """There and back again is the same point."""
    square_xy = np.array(points)

    assert placement.to_square(placement.to_camera(square_xy)) == approx(square_xy, abs=1e-6)


@given(PLACEMENTS)
def test_fibers_center_lies_in_the_middle_of_the_square(placement: Placement) -> None:
    """The square is centered on the fiber, half a micrometer a pixel in both directions."""
    center = np.array([placement.center_px])
    step_px = np.array([[10 / placement.um_per_px[0], -20 / placement.um_per_px[1]]])

    assert placement.to_square(center) == approx(np.array([[255.5, 255.5]]))
    assert placement.to_square(center + step_px) == approx(np.array([[255.5 + 20, 255.5 - 40]]))


@pytest.mark.parametrize("um_per_px", [(0.6, 0.55), (0.43, 0.43), (0.2, 0.25), (0.15, 0.15)])
def test_resampled_fiber_is_round_and_centered(draw_face: Callable[..., Any], um_per_px: tuple[float, float]) -> None:
    """Non-square and fine pixels alike give a round fiber of 125 um in the middle of the square."""
    radii = (62.5 / um_per_px[0], 62.5 / um_per_px[1])
    shape = (int(radii[1] * 4.3), int(radii[0] * 4.3))
    drawn = draw_face(shape=shape, center=(shape[1] / 2 + 3.3, shape[0] / 2 - 2.7), radii=radii, core_share=0, noise=0)

    square = resample(Picture(drawn.gray), Placement(drawn.center_px, um_per_px))

    inside = square < 140
    y, x = np.nonzero(inside)
    assert square.shape == (512, 512)
    assert square.dtype == np.uint8
    assert (x.mean(), y.mean()) == approx((255.5, 255.5), abs=0.1)
    assert inside.sum() == approx(np.pi * 125**2, rel=0.005)


def test_unseen_parts_are_known_and_filled_from_the_border() -> None:
    """Where the camera did not look the square continues its border, and `seen` says so."""
    gray = np.full((300, 300), 77, np.uint8)
    placement = Placement((0.0, 150.0), (0.5, 0.5))

    square, seen = resample(Picture(gray), placement), placement.seen(Rect(0, 0, 300, 300))

    assert (square == 77).all()
    assert not seen[:, :255].any()
    assert seen[256, 256]
    assert seen.sum() == approx(256 * 300, rel=0.01)
