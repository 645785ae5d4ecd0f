"""The synthetic set is fixed by its seed and holds every kind of mark."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from endface.contract import SQUARE_PX, Label
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.faces import Disc, Face, RimLook
from endface_build.drawing.marks import pit
from endface_build.drawing.squares import Square, draw_set, draw_square, far_camera, random_camera, to_square


def test_square_is_fixed_by_seed_and_number() -> None:
    """The same seed and number give the same bytes, another number or seed another face."""
    square = draw_square(3, 5)

    assert {plane.shape for plane in square} == {(SQUARE_PX, SQUARE_PX)}
    assert {plane.dtype for plane in square} == {np.dtype(np.uint8)}
    assert all(np.array_equal(a, b) for a, b in zip(square, draw_square(3, 5), strict=True))
    assert not np.array_equal(square.gray, draw_square(3, 6).gray)
    assert not np.array_equal(square.gray, draw_square(4, 5).gray)


def test_set_holds_every_label_and_clean_faces() -> None:
    """Twelve squares show all four kinds of marks, only known codes, and some faces without a mark."""
    maps = [draw_square(1, index).labels for index in range(12)]
    codes = set(np.unique(np.stack(maps)).tolist())

    assert codes == {*map(int, Label), UNDECIDED}
    assert any(not labels.any() for labels in maps)


def test_set_on_disk_equals_single_squares(tmp_path: Path) -> None:
    """A set drawn by several processes is the same as its squares drawn alone, in order."""
    seen: list[int] = []
    paths = draw_set(tmp_path, seed=9, count=4, workers=2, progress=seen.append)

    assert seen == list(range(1, 5))
    assert [path.name for path in paths] == ["squares.npy", "labels.npy", "coverage.npy"]
    for index in (0, 3):
        for path, plane in zip(paths, draw_square(9, index), strict=True):
            assert np.array_equal(np.load(path)[index], plane)


@pytest.mark.parametrize("um_per_px", [(0.35, 0.35), (0.607, 0.557)])
def test_square_has_half_micrometer_pixels(um_per_px: tuple[float, float]) -> None:
    """Whatever the camera's scale, a mark lands at its micrometers on the square's 0.5 um grid."""
    face = Face(marks=(pit((40.0, -60.0), 10.0),))
    camera = Camera(width_px=900, height_px=900, um_per_px=um_per_px, noise=0.5)
    square, labels = to_square(photograph(face, camera, 1)).outlined
    rows, columns = np.nonzero(labels == Label.PIT)

    assert square.shape == (SQUARE_PX, SQUARE_PX)
    assert ((columns.mean() - 255.5) * 0.5, (rows.mean() - 255.5) * 0.5) == pytest.approx((40.0, -60.0), abs=0.3)
    assert (np.ptp(columns) + 1) * 0.5 == pytest.approx(10.0, abs=1.0)


@pytest.mark.parametrize("seed", range(12))
def test_a_far_camera_leaves_the_ranges_of_training(seed: int) -> None:
    """One property of a far camera lies outside what a thousand cameras of training have."""
    near = [random_camera(np.random.default_rng((9, number))) for number in range(1000)]
    camera = far_camera(np.random.default_rng(seed))
    most = {name: max(getattr(each, name) for each in near) for name in ("blur_um", "noise", "noise_grain_px")}
    most |= {name: max(getattr(each, name) for each in near) for name in ("vignette", "sharpen")}
    least_quality = min(each.jpeg_quality for each in near if each.jpeg_quality is not None)

    above = sum(getattr(camera, name) > limit for name, limit in most.items())
    assert above + (camera.jpeg_quality is not None and camera.jpeg_quality < least_quality) == 1


def test_unseen_parts_repeat_the_border() -> None:
    """Where the camera saw nothing the square repeats the picture's border and holds no labels."""
    camera = replace(Camera(), width_px=500, center_px=(50.0, 431.5), noise=0.0, vignette=0.0)
    square, labels, _ = to_square(photograph(Face(marks=(pit((-40.0, 0.0), 8.0),)), camera, 1))

    assert np.ptp(square[5, :200]) <= 1
    assert not labels[:, :200].any()


def drawn_disc(center_um: tuple[float, float], diameter_um: float, camera: Camera) -> Square:
    """A dark disc on plain glass."""
    face = Face(zones=(Disc(125.0, 160.0),), marks=(pit(center_um, diameter_um),), rim=RimLook(dark=0, bright=0))
    return to_square(photograph(face, camera, 1))


@pytest.mark.parametrize("um_per_px", [(0.3, 0.3), (0.43, 0.43), (0.607, 0.557)])
@pytest.mark.parametrize("diameter_um", [8.0, 20.0])
def test_coverage_adds_up_to_the_marks_area(um_per_px: tuple[float, float], diameter_um: float) -> None:
    """A disc covers as many pixels, shares of pixels counted, as its area says: within 2 % of it, and within 0.1 um of
    its diameter, since the outline at 45 % of the contrast lies a little outside the disc's edge.
    """
    square = drawn_disc((10.3, -20.7), diameter_um, Camera(760, 760, um_per_px=um_per_px, blur_um=0.3))
    area_um2 = square.coverage.sum() / 255 * 0.25

    assert area_um2 == pytest.approx(math.pi / 4 * diameter_um**2, rel=0.02)
    assert math.sqrt(area_um2 * 4 / math.pi) == pytest.approx(diameter_um, abs=0.1)


@pytest.mark.parametrize("shift_um", [0.05, 0.12, 0.25, 0.4])
def test_coverage_moves_with_the_mark(shift_um: float) -> None:
    """A mark that lies a part of a pixel further right has its coverage that much further right."""
    camera = Camera(760, 760, um_per_px=(0.4, 0.4), blur_um=0.4)
    still, moved = (drawn_disc((10.0 + shift, -20.0), 9.0, camera).coverage / 255 for shift in (0.0, shift_um))
    columns_um = (np.arange(SQUARE_PX) - 255.5) * 0.5
    centers_um = [(plane.sum(axis=0) * columns_um).sum() / plane.sum() for plane in (still, moved)]

    assert centers_um[0] == pytest.approx(10.0, abs=0.03)
    assert centers_um[1] - centers_um[0] == pytest.approx(shift_um, abs=0.03)


def test_labels_reach_as_far_as_an_eighth_of_coverage() -> None:
    """Every pixel that a mark covers by an eighth carries its label, and no other does."""
    square = drawn_disc((10.0, -20.0), 9.0, Camera(760, 760, um_per_px=(0.4, 0.4)))

    assert np.array_equal(square.labels == Label.PIT, square.coverage >= 32)
    assert np.array_equal(square.outlined[1] == Label.PIT, square.coverage >= 128)
