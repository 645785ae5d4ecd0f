from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endface.defects import zones
from endface.defects.zones import Zone

FOUR = (Zone("A", 0, 65), Zone("B", 65, 115), Zone("C", 115, 135), Zone("D", 135, 250))


@pytest.mark.parametrize(
    ("row", "column", "diameter_um"),
    [
        (255, 255, math.sqrt(0.5)),  # the four pixels around the center: half a pixel away in x and y, 0.5 um each
        (256, 256, math.sqrt(0.5)),
        (255, 355, 2 * 0.5 * math.hypot(99.5, 0.5)),
        (0, 0, 2 * 0.5 * math.hypot(255.5, 255.5)),
    ],
)
def test_a_pixel_lies_on_the_circle_through_its_centre(row: int, column: int, diameter_um: float) -> None:
    """The map holds the diameter, in um, of the circle around the fiber's center through each pixel's center."""
    assert zones.diameters_um()[row, column] == pytest.approx(diameter_um, rel=1e-6)


def test_the_maps_are_shared_and_cannot_be_written() -> None:
    """Cached maps are handed out to everybody, so nobody may change them."""
    for shared in (zones.diameters_um(), zones.mask(FOUR[0]), zones.index_map(FOUR)):
        with pytest.raises(ValueError, match="read-only"):
            shared[0, 0] = 1


def test_a_bound_belongs_to_the_outer_zone() -> None:
    """Zones are half-open: a pixel exactly on a bound lies in the zone that begins there."""
    bound = float(zones.diameters_um()[255, 300])

    assert not zones.mask(Zone("inside", 0, bound))[255, 300]
    assert zones.mask(Zone("outside", bound, 200))[255, 300]


def test_zones_divide_the_square_without_gap_or_overlap() -> None:
    """Each pixel within the last bound lies in exactly one zone, and each zone has the area of its ring."""
    masks = [zones.mask(zone) for zone in FOUR]

    np.testing.assert_array_equal(np.sum(masks, axis=0), zones.diameters_um() < 250)
    areas_um2 = [np.count_nonzero(mask) * 0.25 for mask in masks]
    assert areas_um2 == [pytest.approx(math.pi / 4 * (z.outer_um**2 - z.inner_um**2), rel=0.005) for z in FOUR]


def test_the_index_map_numbers_zones_from_inside_out() -> None:
    """0 is outside every zone, 1 the first zone."""
    row = zones.index_map(FOUR)[255]

    assert [row[column] for column in (255, 330, 380, 450, 511)] == [1, 2, 3, 4, 0]


@pytest.mark.parametrize(
    ("columns", "covered"),
    [
        pytest.param(slice(0, 512), [1, 1, 1, 1], id="all"),
        pytest.param(slice(0, 0), [0, 0, 0, 0], id="nothing"),
        pytest.param(slice(0, 256), [0.5, 0.5, 0.5, 0.5], id="half"),
        pytest.param(
            slice(256 - 140, 512),
            [1, 1, 1, pytest.approx(0.770, abs=0.005)],
            id="70 um left of the center: a segment of zone D is lost",
        ),
    ],
)
def test_coverage_is_the_share_of_a_zone_that_was_seen(columns: slice, covered: list[float]) -> None:
    """What the camera did not see is charged to the zone that it lies in."""
    seen = np.zeros((512, 512), bool)
    seen[:, columns] = True

    assert [zones.coverage(zone, seen) for zone in FOUR] == covered


@given(seen=st.integers(0, 512), more=st.integers(0, 512))
def test_coverage_never_falls_when_more_is_seen(seen: int, more: int) -> None:
    """A wider field of view covers each zone at least as well."""
    narrow, wide = np.zeros((512, 512), bool), np.zeros((512, 512), bool)
    narrow[:, :seen] = True
    wide[:, : max(seen, more)] = True

    for zone in FOUR:
        assert 0 <= zones.coverage(zone, narrow) <= zones.coverage(zone, wide) <= 1
