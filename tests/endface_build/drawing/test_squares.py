"""The synthetic set is fixed by its seed and holds every kind of mark."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from endface.contract import SQUARE_PX, Label
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import pit
from endface_build.drawing.squares import draw_set, draw_square, far_camera, random_camera, to_square


def test_square_is_fixed_by_seed_and_number() -> None:
    """The same seed and number give the same bytes, another number or seed another face."""
    square, labels = draw_square(3, 5)

    assert square.shape == labels.shape == (SQUARE_PX, SQUARE_PX)
    assert square.dtype == labels.dtype == np.uint8
    assert all(np.array_equal(a, b) for a, b in zip((square, labels), draw_square(3, 5), strict=True))
    assert not np.array_equal(square, draw_square(3, 6)[0])
    assert not np.array_equal(square, draw_square(4, 5)[0])


def test_set_holds_every_label_and_clean_faces() -> None:
    """Twelve squares show all four kinds of marks, only known codes, and some faces without a mark."""
    maps = [draw_square(1, index)[1] for index in range(12)]
    codes = set(np.unique(np.stack(maps)).tolist())

    assert codes == {*map(int, Label), UNDECIDED}
    assert any(not labels.any() for labels in maps)


def test_set_on_disk_equals_single_squares(tmp_path: Path) -> None:
    """A set drawn by several processes is the same as its squares drawn alone, in order."""
    seen: list[int] = []
    squares, labels = draw_set(tmp_path, seed=9, count=4, workers=2, progress=seen.append)

    assert seen == list(range(1, 5))
    for index in (0, 3):
        square, truth = draw_square(9, index)
        assert np.array_equal(np.load(squares)[index], square)
        assert np.array_equal(np.load(labels)[index], truth)


@pytest.mark.parametrize("um_per_px", [(0.35, 0.35), (0.607, 0.557)])
def test_square_has_half_micrometer_pixels(um_per_px: tuple[float, float]) -> None:
    """Whatever the camera's scale, a mark lands at its micrometers on the square's 0.5 um grid."""
    face = Face(marks=(pit((40.0, -60.0), 10.0),))
    camera = Camera(width_px=900, height_px=900, um_per_px=um_per_px, noise=0.5)
    square, labels = to_square(photograph(face, camera, 1))
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
    square, labels = to_square(photograph(Face(marks=(pit((-40.0, 0.0), 8.0),)), camera, 1))

    assert np.ptp(square[5, :200]) <= 1
    assert not labels[:, :200].any()
