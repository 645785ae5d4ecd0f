"""Outlines between our pixels and the tools' polygons."""

from __future__ import annotations

import numpy as np
import pytest

from endface.review.marks import Mark, covered
from endface_build.review.sheet import are_the_same, mark_of_pixels, without_holes
from tests.endface_build.review.conftest import ring

BOX = (0, 0, 99, 79)


@pytest.mark.parametrize(
    "rings",
    [
        (ring(10, 10, 30),),
        (ring(10, 10, 30), ring(15, 15, 6)),
        (ring(10, 10, 30), ring(15, 15, 6), ring(28, 28, 6)),
        (ring(10, 10, 30), ring(15, 15, 20), ring(20, 20, 5)),  # an island in a hole
        (ring(10, 10, 20), ring(50, 30, 20), ring(55, 35, 5)),
        (ring(10, 10, 30), tuple(reversed(ring(15, 15, 6)))),
    ],
)
def test_hole_becomes_a_seam(rings: tuple[tuple[tuple[float, float], ...], ...]) -> None:
    """A mark without holes covers the same pixels, each of its rings alone being solid."""
    mark = Mark("pit", rings)
    simple = without_holes(mark)

    assert np.abs(covered(mark, BOX).astype(int) - covered(simple, BOX)).sum() <= 8  # along the seam
    assert len(simple.rings) == len(rings) - sum(_depth(each, rings) % 2 for each in rings)


def _depth(one: tuple[tuple[float, float], ...], rings: tuple[tuple[tuple[float, float], ...], ...]) -> int:
    (x, y) = one[0]
    around = [other for other in rings if other is not one and other[0][0] < x < other[2][0]]
    return len([other for other in around if min(p[1] for p in other) < y < max(p[1] for p in other)])


@pytest.mark.parametrize("hole", [False, True])
def test_pixels_come_back(hole: bool) -> None:
    """The outlines of a mask enclose the mask's pixels."""
    pixels = np.zeros((30, 40), bool)
    pixels[5:20, 8:30] = True
    pixels[10:14, 12:18] = not hole

    mark = mark_of_pixels("chip", pixels, (50, 40))
    assert (covered(mark, (50, 40, 89, 69)) == pixels).all()


def test_single_pixel_comes_back() -> None:
    """A mark of one pixel is not lost."""
    pixels = np.zeros((5, 5), bool)
    pixels[2, 2] = True

    assert covered(mark_of_pixels("pit", pixels), (0, 0, 4, 4)).sum() == 1


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ([Mark("pit", (ring(10.02, 10, 5),)), Mark("chip", (ring(30, 30, 5),))], True),
        ([Mark("chip", (ring(30, 30, 5),)), Mark("pit", (ring(10, 10, 5),))], True),
        ([Mark("pit", (ring(10.2, 10, 5),)), Mark("chip", (ring(30, 30, 5),))], False),
        ([Mark("pit", (ring(10, 10, 5),))], False),
        ([Mark("pit", (ring(10, 10, 5),)), Mark("pit", (ring(30, 30, 5),))], False),
    ],
)
def test_untouched_drawing_is_recognized(other: list[Mark], same: bool) -> None:
    """A drawing is untouched up to a tool's decimals, in any order."""
    drawn = [Mark("pit", (ring(10, 10, 5),)), Mark("chip", (ring(30, 30, 5),))]

    assert are_the_same(drawn, other) is same
    assert are_the_same(other, drawn) is same
