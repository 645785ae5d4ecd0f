"""Random contamination: particles, trails of droplets, smears, clusters, dried films and lint."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from endface.contract import Label
from endface_build.drawing.faces import Face
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import Blob, Mark
from endface_build.drawing.random_places import Point, log_uniform, random_curve, random_place, random_seed, random_tone


def particles(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Irregular pieces: chains of overlapping blobs, so commas, hooks and clods."""
    for _ in range(rng.geometric(0.6)):
        size_um, tone, links = (
            float(np.exp(rng.normal(1.6, 0.55))),
            random_tone(rng, 0.15, 0.9, bright=0.08),
            rng.integers(1, 6),
        )
        points = random_curve(rng, random_place(rng, face), links * size_um * 0.55, bend=0.5, step_um=size_um * 0.55)
        speckle, texture = rng.uniform(0.1, 1.0), rng.random()
        for link, center_um in enumerate(points[: max(links, 1)]):
            width_um = size_um * rng.uniform(0.5, 1.1) * (0.85**link)
            ring = rng.uniform(0.3, 1) if texture < 0.25 else 0.0
            yield Blob(
                Label.CONTAMINATION,
                center_um,
                max(width_um * rng.uniform(1, 1.6), 2.5),
                max(width_um, 2.0),
                rng.uniform(0, 180),
                tone,
                rng.uniform(0.08, 0.25),
                ring,
                speckle,
                random_seed(rng),
            )


def _haze(rng: np.random.Generator, center_um: Point, size_um: float) -> Blob:
    """The faint residue between droplets: people outline only the droplets, so it has no label."""
    return Blob(
        Label.BACKGROUND,
        center_um,
        size_um * rng.uniform(1, 2),
        size_um,
        rng.uniform(0, 180),
        random_tone(rng, 0.01, 0.07),
        rng.uniform(0.05, 0.25),
        rng.uniform(0, 2),
        rng.uniform(0, 1.2),
        random_seed(rng),
    )


def _droplet(rng: np.random.Generator, center_um: Point, size_um: float, tone: float) -> Blob:
    ring = rng.uniform(0.5, 2.2) if size_um > 2 and rng.random() < 0.5 else 0.0
    stretch = rng.uniform(1, 1.4)
    return Blob(
        Label.CONTAMINATION,
        center_um,
        size_um * stretch,
        size_um,
        rng.uniform(0, 180),
        tone,
        0.08,
        ring,
        seed=random_seed(rng),
    )


def trails(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Rows of dried droplets along curves, dense or loose, with stray ones beside."""
    for _ in range(rng.geometric(0.5)):
        tone, size_um, spacing_um = random_tone(rng, 0.12, 0.8, bright=0.08), rng.uniform(1.0, 3.0), rng.uniform(2, 6)
        scatter_um = rng.uniform(1.5, 4)  # a row without scatter is a beaded line
        points = random_curve(rng, random_place(rng, face), rng.uniform(20, 160), bend=0.15, step_um=spacing_um)
        if rng.random() < 0.4:
            yield from (_haze(rng, point, rng.uniform(3, 15)) for point in points[:: int(rng.integers(2, 6))])
        for x_um, y_um in points:
            if rng.random() < 0.85:
                spot = (x_um + rng.normal(0, scatter_um), y_um + rng.normal(0, scatter_um))
                droplet_um = size_um * float(np.exp(rng.normal(0, 0.35)))
                yield _droplet(rng, spot, droplet_um, max(-0.9, tone * rng.uniform(0.4, 1.3)))


def smears(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Traces of a wipe: loose parallel rows of elongated crumbs."""
    angle, tone, origin = rng.uniform(0, math.pi), random_tone(rng, 0.1, 0.8, bright=0.05), random_place(rng, face)
    if rng.random() < 0.4:
        yield _haze(rng, origin, rng.uniform(8, 30))
    scatter_um = rng.uniform(2.0, 4.0)  # a row without scatter is a beaded line
    for _ in range(rng.integers(1, 9)):
        sideways_um, start_um, length_um = rng.normal(0, 30), rng.normal(0, 40), rng.uniform(15, 140)
        lean, reach_um = angle + rng.normal(0, 0.06), 0.0
        while reach_um < length_um:
            long_um = rng.uniform(1.2, 9)
            along_um, across_um = start_um + reach_um, sideways_um + rng.normal(0, scatter_um)
            center_um = (
                origin[0] + along_um * math.cos(lean) - across_um * math.sin(lean),
                origin[1] + along_um * math.sin(lean) + across_um * math.cos(lean),
            )
            wide_um = min(long_um, rng.uniform(1.0, 3.0))
            yield Blob(
                Label.CONTAMINATION,
                center_um,
                long_um,
                wide_um,
                math.degrees(lean) + rng.normal(0, 10),
                max(-0.9, tone * rng.uniform(0.3, 1.3)),
                rng.uniform(0.05, 0.25),
                seed=random_seed(rng),
            )
            reach_um += long_um / 2 + rng.exponential(4) + 1


def clusters(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A patch of droplets: scattered in a haze, or crowded in what remains of the drop that they dried from, which
    has an outline and is contamination as a whole.
    """
    center_um, radius_um, tone = random_place(rng, face), rng.uniform(6, 22), random_tone(rng, 0.2, 0.8, bright=0.0)
    crowded = rng.random() < 0.5
    if crowded:
        yield _drop(rng, center_um, radius_um)
    else:
        for _ in range(rng.integers(0, 4)):
            x_um, y_um = rng.normal(center_um, radius_um / 3)
            yield _haze(rng, (float(x_um), float(y_um)), radius_um * rng.uniform(0.5, 2))
    reach_um, density = (0.9 * radius_um, rng.uniform(0.1, 0.25)) if crowded else (radius_um, rng.uniform(0.03, 0.15))
    for _ in range(round(radius_um**2 * density)):
        away_um, angle = reach_um * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
        spot = (center_um[0] + away_um * math.cos(angle), center_um[1] + away_um * math.sin(angle))
        yield _droplet(rng, spot, log_uniform(rng, 1, 4.5), max(-0.9, tone * rng.uniform(0.4, 1.2)))


def _drop(rng: np.random.Generator, center_um: Point, radius_um: float) -> Blob:
    """The bed of a dried drop: faint, with a clearer edge."""
    return Blob(
        Label.CONTAMINATION,
        center_um,
        2 * radius_um * rng.uniform(1.0, 1.3),
        2 * radius_um,
        rng.uniform(0, 180),
        random_tone(rng, 0.04, 0.2),
        rng.uniform(0.02, 0.12),
        rng.uniform(0.1, 0.4),
        rng.uniform(0, 0.3),
        random_seed(rng),
    )


def films(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A dried film: a faint area with a darker outline."""
    size_um = rng.uniform(10, 60)
    yield Blob(
        Label.CONTAMINATION,
        random_place(rng, face),
        size_um * rng.uniform(1, 1.8),
        size_um,
        rng.uniform(0, 180),
        random_tone(rng, 0.1, 0.4),
        rng.uniform(0.05, 0.2),
        rng.uniform(0, 0.9),
        rng.uniform(0, 0.6),
        random_seed(rng),
    )


def lint(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A textile fiber: long, winding, twisted, and structured across."""
    points = random_curve(rng, random_place(rng, face), rng.uniform(40, 220), bend=rng.uniform(0.15, 0.5))
    yield LineMark(
        Label.CONTAMINATION,
        tuple(points),
        rng.uniform(1.8, 8),
        random_tone(rng, 0.15, 0.8),
        grain_um=rng.uniform(4, 15),
        edge_um=rng.uniform(0.4, 1.5),
        uneven=rng.uniform(0, 0.35),
        ring=rng.uniform(0.3, 1.6) if rng.random() < 0.6 else 0.0,
        speckle=rng.uniform(0.1, 0.9) if rng.random() < 0.7 else 0.0,
        seed=random_seed(rng),
    )
