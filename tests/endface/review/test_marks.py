"""Marks against squares and lines of known size, drawn by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from endface.errors import ReviewError
from endface.review.marks import Mark, covered, read_marks, same_marks, unmatched

SQUARE = Mark("pit", (((9.5, 9.5), (19.5, 9.5), (19.5, 19.5), (9.5, 19.5)),))
"""The pixels 10 to 19 in x and y."""

FRAME = Mark("pit", (*SQUARE.rings, ((12.5, 12.5), (16.5, 12.5), (16.5, 16.5), (12.5, 16.5))))
"""The same with a hole: pixels 13 to 16."""


def moved(mark: Mark, by: float, kind: Any = None) -> Mark:
    """The mark shifted in x."""
    rings = tuple(tuple((x + by, y) for x, y in ring) for ring in mark.rings)
    return Mark(kind or mark.type, rings)


@pytest.mark.parametrize(("mark", "count"), [(SQUARE, 100), (FRAME, 100 - 16)])
def test_covered_pixels_are_those_inside(mark: Mark, count: int) -> None:
    """A mark covers the pixels whose greater part lies inside, holes left out."""
    pixels = covered(mark, (0, 0, 29, 29))

    assert pixels.shape == (30, 30)
    assert abs(int(pixels.sum()) - count) <= 2
    assert pixels[11, 11]
    assert not pixels[9, 9]


def test_line_thinner_than_a_pixel_is_whole() -> None:
    """A scratch of a third of a pixel leaves a connected trace."""
    line = Mark("scratch", (((2.0, 5.3), (27.0, 5.3), (27.0, 5.6), (2.0, 5.6)),))

    assert covered(line, (0, 0, 29, 29)).any(axis=0)[2:28].all()


@pytest.mark.parametrize(
    ("marks", "others", "alone"),
    [
        ([SQUARE], [SQUARE], []),
        ([SQUARE], [moved(SQUARE, 11)], []),  # a pixel apart: roughly drawn twice
        ([SQUARE], [moved(SQUARE, 20)], [0]),
        ([SQUARE, moved(SQUARE, 100)], [SQUARE], [1]),
        ([SQUARE], [], [0]),
        ([], [SQUARE], []),
        ([Mark("pit", (((14.0, 14.0), (15.0, 14.0), (15.0, 15.0)),))], [FRAME], []),  # within reach of the hole's rim
    ],
)
def test_unmatched_marks(marks: list[Mark], others: list[Mark], alone: list[int]) -> None:
    """A mark is matched by one that lies on it or within two pixels."""
    assert unmatched(marks, others) == alone


@pytest.mark.parametrize(
    ("other", "same"),
    [([SQUARE], True), ([moved(SQUARE, 1)], True), ([moved(SQUARE, 0, "chip")], False), ([], False)],
)
def test_drawings_agree_in_place_and_type(other: list[Mark], same: bool) -> None:
    """Two drawings are the same where each mark has one of its type in the other."""
    assert same_marks([SQUARE], other) is same


def test_marks_survive_json() -> None:
    """Marks come back from JSON as they were."""
    assert read_marks([FRAME.to_json()]) == (FRAME,)


def test_brush_draws_what_it_covers() -> None:
    """A straight stroke of a round brush is a band with round ends."""
    (mark,) = read_marks([{"type": "scratch", "stroke": [[10, 20.3], [50, 20.3]], "radius_px": 3}])

    area = covered(mark, (0, 0, 60, 40)).sum()
    assert area == pytest.approx(40 * 6 + math.pi * 9, rel=0.1)
    assert np.allclose(mark.box, (7, 17, 53, 24), atol=1)


def test_brush_dot_is_a_disc() -> None:
    """A click of the brush is a disc."""
    (mark,) = read_marks([{"type": "pit", "stroke": [[30, 30]], "radius_px": 5}])

    assert covered(mark, (0, 0, 60, 60)).sum() == pytest.approx(math.pi * 25, rel=0.1)


def test_ring_stroke_keeps_its_hole() -> None:
    """A stroke around something leaves its middle free."""
    around = [[30 + 15 * math.cos(a), 30 + 15 * math.sin(a)] for a in np.linspace(0, 2 * math.pi, 40)]
    (mark,) = read_marks([{"type": "contamination", "stroke": around, "radius_px": 3}])

    pixels = covered(mark, (0, 0, 60, 60))
    assert not pixels[30, 30]
    assert pixels[30, 45]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({}, "no marks"),
        (["pit"], "no marks"),
        ([{"type": "dust", "rings": [[[1, 1], [2, 1], [2, 2]]]}], "no type 'dust'"),
        ([{"type": "pit", "rings": []}], "at least one outline"),
        ([{"type": "pit", "rings": [[[1, 1], [2, 1]]]}], "at least 3 points"),
        ([{"type": "pit", "rings": [[[1, 1], [2, float("nan")], [2, 2]]]}], "no number"),
        ([{"type": "pit", "rings": [[[1, 1], [2, 1], [900, 2]]]}], "beside the picture"),
        ([{"type": "pit", "stroke": [[1, 1]], "radius_px": 0}], "radius above 0"),
        ([{"type": "pit", "stroke": [], "radius_px": 3}], "at least 1 point"),
        ([{"type": "pit", "rings": [[[1, 1], [2, 1], "ab"]]}], "no marks"),
        ([{"type": "pit", "rings": [[[1, 1]] * 200_001]}], "at most 200,000 points"),
    ],
)
def test_what_is_no_mark_is_refused(value: Any, said: str) -> None:
    """Marks from outside are refused with a sentence that says what is wrong."""
    with pytest.raises(ReviewError, match=said):
        read_marks(value, (100, 80))
