from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from endface.contract import Label
from endface.defects.components import MIN_AREA_PX
from endface.defects.measure import SizeDefinition, measure
from endface.defects.zones import Zone
from endface.errors import ConfigurationError
from endface.picture.square import Placement
from endface.report import Defect

LabelMap = NDArray[np.uint8]

ZONES = (Zone("A", 0, 65), Zone("B", 65, 115), Zone("C", 115, 135), Zone("D", 135, 250))
SURE = np.full((512, 512), 255, np.uint8)
SAME = Placement(center_px=(255.5, 255.5), um_per_px=(0.5, 0.5))
"""The camera's pixels are the square's."""


def blank() -> LabelMap:
    """A clean face."""
    return np.zeros((512, 512), np.uint8)


def pixels_at(x_um: float, y_um: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates of all pixels in um from a point; x right, y down, from the fiber's center."""
    y, x = (np.mgrid[:512, :512] - 255.5) * 0.5
    return x - x_um, y - y_um


def disc(label: Label, x_um: float, y_um: float, diameter_um: float, on: LabelMap | None = None) -> LabelMap:
    """Draw a round mark, on a clean face unless told otherwise."""
    labels = blank() if on is None else on
    x, y = pixels_at(x_um, y_um)
    labels[np.hypot(x, y) <= diameter_um / 2] = label
    return labels


def line(
    label: Label, ends_um: tuple[float, float, float, float], width_um: float, on: LabelMap | None = None
) -> LabelMap:
    """Draw a stroke with square ends between two points, on a clean face unless told otherwise."""
    labels = blank() if on is None else on
    x0, y0, x1, y1 = ends_um
    length = math.hypot(x1 - x0, y1 - y0)
    x, y = pixels_at((x0 + x1) / 2, (y0 + y1) / 2)
    along = (x * (x1 - x0) + y * (y1 - y0)) / length
    across = (y * (x1 - x0) - x * (y1 - y0)) / length
    labels[(abs(along) <= length / 2) & (abs(across) <= width_um / 2)] = label
    return labels


def only(labels: LabelMap, size: SizeDefinition = "enclosing_circle") -> Defect:
    """The one defect of a map."""
    (defect,) = measure(labels, SURE, SAME, ZONES, size=size)
    return defect


@pytest.mark.parametrize("diameter_um", [2, 3, 5, 10, 20, 30])
def test_a_disc_has_its_diameter_for_size_width_and_length(diameter_um: float) -> None:
    """Within a pixel, 0.5 um, at every size that a limit names."""
    defect = only(disc(Label.PIT, 30, -20, diameter_um))

    assert defect.type == "pit"
    assert (defect.size_um, defect.width_um, defect.length_um) == pytest.approx((diameter_um,) * 3, abs=0.5)
    assert defect.area_um2 == pytest.approx(math.pi / 4 * diameter_um**2, rel=0.5 / diameter_um)
    assert defect.center_um == pytest.approx((30, -20), abs=0.25)


@pytest.mark.parametrize(("pixels", "um"), [(4, 2.0), (6, 3.0), (10, 5.0), (20, 10.0), (40, 20.0), (60, 30.0)])
def test_pixels_that_add_up_to_a_limit_measure_that_limit(pixels: int, um: float) -> None:
    """To the last digit of the report, so that "> 5" and ">= 5" differ: a row's size, and a scratch's width."""
    row, scratch = blank(), blank()
    row[300, 300 : 300 + pixels] = Label.CONTAMINATION
    scratch[250 : 250 + pixels, 100:400] = Label.SCRATCH

    assert (only(row).size_um, only(row).width_um, only(row).length_um) == (um, 0.5, um)
    assert only(scratch).width_um == pytest.approx(um, abs=0.011)


def test_the_equivalent_size_is_that_of_the_disc_with_the_same_area() -> None:
    """The other definition of size, for profiles that choose it: a long residue is smaller by it."""
    labels = blank()
    labels[300:304, 300:325] = Label.CONTAMINATION

    assert only(labels, size="equivalent_area").size_um == pytest.approx(2 * math.sqrt(100 * 0.25 / math.pi), abs=0.005)
    assert only(labels, size="enclosing_circle").size_um == pytest.approx(0.5 * (math.hypot(3, 24) + 1), abs=0.005)


@pytest.mark.parametrize(
    ("ends_um", "orientation_deg"),
    [
        ((-40, 10, 40, 10), 0),
        ((-40, 40, 40, -40), 45),  # y runs down: up to the right on the screen
        ((10, -40, 10, 40), 90),
        ((-40, -40, 40, 40), 135),
        ((-40, 23.09, 40, -23.09), 30),
    ],
)
def test_a_scratch_is_measured_along_its_line(
    ends_um: tuple[float, float, float, float], orientation_deg: float
) -> None:
    """Length, width and direction (counter-clockwise on the screen, 0 along a row) of a straight scratch."""
    defect = only(line(Label.SCRATCH, ends_um, 2.0))

    assert defect.length_um == pytest.approx(math.dist(ends_um[:2], ends_um[2:]), rel=0.05)
    assert defect.width_um == pytest.approx(2.0, abs=0.3)
    assert (defect.orientation_deg - orientation_deg + 90) % 180 - 90 == pytest.approx(0, abs=0.5)


def test_a_scratch_with_a_bend_is_as_long_as_both_legs() -> None:
    """The line's length runs along it, the size across it."""
    leg = line(Label.SCRATCH, (-40, -40, -40, 20), 1.5)

    defect = only(line(Label.SCRATCH, (-40, 20, 40, 20), 1.5, on=leg))

    assert defect.length_um == pytest.approx(140, rel=0.03)
    assert defect.size_um == pytest.approx(100, rel=0.03)


def test_a_ring_of_residue_is_one_defect_with_a_hole() -> None:
    """Its size is the outer diameter, its outline two rings, its area without the hole."""
    defect = only(disc(Label.BACKGROUND, 0, 0, 30, on=disc(Label.CONTAMINATION, 0, 0, 40)))

    assert defect.size_um == pytest.approx(40, abs=0.5)
    assert defect.area_um2 == pytest.approx(math.pi / 4 * (40**2 - 30**2), rel=0.02)
    assert len(defect.polygon_px) == 2


def test_a_rectangle_that_lies_askew_has_its_sides() -> None:
    """Width and length of what is no scratch are the sides of the smallest rectangle around it."""
    defect = only(line(Label.CHIP, (-10, -10, 10, 10), 8))

    assert (defect.width_um, defect.length_um) == pytest.approx((8, 20 * math.sqrt(2)), abs=0.8)


@pytest.mark.parametrize(
    ("row", "sizes_um"),
    [
        pytest.param("2" * (MIN_AREA_PX - 1), [], id="a speck is noise"),
        pytest.param("2" * MIN_AREA_PX, [MIN_AREA_PX * 0.5], id="the smallest defect"),
        pytest.param("2222.2222", [4.5], id="a gap of half a micrometer, narrower than the optics resolve"),
        pytest.param("2222..2222", [5.0], id="the bright floor of a gouge, 1 um"),
        pytest.param("2222...2222", [2.0, 2.0], id="two defects"),
    ],
)
def test_pixels_in_a_row_are_one_defect_or_two(row: str, sizes_um: list[float]) -> None:
    """As drawn: the digit is the class, a dot is background."""
    labels = blank()
    labels[300, 100 : 100 + len(row)] = [int(pixel.replace(".", "0")) for pixel in row]

    assert [defect.size_um for defect in measure(labels, SURE, SAME, ZONES)] == sizes_um


def test_corners_that_touch_hold_a_defect_together() -> None:
    """A thin slanting scratch hangs together by its pixels' corners."""
    labels = blank()
    labels[np.arange(200, 260), np.arange(200, 260)] = Label.SCRATCH

    assert len(measure(labels, SURE, SAME, ZONES)) == 1


def test_a_rim_of_another_class_does_not_make_a_second_defect() -> None:
    """A network's classes waver at the edge of a defect: the majority names it, and keeps the rim's pixels."""
    defect = only(disc(Label.PIT, 20, 20, 11, on=disc(Label.CONTAMINATION, 20, 20, 12)))

    assert defect.type == "pit"
    assert defect.size_um == pytest.approx(12, abs=0.5)


@pytest.mark.parametrize("pits_um", [(5,), (-12, 12)], ids=["one pit", "two pits"])
def test_pits_on_a_scratch_stand_alone(pits_um: tuple[float, ...]) -> None:
    """Limits count defects: neither do pits make the scratch wide, nor it them large, and the scratch stays one."""
    labels = line(Label.SCRATCH, (-40, 0, 40, 0), 2)
    for x_um in pits_um:
        disc(Label.PIT, x_um, 0, 12, on=labels)

    *pits, scratch = sorted(measure(labels, SURE, SAME, ZONES), key=lambda defect: defect.type)

    assert [defect.type for defect in (*pits, scratch)] == ["pit"] * len(pits_um) + ["scratch"]
    assert [pit.size_um for pit in pits] == [pytest.approx(12, abs=0.5)] * len(pits_um)
    assert scratch.width_um == pytest.approx(2, abs=0.3)
    assert scratch.length_um == pytest.approx(80 - 12 * len(pits_um), abs=4 * len(pits_um))
    assert sum(defect.area_um2 for defect in (*pits, scratch)) == np.count_nonzero(labels) * 0.25


def test_defects_come_from_inside_out_and_the_largest_first() -> None:
    """Ids count from 1 in an order that does not depend on where the search began."""
    labels = blank()
    for x_um, y_um, diameter_um in ((100, 0, 6), (-100, 0, 9), (115, 115, 8), (5, 0, 3), (-50, 0, 4), (0, 0, 0)):
        disc(Label.PIT, x_um, y_um, diameter_um, on=labels)

    defects = measure(labels, SURE, SAME, ZONES)

    assert [(defect.id, defect.zone, round(defect.center_um[0])) for defect in defects] == [
        (1, "A", 5),
        (2, "B", -50),
        (3, "D", -100),
        (4, "D", 100),
        (5, "", 115),
    ]


@pytest.mark.parametrize(
    ("ends_um", "zones"),
    [
        ((30.5, 0, 34.5, 0), "AB"),
        ((55.5, 0, 59.5, 0), "BC"),
        ((65.5, 0, 69.5, 0), "CD"),
        ((48, 0, 52, 0), "B"),
        ((123, 0, 126, 0), "D"),
        ((-110, 3, 110, 3), "ABCD"),
        ((110, 115, 120, 115), ""),  # a corner of the square: measured, and judged by nothing
    ],
)
def test_zones_are_all_that_a_defect_touches(ends_um: tuple[float, float, float, float], zones: str) -> None:
    """From inside out; its zone is the innermost of them."""
    defect = only(line(Label.SCRATCH, ends_um, 2))

    assert (defect.zone, defect.zones) == (zones[:1], tuple(zones))


def test_confidence_is_the_mean_over_the_defect() -> None:
    """255 in the map is certain; what surrounds the defect does not count."""
    labels, confidence = blank(), np.full((512, 512), 17, np.uint8)
    labels[300, 300:304] = Label.PIT
    confidence[300, 300:304] = (255, 255, 51, 51)

    (defect,) = measure(labels, confidence, SAME, ZONES)

    assert defect.confidence == pytest.approx(0.6)


def test_a_class_that_nobody_knows_is_refused() -> None:
    """A network of another make must not pass for a clean face."""
    labels = blank()
    labels[10:20, 10:20] = 5

    with pytest.raises(ConfigurationError, match="class 5"):
        measure(labels, SURE, SAME, ZONES)


def test_outlines_and_boxes_are_in_camera_pixels() -> None:
    """A camera with pixels of 0.25 by 0.5 um sees the same defect twice as wide as high, where the fiber stands."""
    labels = blank()
    labels[300:310, 280:300] = Label.CHIP
    camera = Placement(center_px=(700.0, 400.0), um_per_px=(0.25, 0.5))

    (defect,) = measure(labels, SURE, camera, ZONES)

    # Columns 280 to 299 reach from 12 to 22 um right of the center, from the middle of camera column 748 to that of
    # 788; rows 300 to 309 from 22 to 27 um below it, from the middle of camera row 444 to that of 454.
    assert defect.bbox_px == (748, 444, 41, 11)
    (ring,) = defect.polygon_px
    assert {x for x, _ in ring} == {749.0, 787.0}
    assert {y for _, y in ring} == {444.5, 453.5}


def test_outlines_filled_again_are_the_label_map() -> None:
    """Rings are to be filled even-odd, boundary pixels included, as OpenCV does: holes stay holes."""
    labels = line(Label.SCRATCH, (20, 20, 90, -60), 1)
    for label, diameter_um in ((Label.CONTAMINATION, 50), (Label.BACKGROUND, 30), (Label.PIT, 10)):
        disc(label, -40, 30, diameter_um, on=labels)

    for defect in measure(labels, SURE, SAME, ZONES):
        filled = blank()
        rings = [np.round(np.array(ring)).astype(np.int32).reshape(-1, 1, 2) for ring in defect.polygon_px]
        cv2.fillPoly(filled, rings, (1,))
        np.testing.assert_array_equal(filled > 0, labels == Label[defect.type.upper()])


def random_map(seed: int) -> LabelMap:
    """Some lines and discs anywhere on the face, over one another as it falls."""
    rng, labels = np.random.default_rng(seed), blank()
    for _ in range(rng.integers(1, 6)):
        x_um, y_um, x2_um, y2_um = rng.uniform(-110, 110, 4)
        if rng.random() < 0.5:
            line(Label.SCRATCH, (x_um, y_um, x2_um, y2_um), rng.uniform(0.8, 4), on=labels)
        else:
            disc(Label(int(rng.integers(2, 5))), x_um, y_um, rng.uniform(1.5, 20), on=labels)
    return labels


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), turns=st.integers(0, 3), mirrored=st.booleans())
def test_turning_and_mirroring_the_face_changes_no_measure(seed: int, *, turns: int, mirrored: bool) -> None:
    """The same defects in the same zones with the same areas and sizes; lines and rectangles vary a little."""
    labels = random_map(seed)
    turned = np.ascontiguousarray(np.rot90(labels[:, ::-1] if mirrored else labels, turns))

    before, after = (
        sorted(measure(m, SURE, SAME, ZONES), key=lambda d: (d.area_um2, d.size_um, d.type)) for m in (labels, turned)
    )

    assert [(d.type, d.zones, d.area_um2) for d in before] == [(d.type, d.zones, d.area_um2) for d in after]
    assert [d.size_um for d in before] == pytest.approx([d.size_um for d in after], abs=0.011)
    assert [d.width_um for d in before] == pytest.approx([d.width_um for d in after], abs=0.5)
    assert [d.length_um for d in before] == pytest.approx([d.length_um for d in after], abs=1, rel=0.1)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_pixel_of_a_defect_lies_in_its_circle_and_its_box(seed: int) -> None:
    """Areas add up to the map's, boxes hold the outlines, and no outline is longer across than the size."""
    labels = random_map(seed)
    defects = measure(labels, SURE, SAME, ZONES)

    assert [defect.id for defect in defects] == list(range(1, len(defects) + 1))
    assert sum(defect.area_um2 for defect in defects) <= np.count_nonzero(labels) * 0.25
    for defect in defects:
        points = np.concatenate([np.array(ring) for ring in defect.polygon_px])
        x, y, width, height = defect.bbox_px
        assert points.min(0).tolist() == [x, y]
        assert points.max(0).tolist() == [x + width - 1, y + height - 1]
        across_px = np.linalg.norm(points[:, None] - points[None], axis=2).max() + 1
        assert across_px * 0.5 - 0.02 <= defect.size_um <= across_px * 0.5 * 2 / math.sqrt(3) + 0.02
        assert defect.width_um <= defect.length_um
        assert 0 <= defect.orientation_deg < 180
