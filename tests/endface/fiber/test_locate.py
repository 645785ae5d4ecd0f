from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pytest import approx

from endface.errors import DefocusError, NoFiberError
from endface.fiber.locate import locate

Draw = Callable[..., Any]


@pytest.mark.parametrize(
    "face",
    [
        pytest.param({}, id="dark-cladding-brighter-core"),
        pytest.param({"levels": (180, 100, 60)}, id="darker-core"),
        pytest.param({"levels": (180, 100, 250)}, id="lit-core-brighter-than-ferrule"),
        pytest.param({"levels": (30, 60, 80)}, id="very-dark-picture-bright-cladding"),
        pytest.param({"core_share": 0}, id="no-core"),
        pytest.param({"core_share": 9 / 125}, id="single-mode-core"),
        pytest.param({"center": (140.2, 420.7)}, id="well-off-center"),
        pytest.param({"shape": (864, 1152), "center": (602.4, 343.8), "radii": (145.0, 145.0)}, id="square-pixels"),
        pytest.param({"noise": 4.0}, id="noisy"),
    ],
)
def test_cladding_is_found_to_a_tenth_of_a_pixel(draw_face: Draw, face: dict[str, Any]) -> None:
    """Whatever core, polarity, place and pixel shape; where no step stands out nothing is called a core."""
    drawn = draw_face(**face)

    found = locate(drawn.gray)

    assert found.cladding.center_px == approx(drawn.center_px, abs=0.1)
    assert found.cladding.radii_px == approx(drawn.radii_px, abs=0.2)
    assert (found.core is not None) == bool(face.get("core_share", 0.4))


@pytest.mark.parametrize("share", [9 / 125, 0.4, 0.66])
@pytest.mark.parametrize("core", [60, 140, 250])
def test_visible_core_is_fitted(draw_face: Draw, share: float, core: float) -> None:
    """A core of single-mode or multimode size, darker or brighter, is found within a pixel."""
    drawn = draw_face(core_share=share, levels=(180, 100, core))

    found = locate(drawn.gray).core

    assert found is not None
    assert found.radii_px == approx([radius * share for radius in drawn.radii_px], abs=1.0)
    assert found.center_px == approx(drawn.center_px, abs=0.5)


def test_decentered_core_is_reported_where_it_is(draw_face: Draw) -> None:
    """The core's center is its own, not the cladding's."""
    drawn = draw_face(core_share=0)
    core = np.zeros_like(drawn.gray)
    cv2.ellipse(core, (356, 291), (41, 45), 0, 0, 360, 255, -1, cv2.LINE_AA)
    gray = np.where(core > 127, np.uint8(150), drawn.gray)

    found = locate(gray).core

    assert found is not None
    assert found.center_px == approx((356, 291), abs=1.0)


def _damage(gray: NDArray[np.uint8]) -> None:
    """Chips and dirt over 100 degrees of the rim."""
    rng = np.random.default_rng(3)
    for angle in np.deg2rad(rng.uniform(0, 100, 40)):
        x, y = 350.3 + 110 * np.cos(angle), 290.8 + 110 * np.sin(angle)
        cv2.circle(gray, (round(x), round(y)), int(rng.integers(3, 9)), 20, -1)


def _rings(gray: NDArray[np.uint8]) -> None:
    """Two index rings, and a line along the rim."""
    for radius_px, level in ((60, 125), (85, 75), (105, 130)):
        cv2.circle(gray, (350, 291), radius_px, level, 2, cv2.LINE_AA)


def _hair(gray: NDArray[np.uint8]) -> None:
    """A hair whose outline runs into the fiber's."""
    cv2.polylines(gray, [np.array([(380, 300), (480, 200), (560, 260)], np.int32)], False, 95, 5)


@pytest.mark.parametrize("disturb", [_damage, _rings, _hair])
def test_disturbances_do_not_move_the_cladding(draw_face: Draw, disturb: Callable[[NDArray[np.uint8]], None]) -> None:
    """A third of the rim may be damaged, and no ring or hair is taken for the cladding."""
    drawn = draw_face(radii=(110.0, 110.0))
    gray = drawn.gray.copy()
    disturb(gray)

    found = locate(gray).cladding

    assert found.center_px == approx(drawn.center_px, abs=0.5)
    assert found.radii_px == approx(drawn.radii_px, abs=1.0)


def test_rim_beyond_the_picture_is_completed(draw_face: Draw) -> None:
    """A fiber cut by the picture's border is found from the arc that is seen."""
    drawn = draw_face(center=(650.0, 290.0), radii=(110.0, 110.0))

    found = locate(drawn.gray).cladding

    assert found.center_px == approx(drawn.center_px, abs=1.0)
    assert found.radii_px == approx(drawn.radii_px, abs=2.0)


def _spots() -> NDArray[np.uint8]:
    gray = np.full((480, 640), 200, np.uint8)
    gray[100:420:40, 100:600:60] = 0
    return gray


@pytest.mark.parametrize(
    "gray",
    [
        pytest.param(np.full((480, 640), 128, np.uint8), id="one gray level"),
        pytest.param(_spots(), id="black spots: no other outline is long enough"),
    ],
)
def test_picture_without_an_edge_is_refused(gray: NDArray[np.uint8]) -> None:
    """Nothing there has the shape of a cladding."""
    with pytest.raises(NoFiberError):
        locate(gray)


@pytest.mark.parametrize("seed", range(8))
def test_surface_without_a_fiber_is_refused(seed: int) -> None:
    """Uneven light, noise, scratches and bright blobs are no fiber."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:576, :720]
    surface = 60 + 40 * np.exp(-((x - 300) ** 2 + (y - 250) ** 2) / 2 / 200**2) + rng.normal(0, 1.5, x.shape)
    surface = np.clip(surface, 0, 255).astype(np.uint8)
    for _ in range(6):
        start, end = rng.integers(0, 570, (2, 2))
        cv2.line(surface, start.tolist(), end.tolist(), int(rng.integers(60, 200)), int(rng.integers(1, 3)))
    cv2.ellipse(surface, rng.integers(50, 500, 2).tolist(), (70, 40), 0, 0, 360, 250, -1)

    with pytest.raises(NoFiberError):
        locate(surface)


def _disc(draw: Draw, *, center: tuple[float, float], radius_px: float) -> Any:
    return draw(center=center, radii=(radius_px, radius_px), levels=(0, 255, 0), core_share=0, noise=0).gray > 127


@pytest.mark.parametrize("shift_px", [(4.0, 0.0), (0.0, -6.0), (-5.0, 5.0), (7.0, 2.0)])
@pytest.mark.parametrize("glue", [20, 50])
def test_fiber_that_leans_on_the_wall_of_a_wider_bore_is_found(
    draw_face: Draw, shift_px: tuple[float, float], glue: int
) -> None:
    """The dark crescent of glue between both is none of the cladding, although the bore's edge stands out more."""
    drawn = draw_face(radii=(110.0, 110.0))
    bore_px = 110.0 + float(np.hypot(*shift_px))
    middle = (drawn.center_px[0] + shift_px[0], drawn.center_px[1] + shift_px[1])
    gap = _disc(draw_face, center=middle, radius_px=bore_px) & ~_disc(
        draw_face, center=drawn.center_px, radius_px=110.0
    )
    gray = np.where(gap, np.uint8(glue), drawn.gray)

    found = locate(gray).cladding

    assert found.center_px == approx(drawn.center_px, abs=1.0)
    assert found.radii_px == approx(drawn.radii_px, abs=1.0)


@pytest.mark.parametrize("radius_px", [10.0, 14.0, 20.0])
def test_small_fiber_is_met_to_a_third_of_a_pixel(draw_face: Draw, radius_px: float) -> None:
    """Both sides of the edge are seen also where the radius is a few pixels."""
    drawn = draw_face(shape=(140, 180), center=(80.4, 66.2), radii=(radius_px, radius_px), core_share=0)

    found = locate(drawn.gray).cladding

    assert found.center_px == approx(drawn.center_px, abs=0.3)
    assert found.radii_px == approx(drawn.radii_px, abs=0.35)


def test_faint_edge_that_all_of_the_rim_shows_is_followed(draw_face: Draw) -> None:
    """Six levels are enough where nearly all rays agree; noise never does."""
    drawn = draw_face(levels=(106, 100, 100), core_share=0)

    found = locate(drawn.gray).cladding

    assert found.center_px == approx(drawn.center_px, abs=0.5)
    assert found.radii_px == approx(drawn.radii_px, abs=0.5)


@pytest.mark.parametrize("seed", range(4))
def test_clutter_of_discs_and_arcs_is_no_fiber(seed: int) -> None:
    """Soft blobs, arcs and dirt of all sizes, none of them round and sharp, are refused."""
    rng = np.random.default_rng((seed, 5))
    gray: NDArray[np.float32] = np.full((576, 720), 120.0, np.float32)
    for _ in range(12):
        x, y = rng.integers(0, [720, 576]).tolist()
        axes = int(rng.integers(20, 60)), int(rng.integers(90, 160))
        first = int(rng.integers(0, 360))
        cv2.ellipse(gray, (x, y), axes, int(rng.integers(20, 70)), first, first + 150, float(rng.uniform(40, 220)), 3)
    uneven = cv2.GaussianBlur(rng.normal(0, 400, gray.shape).astype(np.float32), (0, 0), 25)
    gray = (gray + uneven + rng.normal(0, 1.5, gray.shape)).astype(np.float32)

    with pytest.raises((NoFiberError, DefocusError)):
        locate(np.clip(gray, 0, 255).astype(np.uint8))
