"""The coarsest scales on drawn faces: what is found and measured there, and what a screening says."""

from __future__ import annotations

import math
from statistics import median

import pytest

from endface import offline
from endface.criteria.profile import load_profile
from endface.criteria.scale import coarsest_um_per_px
from endface.options import Options
from endface_build.drawing import scopes
from endface_build.drawing.camera import Camera
from endface_build.drawing.faces import Disc, Face
from endface_build.drawing.marks import pit

PLACES_UM = [(radius * math.cos(turn), radius * math.sin(turn)) for radius in (30.0, 45.0) for turn in range(6)]


def face_of(profile: str, size_um: float | None) -> Face:
    """A face of the profile's fiber, with twelve pits of a diameter between core and rim, or none."""
    core_um = 9.0 if profile.startswith("sm-") else 50.0
    places = PLACES_UM if core_um < 20 else [(x, y) for x, y in PLACES_UM if math.hypot(x, y) > 40]
    marks = () if size_um is None else tuple(pit(place, size_um) for place in places)
    return Face(zones=(Disc(125.0, 110.0), Disc(core_um, 150.0)), marks=marks)


def camera_of(um_per_px: float) -> Camera:
    """A good camera of a scale: what it blurs is a third of a pixel and more."""
    side_px = math.ceil(300 / um_per_px)
    return Camera(side_px, side_px, um_per_px=(um_per_px, um_per_px), blur_um=max(0.45, 0.35 * um_per_px))


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("profile", ["sm-pc-45", "mm-pc"])
def test_marks_at_the_limit_are_found_and_measured_at_the_coarsest_scale(profile: str) -> None:
    """Nine of ten pits of the smallest size that decides are found, and look a camera pixel too large at the most."""
    limits = load_profile(profile)
    size_um, um_per_px = limits.deciding_um, coarsest_um_per_px(limits)
    face = face_of(profile, size_um)
    sizes: list[float] = []
    for seed in range(4):
        scene = scopes.single(face, camera_of(um_per_px * 0.99), seed)
        found = offline.inspect(scene.encode(), Options(profile)).defects
        for mark in face.marks:
            sizes += [each.size_um for each in found if math.dist(each.center_um, mark.center_um) < size_um][:1]

    assert len(sizes) >= 0.9 * 4 * len(face.marks)
    assert 0 <= median(sizes) - size_um <= um_per_px


@pytest.mark.usefixtures("repository")
@pytest.mark.parametrize("um_per_px", [1.7, 2.4])
@pytest.mark.parametrize("profile", ["sm-pc-45", "mm-pc"])
def test_screening_stops_large_marks_and_no_clean_face(profile: str, um_per_px: float) -> None:
    """Pits of 15 um fail a face at a scale at which a clean one is too coarse to pass."""
    verdicts = []
    for size_um in (None, 15.0):
        scene = scopes.single(face_of(profile, size_um), camera_of(um_per_px), seed=1)
        report = offline.inspect(scene.encode(), Options(profile, screen=True))
        verdicts.append((report.verdict, report.error and report.error.code))

    assert verdicts == [("invalid", "too_coarse_to_pass"), ("fail", None)]
