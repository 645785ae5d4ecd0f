from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from endface.contract import Label
from endface.defects.measure import measure
from endface.defects.objects import MIN_AREA_PX
from endface.errors import ConfigurationError
from endface.picture.square import Placement
from endface.report import Defect
from tests.endface.defects.drawn_map import SAME, ZONES, DrawnMap

LabelMap = NDArray[np.uint8]
places = st.floats(-30, 30)


def blank() -> LabelMap:
    """A clean face."""
    return np.zeros((512, 512), np.uint8)


def certain(labels: LabelMap) -> tuple[Defect, ...]:
    """What is measured where the network is sure of each labeled pixel."""
    return measure(labels, np.where(labels > 0, np.uint8(255), np.uint8(0)), SAME, ZONES)


@settings(max_examples=60, deadline=None)
@given(diameter_um=st.floats(2, 20), x_um=places, y_um=places)
def test_a_disc_has_its_diameter_wherever_it_lies(diameter_um: float, x_um: float, y_um: float) -> None:
    """Within a tenth of a micrometer, a fifth of a pixel, and a little more by the equivalent area."""
    drawn = DrawnMap().disc(Label.PIT, x_um, y_um, diameter_um)

    defect = drawn.only()

    assert defect.type == "pit"
    assert defect.size_um == pytest.approx(diameter_um, abs=0.1)
    assert drawn.only("equivalent_area").size_um == pytest.approx(diameter_um, abs=0.15)
    assert (defect.width_um, defect.length_um) == pytest.approx((diameter_um,) * 2, abs=0.25)
    assert defect.area_um2 == pytest.approx(math.pi / 4 * diameter_um**2, rel=0.24 / diameter_um)
    assert defect.center_um == pytest.approx((x_um, y_um), abs=0.03)


@pytest.mark.parametrize("diameter_um", [2, 3, 5, 10, 20])
def test_sizes_of_discs_are_neither_too_large_nor_too_small_on_the_whole(diameter_um: float) -> None:
    """The mean error over places within a pixel is below 0.08 um at every size that a limit names."""
    rng = np.random.default_rng(0)

    sizes = [DrawnMap().disc(Label.PIT, *rng.uniform(-1, 1, 2), diameter_um).only().size_um for _ in range(30)]

    assert np.mean(sizes) == pytest.approx(diameter_um, abs=0.08)


@settings(max_examples=60, deadline=None)
@given(
    width_um=st.floats(1, 6),
    length_um=st.floats(25, 60),
    angle_deg=st.floats(0, 180),
    x_um=places,
    y_um=places,
)
def test_a_scratch_has_its_width_at_every_angle_and_place(
    width_um: float, length_um: float, angle_deg: float, x_um: float, y_um: float
) -> None:
    """Width and length of its stroke to an eighth and a third of a micrometer, and its direction."""
    along_x, along_y = (
        length_um / 2 * each for each in (math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg)))
    )
    ends = (x_um - along_x, y_um + along_y, x_um + along_x, y_um - along_y)  # y runs down and angles up

    defect = DrawnMap().line(Label.SCRATCH, ends, width_um).only()

    assert defect.type == "scratch"
    assert defect.width_um == pytest.approx(width_um, abs=0.12)
    assert defect.length_um == pytest.approx(length_um, abs=0.35)
    assert (defect.orientation_deg - angle_deg + 90) % 180 - 90 == pytest.approx(0, abs=0.5)


def test_the_equivalent_size_is_that_of_the_disc_with_the_same_area() -> None:
    """The other definition of size, for profiles that choose it: a long residue is smaller by it."""
    drawn = DrawnMap().line(Label.CHIP, (20, 20, 29, 20), 3)

    assert drawn.only("equivalent_area").size_um == pytest.approx(2 * math.sqrt(27 / math.pi), abs=0.1)
    assert drawn.only("enclosing_circle").size_um == pytest.approx(math.hypot(3, 9), abs=0.25)


def test_a_scratch_with_a_bend_is_as_long_as_both_legs() -> None:
    """The line's length runs along it, the size across it."""
    drawn = DrawnMap().line(Label.SCRATCH, (-40, -40, -40, 20), 1.5).line(Label.SCRATCH, (-40, 20, 40, 20), 1.5)

    assert drawn.only().length_um == pytest.approx(140, rel=0.03)
    assert drawn.only().size_um == pytest.approx(100, rel=0.03)
    assert drawn.only().width_um == pytest.approx(1.5, abs=0.1)


def test_a_ring_of_residue_is_one_defect_with_a_hole() -> None:
    """Its size is the outer diameter, its outline two rings, its area without the hole."""
    drawn = DrawnMap().disc(Label.CONTAMINATION, 0, 0, 40)
    hole = DrawnMap().disc(Label.CONTAMINATION, 0, 0, 30)
    drawn.chance -= hole.chance
    drawn.labels[drawn.chance < 0.2] = 0

    defect = drawn.only()

    assert defect.size_um == pytest.approx(40, abs=0.1)
    assert defect.area_um2 == pytest.approx(math.pi / 4 * (40**2 - 30**2), rel=0.005)
    assert len(defect.polygon_px) == 2


def test_a_rectangle_that_lies_askew_has_its_sides() -> None:
    """Width and length of what is no scratch are the sides of the smallest rectangle around it."""
    defect = DrawnMap().line(Label.CHIP, (-10, -10, 10, 10), 8).only()

    assert (defect.width_um, defect.length_um) == pytest.approx((8, 20 * math.sqrt(2)), abs=0.3)


@pytest.mark.parametrize(
    ("row", "lengths_um"),
    [
        pytest.param("2" * (MIN_AREA_PX - 1), [], id="a speck is noise"),
        pytest.param("2" * MIN_AREA_PX, [MIN_AREA_PX * 0.5], id="the smallest defect"),
        pytest.param("2222.2222", [4.5], id="a gap of half a micrometer, narrower than the optics resolve"),
        pytest.param("2222..2222", [5.0], id="the bright floor of a gouge, 1 um"),
        pytest.param("2222...2222", [2.0, 2.0], id="two defects"),
    ],
)
def test_pixels_in_a_row_are_one_defect_or_two(row: str, lengths_um: list[float]) -> None:
    """As drawn: the digit is the class, a dot is background."""
    labels = blank()
    labels[300, 100 : 100 + len(row)] = [int(pixel.replace(".", "0")) for pixel in row]

    assert [defect.length_um for defect in certain(labels)] == pytest.approx(lengths_um, abs=0.5)


@pytest.mark.parametrize(
    ("chances", "count"),
    [
        pytest.param([1.0, 0.4, 0.4, 1.0], 1, id="whole where the half alone would break it"),
        pytest.param([1.0, 0.1, 0.1, 1.0], 2, id="broken where nothing is likely"),
        pytest.param([1.0] + [0.4] * 12 + [1.0], 2, id="doubt does not reach far"),
        pytest.param([0.4] * 9, 0, id="nothing sure"),
    ],
)
def test_doubtful_pixels_hold_a_mark_together_and_make_none(chances: list[float], count: int) -> None:
    """Hysteresis: each number is the chance of a stretch of 2 by 2 pixels."""
    labels, confidence = blank(), blank()
    for place, chance in enumerate(chances):
        columns = slice(100 + 2 * place, 102 + 2 * place)
        labels[300:302, columns] = Label.PIT if chance >= 0.2 else 0
        confidence[300:302, columns] = round(255 * chance)

    assert len(measure(labels, confidence, SAME, ZONES)) == count


@pytest.mark.parametrize(
    ("length_um", "chance", "count"), [(40, 0.4, 1), (25, 0.35, 1), (12, 0.4, 0), (40, 0.25, 0), (40, 0.9, 1)]
)
def test_a_faint_line_counts_by_its_length(length_um: float, chance: float, count: int) -> None:
    """A pixel of it is noise, twenty micrometers are not; its outline is that of a clear line."""
    drawn = DrawnMap().line(Label.SCRATCH, (-20, 10, length_um - 20, 22), 2, chance=chance)

    defects = drawn.defects()

    assert [defect.type for defect in defects] == ["scratch"] * count
    assert [defect.width_um for defect in defects] == pytest.approx([2] * count, abs=0.2)


def test_corners_that_touch_hold_a_defect_together() -> None:
    """A thin slanting scratch hangs together by its pixels' corners."""
    labels = blank()
    labels[np.arange(200, 260), np.arange(200, 260)] = Label.SCRATCH

    assert len(certain(labels)) == 1


def test_a_rim_of_another_class_does_not_make_a_second_defect() -> None:
    """A network's classes waver at the edge of a defect: the majority names it, and keeps the rim's pixels."""
    drawn = DrawnMap().disc(Label.CONTAMINATION, 20, 20, 12)
    drawn.labels[DrawnMap().disc(Label.PIT, 20, 20, 11).labels > 0] = Label.PIT

    assert drawn.only().type == "pit"
    assert drawn.only().size_um == pytest.approx(12, abs=0.1)


@pytest.mark.parametrize("pits_um", [(5,), (-12, 12)], ids=["one pit", "two pits"])
def test_pits_on_a_scratch_stand_alone(pits_um: tuple[float, ...]) -> None:
    """Limits count defects: neither do pits make the scratch wide, nor it them large, and the scratch stays one."""
    drawn = DrawnMap().line(Label.SCRATCH, (-40, 0, 40, 0), 2)
    for x_um in pits_um:
        drawn.disc(Label.PIT, x_um, 0, 12)
        drawn.labels[DrawnMap().disc(Label.PIT, x_um, 0, 12).labels > 0] = Label.PIT

    *pits, scratch = sorted(drawn.defects(), key=lambda defect: defect.type)

    assert [defect.type for defect in (*pits, scratch)] == ["pit"] * len(pits_um) + ["scratch"]
    assert [pit.size_um for pit in pits] == [pytest.approx(12, abs=0.7)] * len(pits_um)
    assert scratch.width_um == pytest.approx(2, abs=0.5)
    assert sum(defect.area_um2 for defect in (*pits, scratch)) == pytest.approx(drawn.chance.sum() / 4, rel=0.03)


def test_defects_come_from_inside_out_and_the_largest_first() -> None:
    """Ids count from 1 in an order that does not depend on where the search began."""
    drawn = DrawnMap()
    for x_um, y_um, diameter_um in ((100, 0, 6), (-100, 0, 9), (115, 115, 8), (5, 0, 3), (-50, 0, 4)):
        drawn.disc(Label.PIT, x_um, y_um, diameter_um)

    assert [(defect.id, defect.zone, round(defect.center_um[0])) for defect in drawn.defects()] == [
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
        ((32.4, 0, 36.4, 0), "AB"),  # a tenth of a micrometer inside
        ((32.6, 0, 36.6, 0), "B"),  # and outside
        ((55.5, 0, 59.5, 0), "BC"),
        ((65.5, 0, 69.5, 0), "CD"),
        ((123, 0, 126, 0), "D"),
        ((-110, 3, 110, 3), "ABCD"),
        ((110, 115, 120, 115), ""),  # a corner of the square: measured, and judged by nothing
    ],
)
def test_zones_are_all_that_a_defect_touches(ends_um: tuple[float, float, float, float], zones: str) -> None:
    """From inside out, by its outline; its zone is the innermost of them."""
    defect = DrawnMap().line(Label.SCRATCH, ends_um, 1).only()

    assert (defect.zone, defect.zones) == (zones[:1], tuple(zones))


def test_confidence_is_that_of_the_sure_part() -> None:
    """A soft rim, which every mark has, does not make it doubtful."""
    assert DrawnMap().disc(Label.PIT, 0, 0, 12).only().confidence > 0.95
    assert DrawnMap().disc(Label.PIT, 0, 0, 12, chance=0.6).only().confidence == pytest.approx(0.6, abs=0.03)


@pytest.mark.parametrize("diameter_um", [4, 8, 20])
def test_a_soft_edge_makes_sizes_uncertain(diameter_um: float) -> None:
    """The same disc, sharp and blurred by a micrometer: the size is less sure, and says so."""
    sharp = DrawnMap().disc(Label.PIT, 0, 0, diameter_um)
    soft = DrawnMap().disc(Label.PIT, 0, 0, diameter_um)
    soft.chance = np.clip(cv2.GaussianBlur(soft.chance, (0, 0), 2.0) * 1.2, 0, 1)
    soft.labels = np.where(soft.chance >= 0.2, np.uint8(Label.PIT), np.uint8(0))

    assert 0 < sharp.only().size_sigma_um < 0.4
    assert 0 < sharp.only().width_sigma_um < 0.6
    assert soft.only().size_sigma_um > 1.2 * sharp.only().size_sigma_um


def test_a_class_that_nobody_knows_is_refused() -> None:
    """A network of another make must not pass for a clean face."""
    labels = blank()
    labels[10:20, 10:20] = 5

    with pytest.raises(ConfigurationError, match="class 5"):
        certain(labels)


def test_outlines_and_boxes_are_in_camera_pixels() -> None:
    """A camera with pixels of 0.25 by 0.5 um sees the same defect twice as wide as high, where the fiber stands."""
    labels = blank()
    labels[300:310, 280:300] = Label.CHIP
    camera = Placement(center_px=(700.0, 400.0), um_per_px=(0.25, 0.5))

    (defect,) = measure(labels, np.where(labels > 0, np.uint8(255), np.uint8(0)), camera, ZONES)

    # Columns 280 to 299 reach from 12 to 22 um right of the center, from the middle of camera column 748 to that of
    # 788; rows 300 to 309 from 22 to 27 um below it, from the middle of camera row 444 to that of 454.
    assert defect.bbox_px == (748, 444, 41, 11)
    (ring,) = defect.polygon_px
    assert (min(x for x, _ in ring), max(x for x, _ in ring)) == pytest.approx((748.5, 787.5), abs=0.1)
    assert (min(y for _, y in ring), max(y for _, y in ring)) == pytest.approx((444.5, 453.5), abs=0.1)


def test_outlines_filled_again_are_the_pixels_inside() -> None:
    """Rings are to be filled even-odd, boundary included, as OpenCV does: holes stay holes, no mark grows."""
    drawn = DrawnMap().line(Label.SCRATCH, (20, 20, 90, -60), 3).disc(Label.PIT, -40, 30, 10)

    for defect in drawn.defects():
        filled = blank()
        rings = [np.round(np.array(ring)).astype(np.int32).reshape(-1, 1, 2) for ring in defect.polygon_px]
        cv2.fillPoly(filled, rings, (1,))
        inside = (drawn.chance >= 0.5) & (drawn.labels == Label[defect.type.upper()])
        assert np.count_nonzero(filled) == pytest.approx(np.count_nonzero(inside), rel=0.06)
        assert np.count_nonzero(inside & (filled == 0)) <= 0.05 * np.count_nonzero(inside)


def random_map(seed: int) -> DrawnMap:
    """Some lines and discs anywhere on the face, over one another as it falls."""
    rng, drawn = np.random.default_rng(seed), DrawnMap()
    for _ in range(rng.integers(1, 6)):
        x_um, y_um, x2_um, y2_um = rng.uniform(-110, 110, 4)
        if rng.random() < 0.5:
            drawn.line(Label.SCRATCH, (x_um, y_um, x2_um, y2_um), rng.uniform(0.8, 4))
        else:
            drawn.disc(Label(int(rng.integers(2, 5))), x_um, y_um, rng.uniform(1.5, 20))
    return drawn


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), turns=st.integers(0, 3), mirrored=st.booleans(), columns=st.integers(-9, 9))
def test_turning_mirroring_and_moving_the_face_changes_no_measure(
    seed: int, turns: int, columns: int, *, mirrored: bool
) -> None:
    """The same defects with the same sizes; lines with bends vary a little."""
    drawn = random_map(seed)

    before, after = (
        sorted(each.defects(), key=lambda d: (d.area_um2, d.size_um, d.type))
        for each in (drawn, drawn.turned(turns, mirrored=mirrored).moved(columns, 0))
    )

    assert [d.type for d in before] == [d.type for d in after]
    for one, other in zip(before, after, strict=True):
        assert other.area_um2 == pytest.approx(one.area_um2, abs=0.02)
        assert other.size_um == pytest.approx(one.size_um, abs=0.02)
        assert other.size_sigma_um == pytest.approx(one.size_sigma_um, abs=0.02)
        assert other.width_um == pytest.approx(one.width_um, abs=0.02, rel=0.1)
        assert other.length_um == pytest.approx(one.length_um, abs=0.02, rel=0.1)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_point_of_an_outline_lies_in_its_box_and_near_its_circle(seed: int) -> None:
    """Areas add up to the map's at most, boxes hold the outlines, and no outline is longer across than the size."""
    drawn = random_map(seed)
    defects = drawn.defects()

    assert [defect.id for defect in defects] == list(range(1, len(defects) + 1))
    assert sum(defect.area_um2 for defect in defects) <= drawn.chance.sum() / 4 * 1.05 + 1
    for defect in defects:
        points = np.concatenate([np.array(ring) for ring in defect.polygon_px])
        x, y, width, height = defect.bbox_px
        assert (points >= (x - 0.5, y - 0.5)).all()
        assert (points <= (x + width - 0.5, y + height - 0.5)).all()
        across_um = np.linalg.norm(points[:, None] - points[None], axis=2).max() / 2
        assert across_um - 0.02 <= defect.size_um <= (across_um + 0.8) * 2 / math.sqrt(3)
        assert defect.width_um <= defect.length_um
        assert 0 <= defect.orientation_deg < 180
        assert 0 < defect.confidence <= 1
