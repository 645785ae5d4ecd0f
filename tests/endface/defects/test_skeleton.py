from __future__ import annotations

import itertools
import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from endface.defects import skeleton


def stroke(angle_deg: float, width_px: float, length_px: float = 200.0) -> NDArray[np.uint8]:
    """A straight stroke with square ends in the middle of 300 x 300 pixels."""
    y, x = np.mgrid[:300, :300] - 149.3  # off the pixels' symmetry
    along = x * math.cos(math.radians(angle_deg)) + y * math.sin(math.radians(angle_deg))
    across = y * math.cos(math.radians(angle_deg)) - x * math.sin(math.radians(angle_deg))
    return np.asarray((abs(along) <= length_px / 2) & (abs(across) <= width_px / 2), np.uint8)


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (1, 2), (1, 3), (1, 7), (1, 100), (2, 100), (3, 100), (6, 100), (10, 100)]
)
def test_a_straight_bar_has_its_sides_for_width_and_length(height: int, width: int) -> None:
    """Along a row, width and length are the bar's sides; of single pixels exactly."""
    mask = np.pad(np.ones((height, width), np.uint8), 5)

    assert skeleton.stroke_px(mask) == pytest.approx((height, width), rel=1e-6 if height == 1 else 0.01)


def test_a_diagonal_of_single_pixels_is_measured_along_the_diagonal() -> None:
    """Thirty pixels corner to corner are 29 diagonal steps long, and the ends."""
    width, length = skeleton.stroke_px(np.eye(30, dtype=np.uint8))

    assert length == pytest.approx(29 * math.sqrt(2) + width)


@pytest.mark.parametrize("angle_deg", [0, 7, 20, 30, 45, 63, 90, 110, 135, 170])
@pytest.mark.parametrize("width_px", [3, 5, 8])
def test_an_oblique_stroke_is_measured_within_a_tenth(angle_deg: float, width_px: float) -> None:
    """Pixels make a slanting edge ragged; neither measure strays by more than a tenth and one pixel."""
    width, length = skeleton.stroke_px(stroke(angle_deg, width_px))

    assert length == pytest.approx(200, rel=0.1)
    assert width == pytest.approx(width_px, rel=0.1, abs=1)


@pytest.mark.parametrize("angle_deg", [0, 25, 45, 80, 90])
def test_a_thick_stroke_is_no_longer_than_a_thin_one(angle_deg: float) -> None:
    """A scratch's length is that of its middle line, whatever its width."""
    thin, thick = (skeleton.stroke_px(stroke(angle_deg, width))[1] for width in (1.5, 6))

    assert thick == pytest.approx(thin, rel=0.06)


@pytest.mark.parametrize("angle_deg", [45, 135])
def test_a_diagonal_of_two_pixels_is_not_thinned_away(angle_deg: float) -> None:
    """The case that the algorithm of Zhang and Suen erases."""
    mask = stroke(angle_deg, 2)

    assert skeleton.length_px(skeleton.thin(mask)) > 190


def test_branches_are_part_of_the_length() -> None:
    """A cross of two bars is as long as both, so its width stays that of a bar."""
    cross = np.zeros((120, 120), np.uint8)
    cross[58:62, 10:110] = cross[10:110, 58:62] = 1

    width, length = skeleton.stroke_px(cross)

    assert width == pytest.approx(4, rel=0.05)
    assert length == pytest.approx(200, rel=0.05)


def test_a_ring_is_as_long_as_its_circle() -> None:
    """A closed line has no ends; its length is the circumference of its middle line."""
    ring = np.zeros((200, 200), np.uint8)
    cv2.circle(ring, (100, 100), 60, (1,), 3)

    assert skeleton.stroke_px(ring)[1] == pytest.approx(2 * math.pi * 60, rel=0.04)


@settings(max_examples=40, deadline=None)
@given(
    ends=st.lists(st.tuples(st.integers(5, 90), st.integers(5, 90)), min_size=2, max_size=5), width=st.integers(1, 6)
)
def test_thinning_keeps_what_hangs_together(ends: list[tuple[int, int]], width: int) -> None:
    """The middle line lies within the mark, has as many connected parts, and thinning it again changes nothing."""
    mask = np.zeros((96, 96), np.uint8)
    for start, end in itertools.pairwise(ends):
        cv2.line(mask, start, end, (1,), width)
    line = skeleton.thin(mask)

    assert not (line & ~mask).any()
    assert cv2.connectedComponents(line, connectivity=8)[0] == cv2.connectedComponents(mask, connectivity=8)[0]
    np.testing.assert_array_equal(skeleton.thin(line), line)


@settings(max_examples=40, deadline=None)
@given(angle_deg=st.floats(0, 180), width_px=st.floats(1.5, 8))
def test_width_times_length_is_the_area(angle_deg: float, width_px: float) -> None:
    """The two measures of a stroke account for each of its pixels."""
    mask = stroke(angle_deg, width_px, 80)
    width, length = skeleton.stroke_px(mask)

    assert width * length == pytest.approx(np.count_nonzero(mask))
    assert width <= length * (1 + 1e-9)
