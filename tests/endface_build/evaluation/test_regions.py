"""Pixels of reported outlines, which lie between pixels: drawn with their boundary they cover the mark."""

from __future__ import annotations

import numpy as np
import pytest

from endface.report import Defect, Point
from endface_build.evaluation.regions import Mask, reported_regions

SHAPE = (60, 80)
INSET_PX = 0.5
"""A report's rings run this far inside a mark's edge, as through the centers of its outermost pixels."""


def pixels(*rings: list[Point]) -> Mask:
    """Pixels of a defect with these rings."""
    polygon = tuple(tuple(ring) for ring in rings)
    defect = Defect(1, "scratch", "A", ("A",), 0.9, (0, 0, 1, 1), polygon, (0, 0), 1, 1, 1, 1, 0)
    mask = np.zeros(SHAPE, np.bool_)
    for _, region in reported_regions([defect], SHAPE):
        mask[region.window] |= region.mask
    return mask


def circle(x: float, y: float, radius: float) -> list[Point]:
    """A ring of 100 points."""
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    return [(x + radius * float(np.cos(angle)), y + radius * float(np.sin(angle))) for angle in angles]


def disc(x: float, y: float, radius: float) -> Mask:
    """Pixels whose centers are nearer to a point than a radius."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.asarray(np.hypot(columns - x, rows - y) < radius)


def overlap(one: Mask, other: Mask) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("radius", [2.3, 3.5, 10.2])
def test_a_disc_between_pixels_has_the_pixels_of_a_disc(radius: float) -> None:
    """Wherever a disc lies between the pixels, its ring gives its pixels: to a tenth, and an eighth more at most."""
    centers = [(30 + x, 25 + y) for x in (0.0, 0.3, 0.5, 0.8) for y in (0.0, 0.4, 0.7)]
    drawn = [(pixels(circle(*center, radius - INSET_PX)), disc(*center, radius)) for center in centers]

    assert np.mean([overlap(*pair) for pair in drawn]) > 0.9
    assert sum(found.sum() for found, _ in drawn) == pytest.approx(sum(true.sum() for _, true in drawn), rel=0.12)


def test_rings_within_rings_are_holes_and_parts_are_apart() -> None:
    """A ring-shaped mark has no pixels in its middle; the beads of a line have none between them."""
    ring = pixels(circle(30, 25, 10 - INSET_PX), circle(30, 25, 5 + INSET_PX))
    beads = pixels(circle(20, 25, 4 - INSET_PX), circle(40, 25, 4 - INSET_PX))

    assert overlap(ring, disc(30, 25, 10) & ~disc(30, 25, 5)) > 0.9
    assert overlap(beads, disc(20, 25, 4) | disc(40, 25, 4)) > 0.9
    assert not ring[25, 30]
    assert not beads[:, 30].any()


def test_a_line_thinner_than_a_pixel_is_not_lost() -> None:
    """A ring that encloses no pixel's center has the pixels that it runs along."""
    assert pixels([(10.0, 20.3), (30.0, 20.3), (30.0, 20.4), (10.0, 20.4)]).sum() == 21


@pytest.mark.parametrize(("x", "count"), [(-20.0, 0), (0.0, 5 * 11), (79.0, 5 * 11), (110.0, 0)])
def test_what_lies_beside_the_picture_is_left_out(x: float, count: int) -> None:
    """A box of 9 x 11 pixels at the picture's edge keeps the columns inside."""
    assert pixels([(x - 4, 21.0), (x + 4, 21.0), (x + 4, 31.0), (x - 4, 31.0)]).sum() == count
