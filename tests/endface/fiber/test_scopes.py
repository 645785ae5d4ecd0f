from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pytest import approx

from endface.errors import DefocusError, NoFiberError, NoSuchFiberError, SeveralFibersError
from endface.fiber.locate import Located, choose, locate_all
from endface.frame import Frame
from endface.options import Options
from endface.picture.decode import decode
from endface.report import Ellipse, Problem
from endface.stages import postprocess, preprocess
from endface_build.drawing import scopes
from endface_build.drawing.camera import Camera
from endface_build.drawing.faces import Disc, Face, RimLook
from endface_build.drawing.marks import Mark, chip, pit
from endface_build.drawing.scopes import Scene

FACE = Face()

BRIGHT = Face(zones=(Disc(125.0, 130.0), Disc(50.0, 150.0)), ferrule=85.0, rim=RimLook(dark=0.0, bright=0.0))
"""A lit fiber in a darker ferrule."""


def located(scene: Scene) -> tuple[Located, ...]:
    """The fibers that are found in a scene without a frame."""
    return locate_all(decode(scene.encode()).gray)


def problem(scene: Scene, **options: Any) -> Problem | None:
    """What keeps a scene from being judged."""
    return preprocess(scene.encode(), Options("mm-pc", **options))[1].problem


def near(found: Ellipse, drawn: Ellipse, share: float = 0.03) -> bool:
    """Whether an ellipse is a drawn one to a share of the radius."""
    radius_px = sum(drawn.radii_px) / 2
    return math.dist(found.center_px, drawn.center_px) < share * radius_px and sum(found.radii_px) / 2 == approx(
        radius_px, rel=share
    )


@pytest.mark.parametrize(
    ("count", "camera"),
    [
        pytest.param(2, Camera(1152, 600, um_per_px=(0.6, 0.6)), id="two of a ribbon"),
        pytest.param(12, Camera(1600, 200, um_per_px=(2.0, 2.0)), id="twelve"),
        pytest.param(24, Camera(1920, 120, um_per_px=(3.2, 3.2)), id="twenty-four"),
    ],
)
def test_all_fibers_of_a_row_are_found_from_left_to_right(count: int, camera: Camera) -> None:
    """A row of a rectangular ferrule gives each fiber, whole, in reading order."""
    scene = scopes.row_of_fibers([FACE] * count, camera, seed=1)

    found = located(scene)

    assert len(found) == count
    assert all(near(fiber.cladding, drawn, 0.06) for fiber, drawn in zip(found, scene.claddings, strict=True))
    assert not any(fiber.cut_off for fiber in found)


def test_fibers_cut_off_by_the_border_are_named_so() -> None:
    """The outer two of three lie half beyond the picture."""
    scene = scopes.row_of_fibers([FACE] * 3, Camera(900, 500, um_per_px=(0.6, 0.6)), seed=1)

    found = located(scene)

    assert [fiber.cut_off for fiber in found] == [True, False, True]


def test_several_fibers_are_refused_unless_one_is_named() -> None:
    """The refusal says how many and where; the named one is judged, as far as it is seen."""
    scene = scopes.row_of_fibers([FACE] * 3, Camera(1152, 600, um_per_px=(0.7, 0.7)), seed=1)

    several = problem(scene)

    assert several is not None
    assert several.code == "several_fibers"
    assert "3 fibers" in several.message
    assert problem(scene, fiber=2) is None
    with pytest.raises(NoSuchFiberError, match="no fiber 4: 3 fibers are in the picture"):
        problem(scene, fiber=4)


def test_more_discs_than_a_connector_has_fibers_are_none() -> None:
    """A sieve is no ferrule; a sentence about many fibers stays short."""
    sieve = np.full((1200, 1200), 160, np.uint8)
    for x in range(50, 1150, 50):
        for y in range(50, 1150, 50):
            cv2.circle(sieve, (x, y), 20, 60, -1, cv2.LINE_AA)
    many, fewer = problem(Scene(sieve, ())), problem(Scene(sieve[:200].copy(), ()))

    assert many is not None
    assert (many.code, many.message.split(",")[0]) == ("no_fiber", "484 discs are in the picture")
    assert fewer is not None
    assert fewer.code == "several_fibers"
    assert "more places" in fewer.message


def test_choice_is_by_number_in_reading_order() -> None:
    """Numbers begin at 1; there is no choice to make where there is one fiber."""
    fibers = tuple(Located(Ellipse((x, 10.0), (5.0, 5.0)), None, None, cut_off=True) for x in (10.0, 50.0))

    assert choose(fibers, 2) is fibers[1]
    assert choose(fibers[:1]) is fibers[0]
    with pytest.raises(SeveralFibersError):
        choose(fibers)
    with pytest.raises(NoSuchFiberError, match="no fiber 3"):
        choose(fibers, 3)


@pytest.mark.parametrize("seed", range(4))
def test_fibers_in_a_rough_ferrule_are_found_although_the_border_cuts_them(seed: int) -> None:
    """Grains around the rims let no outline be a circle; the slopes of the rims still agree on the centers."""
    camera = Camera(640, 220, um_per_px=(1.2, 1.2), center_px=(320.0, 180.0))
    face = Face(zones=(Disc(125.0, 130.0),), ferrule=190.0)
    scene = scopes.rough_ferrule(scopes.row_of_fibers([face] * 3, camera, seed), seed)

    found = located(scene)

    assert [round(fiber.cladding.center_px[0] / 10) for fiber in found] == [11, 32, 53]
    assert all(near(fiber.cladding, drawn, 0.06) for fiber, drawn in zip(found, scene.claddings, strict=True))
    assert all(fiber.cut_off for fiber in found)


@pytest.mark.parametrize(
    ("rim", "rel"),
    [
        pytest.param(RimLook(dark=70.0, dark_um=1.4, bright=0.0, uneven=0.5), 0.04, id="thick uneven line"),
        pytest.param(RimLook(dark=70.0, bright=70.0, bright_um=0.8, uneven=0.4), 0.04, id="line and halo"),
        pytest.param(RimLook(dark=0.0, bright=0.0, slant=40.0), 0.01, id="light from one side"),
        pytest.param(RimLook(dark=0.0, bright=0.0), 0.01, id="plain"),
    ],
)
@pytest.mark.parametrize("um_per_px", [0.4, 0.8])
def test_cladding_in_a_dark_ferrule_is_found(rim: RimLook, rel: float, um_per_px: float) -> None:
    """Whatever its rim, a bright disc is there; only an uneven rim costs some of the radius."""
    for seed in range(4):
        face = Face(zones=(Disc(125.0, 130.0), Disc(50.0, 150.0)), ferrule=30.0, rim=rim, seed=seed)
        scene = scopes.single(face, Camera(800, 700, um_per_px=(um_per_px, um_per_px)), seed)

        (found,) = located(scene)

        assert near(found.cladding, scene.claddings[0], rel)


@pytest.mark.parametrize(("front_um", "um_per_px"), [(2500, 4.0), (1250, 2.5), (500, 1.5)])
def test_fiber_in_a_whole_ferrule_is_found(front_um: float, um_per_px: float) -> None:
    """At low magnification the largest circle is the ferrule; it is never taken for a cladding."""
    camera = Camera(800, 700, um_per_px=(um_per_px, um_per_px))
    scene = scopes.whole_ferrule(FACE, camera, seed=2, front_um=front_um)

    (found,) = located(scene)

    assert near(found.cladding, scene.claddings[0], 0.05)


@pytest.mark.parametrize(
    ("radius_px", "code"), [(330, None), (290, None), (230, "zone_cut_off")], ids=["cut", "whole", "small"]
)
def test_round_field_of_view_is_what_is_seen(radius_px: float, code: str | None) -> None:
    """Black corners are no ferrule: a fiber whose zones lie in the circle is judged, another one is cut off."""
    scene = scopes.single(FACE, Camera(800, 600, um_per_px=(0.5, 0.5)), seed=3)

    found = problem(scopes.round_field(scene, center_px=(405, 303), radius_px=radius_px))

    assert (found.code if found else None) == code


def test_small_round_field_is_no_cladding() -> None:
    """A field that is little more than half as wide as the picture is high is cut off, never judged as a fiber."""
    scene = scopes.single(FACE, Camera(1152, 864, um_per_px=(0.43, 0.43)), seed=3)
    small = scopes.round_field(scene, center_px=(576, 432), radius_px=250)

    found = problem(small)
    _, frame = preprocess(small.encode(), Options("mm-pc", zones=("A", "B")))

    assert found is not None
    assert found.code == "zone_cut_off"
    assert frame.problem is None
    assert frame.fiber is not None
    assert near(frame.fiber.cladding, scene.claddings[0])


def test_marks_outside_a_round_field_do_not_count() -> None:
    """What the network finds in the black is nothing, also after the frame has traveled as JSON."""
    scene = scopes.single(FACE, Camera(800, 600, um_per_px=(0.5, 0.5)), seed=3)
    seen = scopes.round_field(scene, center_px=(405, 303), radius_px=265)
    _, frame = preprocess(seen.encode(), Options("mm-pc"))
    labels = np.zeros((512, 512), np.uint8)
    labels[2:8, 2:8] = 2

    report = postprocess(labels, np.full_like(labels, 255), Frame.from_json(frame.to_json()))

    assert frame.seen_circle is not None
    assert report.verdict == "pass"
    assert not report.defects


def seen(scene: Scene, **options: Any) -> tuple[str | None, bool]:
    """The code of what keeps a scene from being judged, and whether the only cladding is found."""
    _, frame = preprocess(scene.encode(), Options("mm-pc", **options))
    right = frame.fiber is not None and near(frame.fiber.cladding, scene.claddings[0])
    return frame.problem and frame.problem.code, right


def test_bright_disc_in_the_middle_of_a_round_field_needs_a_scale() -> None:
    """It may be a fiber in a field of view, or a lit core in a cladding whose ferrule is black."""
    core = Face(zones=(Disc(125.0, 80.0), Disc(50.0, 150.0)), ferrule=8.0)
    lit_core = scopes.single(core, Camera(700, 560, um_per_px=(0.25, 0.25)), seed=3)
    fiber = scopes.single(BRIGHT, Camera(900, 700, um_per_px=(0.5, 0.5)), seed=3)
    in_field = scopes.round_field(fiber, center_px=(449, 349), radius_px=270)

    assert seen(lit_core)[0] == "ambiguous_cladding"
    assert seen(lit_core, um_per_px=0.25) == ("zone_cut_off", True)
    assert seen(in_field)[0] == "ambiguous_cladding"
    assert seen(in_field, um_per_px=0.5) == (None, True)


@pytest.mark.parametrize("radius_um", [80.0, 85.0, 90.0, 95.0])
@pytest.mark.parametrize("core_um", [9.0, 50.0, 62.5])
def test_tight_round_field_needs_a_scale(radius_um: float, core_um: float) -> None:
    """The edge of a field of view looks like a cladding with a large core; the scale tells which is the cladding."""
    face = replace(BRIGHT, zones=(Disc(125.0, 130.0), Disc(core_um, 175.0)))
    scene = scopes.single(face, Camera(900, 700, um_per_px=(0.5, 0.5)), seed=3)
    tight = scopes.round_field(scene, center_px=(450, 350), radius_px=radius_um / 0.5, around=4)

    assert seen(tight)[0] == "ambiguous_cladding"
    assert seen(tight, um_per_px=0.5, zones=("A", "B"), any_core=True) == (None, True)


def _dirt(at_um: float, size_um: float) -> tuple[Mark, ...]:
    return pit((at_um, 0.0), size_um, tone=-0.6), pit((at_um, 0.0), 0.45 * size_um, tone=0.9)


@pytest.mark.parametrize("size_um", [16.0, 28.0, 40.0, 58.0])
@pytest.mark.parametrize("at_um", [0.0, 6.0, 12.0])
def test_dirt_on_a_bright_fiber_is_not_taken_for_a_fiber(size_um: float, at_um: float) -> None:
    """A dark disc with a lighter middle on a fiber in a darker ferrule looks like a fiber in a whole ferrule."""
    face = replace(BRIGHT, marks=_dirt(at_um, size_um))
    scene = scopes.single(face, Camera(1000, 900, um_per_px=(0.3, 0.3)), seed=4)

    code, right = seen(scene)

    assert right or code == "ambiguous_cladding"
    assert seen(scene, um_per_px=0.3)[1]


def test_fiber_in_a_whole_ferrule_is_judged_where_the_scale_is_known() -> None:
    """Without a scale it may be dirt on a bright fiber, unless the picture is too coarse either way."""
    fine = scopes.whole_ferrule(FACE, Camera(800, 700, um_per_px=(0.8, 0.8)), seed=2, front_um=500)
    coarse = scopes.whole_ferrule(FACE, Camera(300, 250, um_per_px=(8.0, 8.0)), seed=2, front_um=500)

    assert seen(fine) == ("ambiguous_cladding", True)
    assert seen(fine, um_per_px=0.8) == (None, True)
    assert seen(coarse)[0] == "coarse_scale"


def test_screening_of_a_whole_ferrule_needs_no_scale() -> None:
    """It never passes, and so does no harm where it takes dirt for a fiber."""
    scene = scopes.whole_ferrule(FACE, Camera(800, 700, um_per_px=(2.0, 2.0)), seed=2, front_um=1000)

    assert seen(scene, screen=True) == (None, True)


@pytest.mark.parametrize(
    ("diameters_um", "code"),
    [((25.0, 240.0), "overlay"), ((125.0,), "overlay"), ((132.0,), None)],
    ids=["over zones", "over the edge", "between zones"],
)
def test_colored_circles_over_judged_zones_are_refused(diameters_um: tuple[float, ...], code: str | None) -> None:
    """Paint hides what lies under it; between the judged zones it hides nothing."""
    scene = scopes.single(FACE, Camera(800, 600, um_per_px=(0.5, 0.5)), seed=3)

    found = problem(scopes.with_circles(scene, diameters_um))

    assert (found.code if found else None) == code


def test_caption_in_a_corner_is_ignored() -> None:
    """Text beside the judged zones does not matter."""
    scene = scopes.single(FACE, Camera(800, 600, um_per_px=(0.5, 0.5)), seed=3)

    assert problem(scopes.with_caption(scene, "PASS 12:04")) is None


CHIPS = (chip(20.0, 13.0, 5.5, seed=1), chip(80.0, 9.0, 4.0, seed=2), chip(220.0, 9.0, 3.5, seed=3))


@pytest.mark.parametrize("lit", [60.0, 90.0, 200.0])
def test_negative_of_a_chipped_face_is_refused(lit: float) -> None:
    """Bright chips in a dark ferrule are those of a negative, whatever the core."""
    face = Face(zones=(Disc(125.0, 80.0), Disc(50.0, lit)), marks=CHIPS)
    scene = scopes.single(face, Camera(800, 600, um_per_px=(0.5, 0.5)), seed=3)

    found = problem(scopes.negative(scene))

    assert found is not None
    assert found.code == "negative"
    assert "dark pit" in found.message  # the other cause, which no one finds who looks for a switch in the camera


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("ferrule", "cladding", "core"), [(70.0, 160.0, 180.0), (45.0, 135.0, 145.0), (85.0, 130.0, 140.0)]
)
def test_clean_bright_fiber_in_a_much_darker_ferrule_is_no_negative(
    ferrule: float, cladding: float, core: float, seed: int
) -> None:
    """Even light and a face without a mark tell nothing of a negative."""
    face = Face(zones=(Disc(125.0, cladding), Disc(50.0, core)), ferrule=ferrule, rim=RimLook(dark=0.0, bright=0.0))
    scene = scopes.single(face, Camera(640, 560, um_per_px=(0.5, 0.5), vignette=0.0), seed)

    assert problem(scene) is None


def test_pit_in_the_middle_of_a_lit_core_is_no_negative() -> None:
    """A negative of a lit core is dark all over, not in the middle alone."""
    zones, rim = (Disc(125.0, 160.0), Disc(50.0, 180.0)), RimLook(dark=0.0, bright=0.0)
    face = Face(zones=zones, ferrule=70.0, rim=rim, marks=(pit((0.0, 0.0), 8.0),))
    scene = scopes.single(face, Camera(900, 700, um_per_px=(0.5, 0.5), vignette=0.0), seed=3)

    found = problem(scene)

    assert found is None or found.code != "negative"


def test_dark_ferrule_is_no_negative() -> None:
    """A bright cladding with dark chips, a dark line inside its edge and a halo outside is as it should be."""
    face = Face(zones=(Disc(125.0, 150.0), Disc(50.0, 160.0)), ferrule=50.0, marks=CHIPS)
    scene = scopes.single(face, Camera(800, 600, um_per_px=(0.5, 0.5)), seed=3)

    assert problem(scene) is None


@pytest.mark.parametrize(
    ("zones", "core_um", "structure"),
    [
        pytest.param((Disc(125.0, 80.0), Disc(50.0, 150.0)), 50.0, True, id="multimode"),
        pytest.param((Disc(125.0, 80.0), Disc(9.0, 150.0)), 9.0, True, id="single-mode"),
        pytest.param((Disc(125.0, 80.0),), None, False, id="plain disc"),
    ],
)
def test_what_is_seen_inside_the_cladding_is_told(
    zones: tuple[Disc, ...], core_um: float | None, structure: bool
) -> None:
    """The core's diameter, that none is seen, and that there is nothing of a fiber at all."""
    scene = scopes.single(Face(zones=zones), Camera(800, 600, um_per_px=(0.5, 0.5)), seed=3)

    (found,) = located(scene)

    assert found.structure == structure
    if core_um is None:
        assert found.core_share is None
    else:
        assert found.core_share is not None
        assert 125 * found.core_share == approx(core_um, abs=1.0)


@pytest.mark.parametrize("seed", range(6))
def test_receiver_is_never_judged(seed: int) -> None:
    """Rings of a lens and glare are no fiber."""
    assert problem(scopes.receiver(Camera(), seed)) is not None


def _foreign(real_data: Path) -> Iterator[tuple[str, dict[str, Any], tuple[Located, ...]]]:
    """Names, truths and fibers of pictures by other microscopes; no fibers where none can be located."""
    folder = real_data / "foreign"
    if not folder.is_dir():
        pytest.skip("there are no pictures of other microscopes")
    for name, truth in json.loads((folder / "truth.json").read_text()).items():
        picture = decode((folder / "images" / name).read_bytes())
        field = picture.field
        try:
            found = locate_all(picture.gray[field.y0 : field.y1, field.x0 : field.x1])
        except (NoFiberError, DefocusError):
            found = ()
        yield name, truth, tuple(fiber.moved(field.x0, field.y0) for fiber in found)


def test_fibers_are_found_in_pictures_of_other_microscopes(real_data: Path) -> None:
    """0.98 of single fibers lie within 6 % of the radius from where they are, with a radius within 4 %; a picture of
    several gives no single one, and a receiver none.
    """
    right, single = 0, 0
    for _, truth, found in _foreign(real_data):
        if truth["fibers"] == 0:
            assert not found
        elif truth["fibers"] > 1:
            assert len(found) != 1
        else:
            single += 1
            x, y, radius_x, radius_y = truth["cladding"]
            if len(found) == 1:
                (at_x, at_y), (found_x, found_y) = found[0].cladding.center_px, found[0].cladding.radii_px
                near_by = math.hypot((at_x - x) / radius_x, (at_y - y) / radius_y) < 0.06
                right += near_by and abs((found_x / radius_x + found_y / radius_y) / 2 - 1) < 0.04

    assert right >= 0.98 * single


def test_negatives_of_photographs_that_fail_are_refused(real_data: Path) -> None:
    """The labelled photographs turned around give no square to judge, but those without marks on the fiber."""
    judged = 0
    pictures = sorted((real_data / "endfaces" / "images").iterdir())
    for path in pictures:
        scene = Scene(np.bitwise_not(decode(path.read_bytes()).gray), ())
        judged += problem(scene) is None

    assert judged <= 0.1 * len(pictures)
