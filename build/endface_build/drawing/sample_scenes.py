"""Scenes of the demo's pictures: what each shows, its face and its camera."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from endface.contract import Label
from endface_build.drawing.camera import ANAMORPHIC, Camera
from endface_build.drawing.faces import Disc, Face, RimLook, Ring
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import Blob, Mark, chip, particle, pit, scratch

MULTIMODE = Face(
    zones=(Disc(125.0, 84.0), Disc(50.0, 168.0, 1.2)),
    ferrule=186.0,
    rings=(Ring(75.0, 1.2, 6.0),),
    rim=RimLook(dark=42.0, bright=26.0, uneven=0.25),
    lamp=2.0,
    grain=0.6,
    seed=11,
)
SINGLE_MODE = Face(
    zones=(Disc(125.0, 92.0), Disc(9.2, 176.0, 1.4)),
    ferrule=172.0,
    rim=RimLook(dark=36.0, bright=20.0, uneven=0.2),
    grain=0.5,
    seed=12,
)
LARGE_CORE = Face(
    zones=(Disc(125.0, 104.0), Disc(108.0, 100.0, 1.5), Disc(83.0, 216.0, 2.4)),
    ferrule=168.0,
    rim=RimLook(dark=18.0, bright=14.0, slant=26.0, slant_deg=10.0, uneven=0.15),
    glow=26.0,
    lamp=3.5,
    grain=0.8,
    seed=13,
)
MICROSCOPE = Camera(noise=1.1, vignette=0.1, sharpen=0.7, jpeg_quality=92)


@dataclass(frozen=True)
class Sample:
    """One picture of the demo: file name, what it shows, face, camera."""

    name: str
    shows: str
    face: Face
    camera: Camera


def _dust(seed: int, count: int) -> tuple[Mark, ...]:
    """A few faint small pits on the ferrule, which even a good face has."""
    rng = np.random.default_rng(seed)
    places = [
        (radius, angle)
        for radius, angle in zip(rng.uniform(75, 115, count), rng.uniform(0, 2 * math.pi, count), strict=True)
    ]
    return tuple(
        Blob(Label.PIT, (r * math.cos(a), r * math.sin(a)), 2.2, 1.8, tone=-0.35, roughness=0.1, seed=seed + i)
        for i, (r, a) in enumerate(places)
    )


def _droplets(seed: int, start_um: tuple[float, float], heading_deg: float, count: int) -> tuple[Mark, ...]:
    """A trail of dried droplets."""
    rng = np.random.default_rng(seed)
    marks: list[Mark] = []
    x_um, y_um = start_um
    for number in range(count):
        size_um = float(rng.uniform(1.6, 4.2))
        ring = 1.3 if size_um > 3 else 0.0
        marks.append(
            Blob(Label.CONTAMINATION, (x_um, y_um), size_um * 1.1, size_um, 0, -0.55, 0.1, ring, seed=seed + number)
        )
        angle = math.radians(heading_deg + rng.normal(0, 18))
        x_um, y_um = x_um + rng.uniform(3, 6) * math.cos(angle), y_um + rng.uniform(3, 6) * math.sin(angle)
    return tuple(marks)


DIRT = (
    *_droplets(31, (38.0, -100.0), 75.0, 16),
    *_droplets(32, (58.0, -104.0), 65.0, 14),
    particle((-74.0, 52.0), 17.0, tone=-0.7, seed=4),
    Blob(Label.CONTAMINATION, (-34.0, -38.0), 13.0, 7.0, 60.0, -0.6, 0.15, speckle=0.5, seed=5),
)
LINES = (
    scratch((-118.0, -66.0), (112.0, 24.0), 1.6, tone=-0.3),
    LineMark(
        Label.SCRATCH,
        ((-104.0, 30.0), (-30.0, 46.0), (52.0, 52.0), (118.0, 44.0)),
        1.0,
        -0.22,
        0.16,
        broken=0.25,
        seed=6,
    ),
    LineMark(
        Label.SCRATCH,
        ((-108.0, 36.0), (-34.0, 52.0), (48.0, 58.0), (114.0, 50.0)),
        0.9,
        -0.2,
        0.16,
        broken=0.35,
        seed=7,
    ),
)
NICKS = (
    chip(205.0, 13.0, 5.5, seed=1),
    chip(215.0, 6.0, 3.0, seed=2),
    chip(38.0, 9.0, 3.5, seed=3),
    chip(300.0, 4.5, 2.5, seed=8),
)
CORE_PITS = (pit((-8.0, 6.0), 4.0), pit((11.0, -9.0), 6.5), pit((2.0, 17.0), 3.5), pit((-40.0, -22.0), 5.0))
OFF_CENTER = replace(MICROSCOPE, center_px=(405.0, 330.0))
SAMPLES: tuple[Sample, ...] = (
    Sample("multimode-clean.jpg", "a clean multimode fiber", replace(MULTIMODE, marks=_dust(21, 3)), MICROSCOPE),
    Sample(
        "single-mode-clean.png",
        "a clean single-mode fiber",
        replace(SINGLE_MODE, marks=()),
        replace(MICROSCOPE, jpeg_quality=None),
    ),
    Sample(
        "scratched.jpg",
        "a deep scratch through the core, two polishing lines",
        replace(MULTIMODE, marks=LINES, seed=14),
        MICROSCOPE,
    ),
    Sample(
        "pits-in-core.jpg",
        "three pits in the core, one in the cladding",
        replace(MULTIMODE, marks=(*CORE_PITS, *_dust(22, 4)), seed=15),
        replace(MICROSCOPE, light=(0.35, 0.2)),
    ),
    Sample("contaminated.jpg", "droplet trails and particles", replace(LARGE_CORE, marks=DIRT), ANAMORPHIC),
    Sample(
        "chipped.jpg",
        "nicks at the cladding's edge",
        replace(MULTIMODE, marks=(*NICKS, *_dust(23, 3)), seed=16),
        MICROSCOPE,
    ),
    Sample(
        "off-center.jpg",
        "a single-mode fiber far off the center, one scratch on the cladding",
        replace(SINGLE_MODE, marks=(scratch((-50.0, 18.0), (46.0, 38.0), 1.2, tone=-0.3), *_dust(24, 3)), seed=17),
        OFF_CENTER,
    ),
    Sample(
        "out-of-focus.jpg",
        "the same camera, badly focused: cannot be judged",
        replace(LARGE_CORE, marks=_dust(25, 5), seed=18),
        replace(ANAMORPHIC, blur_um=6.0),
    ),
)
"""The demo's pictures."""

CLEANED = replace(MULTIMODE, grain=1.4, polish=0.8, seed=19)
"""One face in three pictures: dirty, wiped, clean."""

_STUCK = particle((13.0, 9.0), 8.0, tone=-0.7, seed=41)
_WIPED_OFF = (
    particle((-27.0, 16.0), 15.0, tone=-0.7, seed=42),
    particle((24.0, -31.0), 10.0, tone=-0.65, seed=43),
    particle((-44.0, -22.0), 9.0, tone=-0.65, seed=44),
    *_droplets(45, (30.0, 78.0), 160.0, 6),
)
_LEFT_BY_THE_WIPE = particle((-14.0, 43.0), 7.0, tone=-0.6, seed=46)
_DUST = _dust(26, 3)
CLEANING: tuple[Sample, ...] = (
    Sample("dirty.jpg", "a dirty face", replace(CLEANED, marks=(*_DUST, _STUCK, *_WIPED_OFF)), MICROSCOPE),
    Sample(
        "wiped.jpg",
        "the same face, wiped: one particle has stayed, one is new",
        replace(CLEANED, marks=(*_DUST, _STUCK, _LEFT_BY_THE_WIPE)),
        MICROSCOPE,
    ),
    Sample("clean.jpg", "the same face, clean", replace(CLEANED, marks=_DUST), MICROSCOPE),
)
"""Pictures of one face while it is cleaned, for the station's demo."""
