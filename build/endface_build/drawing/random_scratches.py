"""Random scratches: single ones of any length, and bundles of polishing lines."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from endface.contract import Label
from endface_build.drawing.drawn_mark import EDGE_UM
from endface_build.drawing.faces import Face
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import Blob, Mark
from endface_build.drawing.random_places import Point, random_place, random_seed, random_tone

WIDE_UM = 2.0
"""Width from which a scratch shows walls and a floor."""

FINE_LOG_UM = (math.log(0.4), math.log(2.0))
WIDE_LOG_UM = (math.log(2.0), math.log(10.0))
"""Ends of the logarithm of widths: what polishing grit leaves, and what a loose grain gouges."""


def _scratch(rng: np.random.Generator, face: Face, points: list[Point], width_um: float, tone: float) -> Iterator[Mark]:
    """One scratch, perhaps broken, perhaps of the other sign on the glass, perhaps with droplets on it; a wide one is
    a gouge with soft flanks, a rough floor or two walls.
    """
    wide = width_um > WIDE_UM
    other = -tone * rng.uniform(0.3, 1.5) if rng.random() < 0.35 else tone * rng.uniform(0.5, 1.5)
    broken = rng.uniform(0.15, 0.7) if rng.random() < 0.4 else 0.0
    inside_um = face.cladding_um / 2
    yield LineMark(
        Label.SCRATCH,
        tuple(points),
        width_um,
        tone,
        other,
        inside_um,
        broken,
        rng.uniform(4, 30),
        edge_um=max(EDGE_UM, width_um * rng.uniform(0, 0.8)),
        uneven=rng.uniform(0, 0.3) if rng.random() < 0.5 else 0.0,
        ring=rng.uniform(0.3, 1.6) if wide and rng.random() < 0.4 else 0.0,
        speckle=rng.uniform(0.1, 0.9) if wide and rng.random() < 0.6 else 0.0,
        seed=random_seed(rng),
    )
    if rng.random() < 0.15:
        corners = np.asarray(points)
        for _ in range(rng.integers(2, 14)):
            spot, share = rng.integers(len(corners) - 1), rng.random()
            x_um, y_um = corners[spot] * (1 - share) + corners[spot + 1] * share
            long_um = width_um * rng.uniform(1, 5)
            angle = math.degrees(math.atan2(*(corners[spot + 1] - corners[spot])[::-1]))
            yield Blob(
                Label.SCRATCH,
                (x_um, y_um),
                long_um + 0.5,
                width_um * rng.uniform(0.6, 1.2) + 0.5,
                angle,
                min(2 * tone, -0.1),
                0.1,
                seed=random_seed(rng),
            )


def scratches(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Single scratches, half of them short, half right across the face."""
    for _ in range(rng.geometric(0.45)):
        length_um = rng.uniform(10, 60) if rng.random() < 0.5 else rng.uniform(60, 320)
        middle, angle, bow = random_place(rng, face), rng.uniform(0, math.pi), rng.normal(0, 0.04) * length_um
        width_um = math.exp(rng.uniform(*(WIDE_LOG_UM if rng.random() < 0.3 else FINE_LOG_UM)))
        if length_um < 4 * width_um:
            continue
        points = _arc(middle, angle, length_um, bow)
        yield from _scratch(rng, face, points, width_um, random_tone(rng, 0.01, 0.5, bright=0.25))


def _arc(middle: Point, angle: float, length_um: float, bow_um: float) -> list[Point]:
    """A shallow arc as a polyline: a chord through ``middle`` that bows by ``bow_um``."""
    along = np.linspace(-0.5, 0.5, 2 if abs(bow_um) < 0.2 else 9)
    across_um = bow_um * (1 - 4 * along**2)
    x_um = middle[0] + along * length_um * math.cos(angle) - across_um * math.sin(angle)
    y_um = middle[1] + along * length_um * math.sin(angle) + across_um * math.cos(angle)
    return [(float(x), float(y)) for x, y in zip(x_um, y_um, strict=True)]


def polishing_lines(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Bundles of parallel curved lines."""
    for _ in range(rng.integers(1, 3)):
        middle, angle, length_um = random_place(rng, face), rng.uniform(0, math.pi), rng.uniform(60, 300)
        bow_um, tone, width_um = rng.normal(0, 0.08) * length_um, random_tone(rng, 0.03, 0.4), rng.uniform(0.5, 1.3)
        for offset_um in np.cumsum(rng.uniform(1.5, 12, rng.integers(3, 10))):
            shifted = (middle[0] - offset_um * math.sin(angle), middle[1] + offset_um * math.cos(angle))
            points = _arc(shifted, angle + rng.normal(0, 0.01), length_um * rng.uniform(0.5, 1), bow_um)
            yield from _scratch(rng, face, points, width_um * rng.uniform(0.7, 1.4), tone * rng.uniform(0.3, 1.3))
