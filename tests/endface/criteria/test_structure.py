from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.contract import Label
from endface.frame import Frame
from endface.options import Options
from endface.report import Report
from endface.stages import postprocess, preprocess

Draw = Callable[..., Any]
UNMARKED = np.zeros((512, 512), np.uint8)
RADII_PX = (103.0, 112.2)


def judge(drawn: Any, labels: NDArray[np.uint8] = UNMARKED, profile: str = "mm-pc") -> Report:
    """Both stages around a network that marks what the labels say."""
    _, frame = preprocess(drawn.png(), Options(profile))
    return postprocess(labels, np.where(labels, np.uint8(255), np.uint8(0)), Frame.from_json(frame.to_json()))


def soil(
    drawn: Any,
    diameter_um: float,
    offset_um: float,
    *,
    levels: float = 60,
    hollow_um: float = 0,
    blur_px: float = 0.7,
) -> Any:
    """Darken a disc, or a ring around ``hollow_um``, to the right of the fiber's center."""
    radius_um = distance_um(drawn, offset_um)
    dirt = ((radius_um < diameter_um / 2) & (radius_um >= hollow_um / 2)).astype(np.float32)
    drawn.gray[:] = np.clip(drawn.gray - levels * cv2.GaussianBlur(dirt, (0, 0), blur_px), 0, 255)
    return drawn


def distance_um(drawn: Any, offset_um: float = 0.0) -> NDArray[np.float64]:
    """Distance of each pixel from a place to the right of the fiber's center."""
    y, x = np.mgrid[: drawn.gray.shape[0], : drawn.gray.shape[1]]
    x_um = (x - drawn.center_px[0]) * 62.5 / RADII_PX[0] - offset_um
    y_um = (y - drawn.center_px[1]) * 62.5 / RADII_PX[1]
    return np.hypot(x_um, y_um)


def marked(diameter_um: float, offset_um: float, label: Label) -> NDArray[np.uint8]:
    """A label map with one disc."""
    y, x = (np.mgrid[:512, :512] - 255.5) * 0.5
    return np.where(np.hypot(x - offset_um, y) <= diameter_um / 2, np.uint8(label), np.uint8(0))


@pytest.mark.parametrize("offset_um", [0.0, 2.0, 5.0])
@pytest.mark.parametrize(
    ("diameter_um", "hollow_um"), [(16.0, 0.0), (30.0, 0.0), (40.0, 0.0), (30.0, 24.0), (40.0, 20.0)]
)
def test_large_dirt_in_the_core_that_nothing_marks_is_never_a_pass(
    draw_face: Draw, diameter_um: float, hollow_um: float, offset_um: float
) -> None:
    """A dark disc or ring in the core is refused, unless it is already as a core that the profile is not for."""
    report = judge(soil(draw_face(), diameter_um, offset_um, hollow_um=hollow_um))

    assert report.verdict == "invalid"
    assert report.error is not None
    like_a_core = {"profile_mismatch"} if (hollow_um or diameter_um) <= 20 else set()  # mm-pc is for larger ones
    assert report.error.code in {"unexplained_structure"} | like_a_core
    assert report.reasons == (report.error.message,)


@pytest.mark.parametrize(
    ("diameter_um", "offset_um"), [(30.0, 0.0), (30.0, 4.0), (40.0, 4.0), (10.0, 9.0), (10.0, 16.0), (16.0, 40.0)]
)
def test_dirt_around_or_beside_a_single_mode_core_is_never_a_pass(
    draw_face: Draw, diameter_um: float, offset_um: float
) -> None:
    """The core's light ends within 12 um and is as bright all around; a disc farther out or beside it is none of it."""
    drawn = draw_face(core_share=9 / 125, levels=(180, 100, 240))

    report = judge(soil(drawn, diameter_um, offset_um), profile="sm-pc-45")

    assert (report.verdict, report.error and report.error.code) == ("invalid", "unexplained_structure")


@pytest.mark.parametrize(
    ("dirt", "offset_um"),
    [
        pytest.param({"diameter_um": 12.0}, 42.0, id="outside-of-zone-a"),
        pytest.param({"diameter_um": 12.0, "levels": -40}, 42.0, id="bright-outside-of-zone-a"),
        pytest.param({"diameter_um": 16.0, "levels": -30}, 10.0, id="bright-in-the-core"),
        pytest.param({"diameter_um": 20.0, "levels": 20}, 12.0, id="faint"),
        pytest.param({"diameter_um": 20.0, "levels": 40, "blur_px": 5.0}, 10.0, id="soft"),
        pytest.param({"diameter_um": 16.0, "levels": 40}, 25.0, id="on-the-edge-of-the-core"),
        pytest.param({"diameter_um": 30.0, "levels": 30, "hollow_um": 24.0}, 14.0, id="faint-thin-ring"),
    ],
)
def test_dirt_on_one_side_is_never_a_pass(draw_face: Draw, dirt: dict[str, float], offset_um: float) -> None:
    """What lies on one side of the center differs from the rest of its ring, where a fiber has edges as well."""
    report = judge(soil(draw_face(noise=2.0), offset_um=offset_um, **dirt))

    assert (report.verdict, report.error and report.error.code) == ("invalid", "unexplained_structure")


def test_refusal_says_where_to_look_and_what_to_do(draw_face: Draw) -> None:
    """The sentence names size and place of a disc of 20 um, 15 um to the right, and the next step."""
    report = judge(soil(draw_face(), 20, 15))

    assert report.error is not None
    size_um, away_um, hour = (int(number) for number in re.findall(r"(\d+) (?:um|o'clock)", report.error.message))
    assert (size_um, away_um) == (pytest.approx(20, abs=3), pytest.approx(15, abs=3))
    assert hour == 3
    assert "clean the face and take the picture again" in report.error.message


@pytest.mark.parametrize("label", [Label.CONTAMINATION, Label.PIT])
def test_marked_dirt_fails_as_before(draw_face: Draw, label: Label) -> None:
    """A fail stays a fail."""
    report = judge(soil(draw_face(), 30, 3), marked(30, 3, label))

    assert (report.verdict, report.error) == ("fail", None)


@pytest.mark.parametrize(
    ("face", "profile"),
    [
        pytest.param({"core_share": 0.4}, "mm-pc", id="core-50-um"),
        pytest.param({"core_share": 0.5}, "mm-pc", id="core-62.5-um"),
        pytest.param({"core_share": 0.4, "levels": (180, 80, 240)}, "mm-pc", id="bright-core"),
        pytest.param({"core_share": 0.4, "levels": (180, 140, 70)}, "mm-pc", id="dark-core"),
        pytest.param({"core_share": 9 / 125, "levels": (180, 80, 240)}, "sm-pc-45", id="single-mode"),
        pytest.param({"core_share": 0.4, "noise": 5.0}, "mm-pc", id="noisy"),
    ],
)
def test_clean_face_still_passes(draw_face: Draw, face: dict[str, Any], profile: str) -> None:
    """The core's own edge is no structure that needs a mark."""
    report = judge(draw_face(**face), profile=profile)

    assert (report.verdict, report.error) == ("pass", None)


def slope(drawn: Any) -> NDArray[np.float64]:
    """Light that falls by a third from the left to the right."""
    return np.linspace(0, -0.3, drawn.gray.shape[1])[None, :] * drawn.gray


def vignette(drawn: Any) -> NDArray[np.float64]:
    """Light that falls off toward the corners."""
    return -0.3 * drawn.gray * (distance_um(drawn) / 125) ** 2


def trench(drawn: Any) -> NDArray[np.float64]:
    """A dark ring of 2 um in the cladding, twice as dark on one side as on the other."""
    uneven = 1 + np.sign(np.arange(drawn.gray.shape[1]) - drawn.center_px[0])[None, :] / 3
    return -25 * uneven * np.exp(-(((distance_um(drawn, 0.3) - 38) / 1.0) ** 2))


def mottling(drawn: Any) -> NDArray[np.float64]:
    """Grains of light all over the core."""
    grains = cv2.GaussianBlur(np.random.default_rng(1).normal(0, 1, drawn.gray.shape), (0, 0), 3.0)
    return 10 * grains / grains.std() * (distance_um(drawn) < 24)


@pytest.mark.parametrize("light", [slope, vignette, trench, mottling])
@pytest.mark.parametrize("core", [{"core_share": 0.4}, {"core_share": 0.4, "levels": (180, 80, 220)}])
def test_light_and_rings_of_a_clean_face_need_no_mark(
    draw_face: Draw, light: Callable[[Any], NDArray[np.float64]], core: dict[str, Any]
) -> None:
    """Uneven light has no edges, a fiber's ring has them all around, and lamp structure all over the core."""
    drawn = draw_face(**core)
    drawn.gray[:] = np.clip(drawn.gray + light(drawn), 0, 255)

    assert judge(drawn).error is None


def test_mark_without_a_limit_explains_what_it_covers(draw_face: Draw) -> None:
    """A scratch in the core that the limits allow still passes: it is seen, and listed."""
    drawn = draw_face()
    y = np.mgrid[: drawn.gray.shape[0], : drawn.gray.shape[1]][0]
    x = np.arange(drawn.gray.shape[1])
    across_um, along_um = (y - drawn.center_px[1]) * 62.5 / RADII_PX[1], (x - drawn.center_px[0]) * 62.5 / RADII_PX[0]
    scratch = ((np.abs(across_um - 12) < 1.2) & (np.abs(along_um)[None, :] < 40)).astype(np.float32)
    drawn.gray[:] = np.clip(drawn.gray - 90 * cv2.GaussianBlur(scratch, (0, 0), 0.7), 0, 255)
    rows, columns = (np.mgrid[:512, :512] - 255.5) * 0.5
    labels = np.where((np.abs(rows - 12) < 1.2) & (np.abs(columns) < 40), np.uint8(Label.SCRATCH), np.uint8(0))

    assert judge(drawn, labels).verdict == "pass"
    assert judge(drawn).verdict == "invalid"


def test_zone_a_that_is_not_judged_needs_no_explanation(draw_face: Draw) -> None:
    """Dirt in the core does not keep zones B to D from a pass of their own."""
    drawn = soil(draw_face(), 30, 3)
    _, frame = preprocess(drawn.png(), Options("mm-pc", zones=("B", "C", "D")))

    assert frame.structures == ()
