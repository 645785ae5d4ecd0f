"""Random damage of the rim: chips, slivers, ragged stretches, and arcs of voids along the cladding's edge."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from endface.contract import Label
from endface_build.drawing.faces import Face
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import Blob, Mark
from endface_build.drawing.random_beads import random_beads
from endface_build.drawing.random_places import Point, log_uniform, random_seed, random_tone


def chips(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Single nicks."""
    for _ in range(rng.geometric(0.35)):
        yield random_chip(rng, face, rng.uniform(0, 2 * math.pi), float(np.exp(rng.normal(1.2, 0.55))))


def random_chip(rng: np.random.Generator, face: Face, angle: float, length_um: float) -> Blob:
    """A nick at the rim: mostly along it, sometimes a spike across, sometimes a ring."""
    depth_um = max(0.9, min(length_um * rng.uniform(0.3, 0.9), 7.0))
    radius_um = face.cladding_um / 2 - depth_um / 2 + rng.uniform(-0.8, 1.0)
    lean_deg = rng.uniform(-90, 90) if rng.random() < 0.2 else rng.normal(0, 12)
    return Blob(
        Label.CHIP,
        (radius_um * math.cos(angle), radius_um * math.sin(angle)),
        length_um,
        depth_um,
        angle_deg=math.degrees(angle) + 90 + lean_deg,
        tone=random_tone(rng, 0.2, 0.95, bright=0.12),
        roughness=rng.uniform(0.02, 0.25),
        ring=rng.uniform(0.6, 2) if rng.random() < 0.3 else 0.0,
        speckle=rng.uniform(0, 0.6) if rng.random() < 0.3 else 0.0,
        seed=random_seed(rng),
    )


def slivers(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Thin pieces that broke away along the rim."""
    for _ in range(rng.geometric(0.4)):
        width_um, length_um = rng.uniform(0.9, 2.6), rng.uniform(5, 30)
        radius_um = face.cladding_um / 2 - width_um / 2 + rng.uniform(-0.6, 0.8)
        start, span = rng.uniform(0, 2 * math.pi), length_um / radius_um
        yield LineMark(
            Label.CHIP,
            _arc(radius_um, start, span),
            width_um,
            random_tone(rng, 0.4, 0.95, bright=0.08),
            grain_um=rng.uniform(1.5, 6),
            uneven=rng.uniform(0.1, 0.4),
            seed=random_seed(rng),
        )


def ragged_rim(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A stretch of rim from which piece after piece broke away."""
    start, span = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 2.5)
    for angle in rng.uniform(start, start + span, round(span * rng.uniform(4, 12))):
        yield random_chip(rng, face, angle, rng.uniform(1.5, 12))
    if rng.random() < 0.5:
        yield LineMark(
            Label.CHIP,
            _arc(face.cladding_um / 2 - rng.uniform(-0.3, 1.2), start, span),
            rng.uniform(0.8, 2.5),
            random_tone(rng, 0.2, 0.95, bright=0.15),
            broken=rng.uniform(0, 0.4),
            grain_um=rng.uniform(0.8, 4),
            uneven=rng.uniform(0.4, 0.9),
            speckle=rng.uniform(0, 0.8),
            seed=random_seed(rng),
        )


def rim_voids(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Arcs of dark and bright beads along the cladding's edge: a ring of voids, one chip with its gaps."""
    tone, bead_um, gap = random_tone(rng, 0.35, 0.95, bright=0.5), rng.uniform(1.0, 4.0), rng.uniform(0, 1.0)
    flipped = rng.uniform(0, 0.6) if rng.random() < 0.7 else 0.0
    for _ in range(rng.geometric(0.4)):
        radius_um = face.cladding_um / 2 - rng.uniform(-0.8, 2.5)
        length_um = log_uniform(rng, 5, 40)
        points = _arc(radius_um, rng.uniform(0, 2 * math.pi), length_um / radius_um)
        line = LineMark(
            Label.CHIP,
            points,
            bead_um * rng.uniform(0.6, 1.1),
            float(np.clip(tone * rng.uniform(0.6, 1.4), -0.95, 0.95)),
            grain_um=rng.uniform(2, 6),
            uneven=rng.uniform(0, 0.4),
            flipped=flipped,
            seed=random_seed(rng),
        )
        yield replace(line, beads_um=random_beads(rng, line.length_um, bead_um, gap))


def _arc(radius_um: float, start: float, span: float) -> tuple[Point, ...]:
    """An arc around the fiber's center as a polyline with a corner about every 2 um."""
    angles = np.linspace(start, start + span, 3 + round(span * radius_um / 2))
    return tuple((radius_um * math.cos(a), radius_um * math.sin(a)) for a in angles)
