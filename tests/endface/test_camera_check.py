"""What a camera's pictures allow, on drawn pictures whose scale, field and light are known."""

from __future__ import annotations

import pytest
from pytest import approx

from endface.camera_check import CameraCheck, advice, check_camera
from endface.options import Options
from endface_build.drawing import scopes
from endface_build.drawing.camera import Camera
from endface_build.drawing.faces import Face
from endface_build.drawing.scopes import Scene

PROFILES = ("mm-pc", "sm-pc-45")


def checked(scene: Scene) -> CameraCheck:
    """The check of a drawn picture."""
    return check_camera(scene.encode(), PROFILES, Options("mm-pc"))


def camera(width_px: int, height_px: int, um_per_px: float) -> Camera:
    """A camera with square pixels."""
    return Camera(width_px, height_px, um_per_px=(um_per_px, um_per_px))


def test_a_good_camera_is_measured_and_can_be_judged() -> None:
    """Scale, field and zones are those that were drawn."""
    check = checked(scopes.single(Face(), camera(800, 600, 0.5), seed=1))

    assert check.problem is None
    assert check.judged_by == PROFILES
    assert check.um_per_px == approx((0.5, 0.5), rel=0.01)
    assert check.field_um == approx((400, 300), rel=0.02)
    assert check.coverage == {"A": 1.0, "B": 1.0, "C": 1.0, "D": 1.0}
    assert check.light is not None
    assert check.light.saturated == 0
    assert 0 < check.light.darkest < check.light.brightest < 255
    assert advice([check])[-1] == "nothing to change: every profile can judge every picture"


def test_too_coarse_a_camera_is_measured_all_the_same() -> None:
    """What no profile can judge has its figures, and a sentence with what to change."""
    check = checked(scopes.single(Face(), camera(300, 250, 2.5), seed=1))

    assert check.judged_by == ()
    assert check.um_per_px == approx((2.5, 2.5), rel=0.05)
    assert check.quality is not None
    assert "(coarse_scale, 1 of 1)" in advice([check])[-1]


def test_a_small_field_says_how_much_of_each_zone_is_seen() -> None:
    """A field of 200 um cuts zone D off; the zones inside are whole."""
    check = checked(scopes.single(Face(), camera(400, 400, 0.5), seed=1))

    assert check.coverage["D"] < 0.9
    assert check.coverage["A"] == check.coverage["B"] == 1.0
    assert advice([check])[-1].startswith("to change first (zone_cut_off, 1 of 1)")


def test_several_fibers_are_counted_and_the_whole_one_is_measured() -> None:
    """Two neighbors are cut off by the border."""
    check = checked(scopes.row_of_fibers([Face()] * 3, camera(900, 500, 0.6), seed=1))

    assert (check.fibers, check.cut_off) == (3, 2)
    assert check.judged_by == PROFILES
    assert "1 of 1 show several fibers" in advice([check])[1]


@pytest.mark.parametrize("data", [b"no picture", scopes.receiver(Camera(), seed=1).encode()])
def test_what_shows_no_fiber_is_refused_by_all(data: bytes) -> None:
    """Nothing is measured without a fiber."""
    check = check_camera(data, PROFILES, Options("mm-pc"))

    assert check.problem is not None
    assert check.judged_by == ()
    assert check.problem.code in advice([check])[-1]
