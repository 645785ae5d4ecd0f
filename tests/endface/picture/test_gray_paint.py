"""Lines in gray that a microscope's software drew: what is refused for them, and what is not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.errors import PictureError
from endface.options import Options
from endface.picture.decode import decode
from endface.picture.gray_paint import find_gray_paint
from endface.stages import locate_fibers, preprocess
from endface_build.data.drawn_pictures import draw_labelled
from endface_build.drawing import scopes
from endface_build.drawing.camera import Camera
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import scratch
from endface_build.drawing.scopes import Scene

CAMERA = Camera(1152, 864, um_per_px=(0.43, 0.43))
GRAY = (20, 20, 20)
COLORS = pytest.mark.parametrize("color", [scopes.WHITE, scopes.BLACK, GRAY], ids=["white", "black", "dark gray"])
ENCODINGS = pytest.mark.parametrize("quality", [None, 90, 75], ids=["png", "jpeg 90", "jpeg 75"])


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A clean multimode face."""
    return scopes.single(Face(), CAMERA, seed=3)


def code(scene: Scene, quality: int | None = None, profile: str = "mm-pc") -> str | None:
    """What a scene, saved as PNG or as JPEG of a quality, is refused for."""
    picture = scene.picture if scene.picture.ndim == 2 else cv2.cvtColor(scene.picture, cv2.COLOR_BGR2GRAY)
    ending, options = (".png", []) if quality is None else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality])
    _, data = cv2.imencode(ending, picture, options)
    problem = preprocess(data.tobytes(), Options(profile))[1].problem
    return None if problem is None else problem.code


@COLORS
@ENCODINGS
def test_zone_circles_in_gray_are_refused(scene: Scene, color: tuple[int, int, int], quality: int | None) -> None:
    """The circles of zones A and B lie on judged zones, whatever the level they are drawn in."""
    assert code(scopes.with_circles(scene, (65.0, 110.0), color=color), quality) == "overlay"


@COLORS
@ENCODINGS
@pytest.mark.parametrize("width_px", [1, 2])
def test_crosshair_in_gray_is_refused(
    scene: Scene, color: tuple[int, int, int], quality: int | None, width_px: int
) -> None:
    """It crosses the core, and is no scratch: it keeps its level from the ferrule to the core."""
    assert code(scopes.with_crosshair(scene, color=color, width_px=width_px), quality) == "overlay"


def test_white_text_on_the_cladding_is_refused(scene: Scene) -> None:
    """Its strokes are of one level, and sharper than anything on a fiber."""
    x, y = (round(each) for each in scene.claddings[0].center_px)
    picture = scene.picture.copy()
    cv2.putText(picture, "ZONE B 12:04", (x - 100, y + 60), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)

    assert code(Scene(picture, scene.claddings)) == "overlay"


def test_what_lies_beside_the_judged_zones_is_ignored(scene: Scene) -> None:
    """A caption and a time stamp in the corners, and a scale bar below zone D, cover nothing that is judged."""
    marked = scopes.with_caption(scene, "PASS 12:04", color=scopes.WHITE)
    cv2.putText(marked.picture, "200 um", (900, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, scopes.BLACK, 1)
    cv2.line(marked.picture, (900, 850), (1100, 850), scopes.WHITE, 2)

    assert code(marked) is None


def test_circle_between_judged_zones_is_ignored(scene: Scene) -> None:
    """Zone C of multimode fibers has no limits."""
    assert code(scopes.with_circles(scene, (132.0,), color=scopes.WHITE)) is None


@pytest.mark.parametrize(
    ("start_um", "end_um"), [((-110, 40), (110, 40)), ((30, -100), (30, 100)), ((-90, -70), (90, 75))]
)
def test_scratch_across_the_face_is_no_drawn_line(start_um: tuple[float, float], end_um: tuple[float, float]) -> None:
    """Level, upright or slanted: it is blurred as the face is, and as bright as what it crosses makes it."""
    face = Face(marks=(scratch(start_um, end_um, 2.0),))

    assert code(scopes.single(face, CAMERA, seed=3)) is None


def paint_of(data: bytes) -> NDArray[np.bool_] | None:
    """Lines in gray on the first fiber of a picture; None where there is none."""
    picture = decode(data)
    try:
        fiber = locate_fibers(picture)[0].fiber
    except PictureError:
        return None
    return find_gray_paint(picture.gray, fiber.cladding, fiber.core)


def test_no_lines_are_found_on_drawn_faces() -> None:
    """Scratches, pits, dirt, rims and rings, sharpened and compressed, are none of a microscope's software."""
    for fiber in ("multimode", "single-mode"):
        for number in range(12):
            assert paint_of(draw_labelled(fiber, number, 991).data) is None, f"{fiber} {number}"  # type: ignore[arg-type] # a literal


def test_no_lines_are_found_on_photographs(real_data: Path) -> None:
    """None of the labelled and unlabelled photographs shows an overlay."""
    for folder in (real_data / "endfaces" / "images", real_data / "unlabelled"):
        for path in sorted(folder.iterdir()):
            assert paint_of(path.read_bytes()) is None, path.name


@pytest.mark.parametrize("name", ["exfo_fip435b__Fiber1_A-B.png", "viavi_fiberchek__report_highmag.png"])
def test_circles_of_a_test_set_are_found_without_their_color(real_data: Path, name: str) -> None:
    """Two makers' zone circles."""
    path = real_data / "foreign" / "images" / name
    if not path.is_file():
        pytest.skip("there are no pictures of other microscopes")

    assert paint_of(path.read_bytes()) is not None
