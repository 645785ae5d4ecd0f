"""A drawn picture shows known defects where they were put, in micrometers, and the same seed gives the same bytes."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from endface.contract import Label
from endface_build.drawing.camera import ANAMORPHIC, Camera, photograph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.faces import Disc, Face, RimLook
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import Blob, Mark, chip, particle, pit, scratch

CAMERAS = [Camera(), ANAMORPHIC]
SHARP = Camera(um_per_px=(0.25, 0.25), blur_um=0.2, noise=0.5)


def extent_um(mask: NDArray[np.bool_], um_per_px: tuple[float, float]) -> tuple[float, float]:
    """Width and height of a mask in micrometers."""
    rows, columns = np.nonzero(mask)
    return float(np.ptp(columns) + 1) * um_per_px[0], float(np.ptp(rows) + 1) * um_per_px[1]


@pytest.mark.parametrize("camera", CAMERAS)
def test_same_seed_same_bytes(camera: Camera) -> None:
    """The same face, camera and seed give the same picture; another seed gives other noise."""
    face = Face(marks=(pit((20, -35), 6), particle((60, -70), 20)), grain=1.0, lamp=3.0, seed=3)
    first, again, other = (photograph(face, camera, seed).picture for seed in (1, 1, 2))

    assert first.dtype == np.uint8
    assert first.shape == (camera.height_px, camera.width_px)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize(
    ("mark", "label", "center_um"),
    [
        (pit((20.0, -35.0), 8.0), Label.PIT, (20.0, -35.0)),
        (particle((60.0, -70.0), 20.0), Label.CONTAMINATION, (60.0, -70.0)),
        (scratch((-30.0, 80.0), (50.0, 90.0), 3.0), Label.SCRATCH, (10.0, 85.0)),
        (chip(180.0, 12.0, 6.0), Label.CHIP, (-59.5, 0.0)),
    ],
)
def test_mark_lies_where_it_was_put(camera: Camera, mark: Mark, label: Label, center_um: tuple[float, float]) -> None:
    """A mark's pixels carry its code and their centroid is its place, for square and for non-square pixels."""
    photo = photograph(Face(marks=(mark,)), camera, seed=5)
    rows, columns = np.nonzero(photo.labels == label)
    x_um = (columns.mean() - photo.placement.center_px[0]) * photo.placement.um_per_px[0]
    y_um = (rows.mean() - photo.placement.center_px[1]) * photo.placement.um_per_px[1]

    assert set(np.unique(photo.labels)) == {Label.BACKGROUND, label}
    assert (x_um, y_um) == pytest.approx(center_um, abs=0.8)


@pytest.mark.parametrize("diameter_um", [4.0, 8.0, 15.0])
def test_pit_has_its_diameter(diameter_um: float) -> None:
    """A sharply seen pit is labelled as wide as it is, within half a micrometer."""
    labels = photograph(Face(marks=(pit((0.0, 80.0), diameter_um),)), SHARP, seed=1).labels

    assert extent_um(labels == Label.PIT, SHARP.um_per_px) == pytest.approx((diameter_um, diameter_um), abs=0.5)


@pytest.mark.parametrize("width_um", [2.0, 5.0])
def test_scratch_has_its_width(width_um: float) -> None:
    """A scratch's area over its length is its width, within half a micrometer."""
    mark = scratch((-90.0, 75.0), (90.0, 75.0), width_um)
    labels = photograph(Face(marks=(mark,)), SHARP, seed=1).labels
    length_um, _ = extent_um(labels == Label.SCRATCH, SHARP.um_per_px)

    assert length_um == pytest.approx(180.0, abs=width_um + 1)
    assert (labels == Label.SCRATCH).sum() * 0.25**2 / length_um == pytest.approx(width_um, abs=0.5)


@pytest.mark.parametrize("tone", [-0.5, 0.5])
@pytest.mark.parametrize("polarity", [(180.0, 80.0), (40.0, 110.0)])
def test_both_polarities(tone: float, polarity: tuple[float, float]) -> None:
    """Dark and bright marks are drawn and labelled on bright and on dark faces alike."""
    ferrule, cladding = polarity
    face = Face(
        zones=(Disc(125.0, cladding), Disc(50.0, cladding + 20)), ferrule=ferrule, rim=RimLook(dark=0, bright=0)
    )
    clean = photograph(face, SHARP, seed=1)
    marked = photograph(replace(face, marks=(pit((0.0, 45.0), 8.0, tone=tone),)), SHARP, seed=1)
    change = marked.picture.astype(int) - clean.picture.astype(int)

    assert (marked.labels == Label.PIT).sum() > 0
    assert np.sign(change[marked.labels == Label.PIT].mean()) == np.sign(tone)
    assert np.abs(change[marked.labels == Label.BACKGROUND]).mean() < 0.1


def test_cladding_is_125_um_round() -> None:
    """The drawn cladding has its diameter in both of the camera's directions, also with non-square pixels."""
    face = Face(zones=(Disc(125.0, 60.0),), rim=RimLook(dark=0, bright=0, rough_um=0))
    camera = replace(ANAMORPHIC, noise=0.5, vignette=0.0, jpeg_quality=None)
    dark = photograph(face, camera, seed=1).picture < 120
    dark[:12] = dark[:, :15] = dark[:, -16:] = False

    assert extent_um(dark, camera.um_per_px) == pytest.approx((125.0, 125.0), abs=1.2)


def test_frame_is_black() -> None:
    """The camera's frame is black and has no labels."""
    mark = scratch((-250.0, 0.0), (250.0, 0.0), 4.0)
    picture = photograph(Face(marks=(mark,)), ANAMORPHIC, seed=1).picture

    assert picture[:, :14].max() < 20
    assert picture[:11].max() < 20


@pytest.mark.parametrize(("tone", "expected"), [(-0.5, Label.PIT), (-0.055, UNDECIDED), (-0.01, Label.BACKGROUND)])
def test_faint_marks_are_not_called_defects(tone: float, expected: int) -> None:
    """A mark far above the noise is labelled, one near it is undecided, one below it is background."""
    camera = replace(SHARP, noise=2.0, vignette=0.0)
    labels = photograph(Face(marks=(pit((0.0, 80.0), 6.0, tone=tone),), ferrule=180.0), camera, seed=1).labels

    assert set(np.unique(labels)) == {int(Label.BACKGROUND), int(expected)}


def test_marks_hide_in_lamp_structure() -> None:
    """A pit that is clear in an evenly lit core is not labelled as such in a core full of lamp structure."""
    mark = pit((5.0, 8.0), 4.0, tone=-0.12)
    even, cluttered = (
        photograph(Face(marks=(mark,), lamp=lamp, seed=2), replace(SHARP, noise=1.0), seed=1).labels
        for lamp in (0.0, 40.0)
    )

    assert (even == Label.PIT).sum() > 0
    assert (cluttered == Label.PIT).sum() == 0


@pytest.mark.parametrize(("tone", "seen"), [(-0.1, False), (-0.6, True)])
def test_marks_hide_in_a_white_core(tone: float, seen: bool) -> None:
    """Where the camera shows white, a mark that stays white too has no label; one that is dark still has."""
    face = Face(zones=(Disc(125.0, 80.0), Disc(50.0, 250.0)), marks=(pit((0.0, 8.0), 6.0, tone=tone),))
    photo = photograph(face, replace(SHARP, gain=1.4, vignette=0.0), seed=1)

    assert photo.labels.any() == seen


def test_shadows_of_dust_have_no_label() -> None:
    """Dust before the sensor darkens the picture a little and is no mark on the face."""
    clear, dusty = (photograph(Face(), replace(SHARP, shadows=count), seed=1) for count in (0, 3))

    assert clear.picture.astype(int).sum() > dusty.picture.astype(int).sum()
    assert not dusty.labels.any()


def test_a_doubtful_mark_on_a_clear_one_changes_nothing() -> None:
    """What lies on a clear mark too faintly to be told leaves that mark's label whole."""
    clear = Blob(Label.CONTAMINATION, (0.0, 80.0), 20.0, 20.0, tone=-0.3)
    doubtful = pit((2.0, 82.0), 3.0, tone=-0.055)
    camera = replace(SHARP, noise=2.0, vignette=0.0)
    labels = [photograph(Face(marks=marks), camera, 1).labels for marks in ((clear,), (clear, doubtful), (doubtful,))]

    assert np.array_equal(labels[0], labels[1])
    assert (labels[2] == UNDECIDED).any()


def test_hollow_marks() -> None:
    """A wide scratch with a faint floor has its full width, a small ring is filled, a large one keeps its hole."""
    gouge = LineMark(Label.SCRATCH, ((-80.0, 80.0), (80.0, 80.0)), 6.0, -0.4, ring=0.6)
    rings = [Blob(Label.PIT, (x_um, -80.0), size_um, size_um, ring=1.0) for x_um, size_um in ((-40, 2.5), (40, 12))]
    photo = photograph(Face(marks=(gouge, *rings)), SHARP, seed=1)
    center_px = photo.placement.center_px

    assert (photo.labels == Label.SCRATCH).sum() * 0.25**2 / 160 == pytest.approx(6.0, abs=0.7)
    assert [photo.labels[round(center_px[1] - 320), round(center_px[0] + 4 * x_um)] for x_um in (-40, 40)] == [
        Label.PIT,
        Label.BACKGROUND,
    ]


@pytest.mark.parametrize(("broken", "whole"), [(0.0, True), (0.6, False)])
def test_broken_line_has_gaps(broken: float, whole: bool) -> None:
    """A broken scratch leaves several pieces, an unbroken one a single piece."""
    line = LineMark(Label.SCRATCH, ((-100.0, 80.0), (100.0, 80.0)), 2.0, -0.4, broken=broken, seed=4)
    labels = photograph(Face(marks=(line,)), SHARP, seed=1).labels
    count, _ = cv2.connectedComponents((labels > 0).astype(np.uint8))

    assert (count - 1 == 1) is whole


def test_mark_outside_the_picture_is_ignored() -> None:
    """A mark that the camera does not see changes nothing."""
    far = Blob(Label.PIT, (2000.0, 0.0), 8.0, 8.0)
    seen, unseen = photograph(Face(), Camera(), 1), photograph(Face(marks=(far,)), Camera(), 1)

    assert np.array_equal(seen.picture, unseen.picture)
    assert not unseen.labels.any()
