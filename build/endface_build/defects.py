"""Random marks on end faces, family by family: pits, scratches, chips, particles, droplets, smears, films and lint.

Marks of all strengths are drawn; ``canvas`` decides which of them a person could label.  What counts as what follows the labelling
convention: a lone compact mark is a pit, rows and clusters are contamination, whatever touches the rim is a chip.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from endface.contract import Label
from endface_build.faces import Face
from endface_build.marks import Blob, Line, Mark

Point = tuple[float, float]
FIELD_UM = 132.0
"""Half side of the field in which marks are placed: a little more than the square."""


def random_marks(rng: np.random.Generator, face: Face) -> tuple[Mark, ...]:
    """Marks for a face; about one face in six stays without any.

    Args:
        rng: Source of every choice.
        face: The face, for the place of its rim.
    """
    if rng.random() < 0.15:
        return ()
    families: tuple[tuple[float, Callable[[np.random.Generator, Face], Iterator[Mark]]], ...] = (
        (0.80, _pits),
        (0.18, _smears),
        (0.22, _trails),
        (0.10, _clusters),
        (0.30, _particles),
        (0.07, _films),
        (0.06, _lint),
        (0.40, _scratches),
        (0.14, _polishing_lines),
        (0.30, _chips),
        (0.07, _ragged_rim),
    )
    return tuple(mark for share, family in families if rng.random() < share for mark in family(rng, face))


def _tone(rng: np.random.Generator, low: float, high: float, *, bright: float = 0.15) -> float:
    """A tone whose logarithm is even between two strengths; positive in a share ``bright`` of cases."""
    strength = math.exp(rng.uniform(math.log(low), math.log(high)))
    return float(strength * 0.7 if rng.random() < bright else -strength)


def _place(rng: np.random.Generator, face: Face) -> Point:
    """A place: one in three on the fiber, the others anywhere."""
    if rng.random() < 0.35:
        radius_um, angle = face.cladding_um / 2 * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
        return radius_um * math.cos(angle), radius_um * math.sin(angle)
    return float(rng.uniform(-FIELD_UM, FIELD_UM)), float(rng.uniform(-FIELD_UM, FIELD_UM))


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _compact(rng: np.random.Generator, kind: Label, center_um: Point, size_um: float, tone: float) -> Blob:
    """A compact mark of any look: round or elongated, filled, ring-shaped or speckled."""
    slender = rng.uniform(1.5, 3.5) if rng.random() < 0.25 else rng.uniform(1, 1.3)
    return Blob(
        kind,
        center_um,
        size_um * math.sqrt(slender),
        size_um / math.sqrt(slender),
        angle_deg=rng.uniform(0, 180),
        tone=tone,
        roughness=rng.uniform(0, 0.2),
        ring=rng.uniform(0.5, 2.2) if size_um > 2.5 and rng.random() < 0.3 else 0.0,
        speckle=rng.uniform(0.1, 1.0) if size_um > 3 and rng.random() < 0.4 else 0.0,
        seed=_seed(rng),
    )


def _pits(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    for _ in range(1 + rng.geometric(0.18)):
        size_um = min(float(np.exp(rng.normal(0.75, 0.5))), 14.0)
        center_um = _place(rng, face)
        on_rim = abs(math.hypot(*center_um) - face.cladding_um / 2) < size_um / 2 + 0.5
        yield _compact(rng, Label.CHIP if on_rim else Label.PIT, center_um, size_um, _tone(rng, 0.06, 0.85))


def _curve(rng: np.random.Generator, start: Point, length_um: float, *, bend: float, step_um: float = 6.0) -> list[Point]:
    """A smooth curve as points ``step_um`` apart, whose curvature wanders with ``bend`` (radians a step)."""
    heading, turn, points = rng.uniform(0, 2 * math.pi), rng.normal(0, bend), [start]
    for _ in range(max(2, round(length_um / step_um))):
        turn = 0.8 * turn + 0.6 * rng.normal(0, bend)
        heading += turn
        points.append((points[-1][0] + step_um * math.cos(heading), points[-1][1] + step_um * math.sin(heading)))
    return points


def _scratch(rng: np.random.Generator, face: Face, points: list[Point], width_um: float, tone: float) -> Iterator[Mark]:
    """One scratch, perhaps broken, perhaps of the other sign on the glass, perhaps with droplets on it."""
    other = -tone * rng.uniform(0.3, 1.5) if rng.random() < 0.35 else tone * rng.uniform(0.5, 1.5)
    broken = rng.uniform(0.15, 0.7) if rng.random() < 0.4 else 0.0
    inside_um = face.cladding_um / 2
    yield Line(Label.SCRATCH, tuple(points), width_um, tone, other, inside_um, broken, rng.uniform(4, 30), _seed(rng))
    if rng.random() < 0.15:
        corners = np.asarray(points)
        for _ in range(rng.integers(2, 14)):
            spot, share = rng.integers(len(corners) - 1), rng.random()
            x_um, y_um = corners[spot] * (1 - share) + corners[spot + 1] * share
            long_um = width_um * rng.uniform(1, 5)
            angle = math.degrees(math.atan2(*(corners[spot + 1] - corners[spot])[::-1]))
            yield Blob(Label.SCRATCH, (x_um, y_um), long_um + 0.5, width_um + 0.5, angle, min(2 * tone, -0.1), 0.1, seed=_seed(rng))


def _scratches(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    for _ in range(rng.geometric(0.45)):
        length_um = rng.uniform(12, 60) if rng.random() < 0.5 else rng.uniform(60, 320)
        middle, angle, bow = _place(rng, face), rng.uniform(0, math.pi), rng.normal(0, 0.04) * length_um
        width_um = float(np.exp(rng.normal(-0.2, 0.55)))
        if length_um < 6 * width_um:
            continue
        points = _arc(middle, angle, length_um, bow)
        yield from _scratch(rng, face, points, width_um, _tone(rng, 0.01, 0.5, bright=0.25))


def _arc(middle: Point, angle: float, length_um: float, bow_um: float) -> list[Point]:
    """A shallow arc as a polyline: a chord through ``middle`` that bows by ``bow_um``."""
    along = np.linspace(-0.5, 0.5, 2 if abs(bow_um) < 0.2 else 9)
    across_um = bow_um * (1 - 4 * along**2)
    x_um = middle[0] + along * length_um * math.cos(angle) - across_um * math.sin(angle)
    y_um = middle[1] + along * length_um * math.sin(angle) + across_um * math.cos(angle)
    return [(float(x), float(y)) for x, y in zip(x_um, y_um, strict=True)]


def _polishing_lines(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Bundles of parallel curved lines."""
    for _ in range(rng.integers(1, 3)):
        middle, angle, length_um = _place(rng, face), rng.uniform(0, math.pi), rng.uniform(60, 300)
        bow_um, tone, width_um = rng.normal(0, 0.08) * length_um, _tone(rng, 0.03, 0.4), rng.uniform(0.5, 1.3)
        for offset_um in np.cumsum(rng.uniform(1.5, 12, rng.integers(3, 10))):
            shifted = (middle[0] - offset_um * math.sin(angle), middle[1] + offset_um * math.cos(angle))
            points = _arc(shifted, angle + rng.normal(0, 0.01), length_um * rng.uniform(0.5, 1), bow_um)
            yield from _scratch(rng, face, points, width_um * rng.uniform(0.7, 1.4), tone * rng.uniform(0.3, 1.3))


def _chips(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    for _ in range(rng.geometric(0.35)):
        yield _chip(rng, face, rng.uniform(0, 2 * math.pi), float(np.exp(rng.normal(1.2, 0.55))))


def _chip(rng: np.random.Generator, face: Face, angle: float, length_um: float) -> Blob:
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
        tone=_tone(rng, 0.2, 0.95, bright=0.12),
        roughness=rng.uniform(0.02, 0.25),
        ring=rng.uniform(0.6, 2) if rng.random() < 0.15 else 0.0,
        speckle=rng.uniform(0, 0.6) if rng.random() < 0.3 else 0.0,
        seed=_seed(rng),
    )


def _ragged_rim(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A stretch of rim from which piece after piece broke away."""
    start, span = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 2.5)
    for angle in rng.uniform(start, start + span, round(span * rng.uniform(4, 12))):
        yield _chip(rng, face, angle, rng.uniform(1.5, 12))


def _particles(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Irregular pieces: chains of overlapping blobs, so commas, hooks and clods."""
    for _ in range(rng.geometric(0.6)):
        size_um, tone, links = float(np.exp(rng.normal(1.7, 0.5))), _tone(rng, 0.15, 0.9), rng.integers(1, 6)
        points = _curve(rng, _place(rng, face), links * size_um * 0.55, bend=0.5, step_um=size_um * 0.55)
        speckle, texture = rng.uniform(0.1, 1.0), rng.random()
        for link, center_um in enumerate(points[: max(links, 1)]):
            width_um = size_um * rng.uniform(0.5, 1.1) * (0.85**link)
            ring = rng.uniform(0.3, 1) if texture < 0.25 else 0.0
            yield Blob(
                Label.CONTAMINATION, center_um, max(width_um * rng.uniform(1, 1.6), 2.5), max(width_um, 2.0),
                rng.uniform(0, 180), tone, rng.uniform(0.08, 0.25), ring, speckle, _seed(rng),
            )  # fmt: skip


def _droplet(rng: np.random.Generator, center_um: Point, size_um: float, tone: float) -> Blob:
    ring = rng.uniform(0.5, 2.2) if size_um > 2 and rng.random() < 0.5 else 0.0
    stretch = rng.uniform(1, 1.4)
    return Blob(
        Label.CONTAMINATION, center_um, size_um * stretch, size_um, rng.uniform(0, 180), tone, 0.08, ring, seed=_seed(rng)
    )


def _trails(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Rows of dried droplets along curves, dense or loose, with stray ones beside."""
    for _ in range(rng.geometric(0.5)):
        tone, size_um, spacing_um = _tone(rng, 0.12, 0.8, bright=0.08), rng.uniform(1.0, 3.0), rng.uniform(2, 6)
        scatter_um = rng.uniform(0.3, 4)
        points = _curve(rng, _place(rng, face), rng.uniform(20, 160), bend=0.15, step_um=spacing_um)
        for x_um, y_um in points:
            if rng.random() < 0.85:
                spot = (x_um + rng.normal(0, scatter_um), y_um + rng.normal(0, scatter_um))
                droplet_um = size_um * float(np.exp(rng.normal(0, 0.35)))
                yield _droplet(rng, spot, droplet_um, max(-0.9, tone * rng.uniform(0.4, 1.3)))


def _smears(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """What a wipe leaves: parallel rows of elongated crumbs."""
    angle, tone, origin = rng.uniform(0, math.pi), _tone(rng, 0.1, 0.8, bright=0.05), _place(rng, face)
    for _ in range(rng.integers(1, 9)):
        sideways_um, start_um, length_um = rng.normal(0, 30), rng.normal(0, 40), rng.uniform(15, 140)
        lean, reach_um = angle + rng.normal(0, 0.06), 0.0
        while reach_um < length_um:
            long_um = rng.uniform(1.2, 9)
            along_um, across_um = start_um + reach_um, sideways_um + rng.normal(0, 0.8)
            center_um = (
                origin[0] + along_um * math.cos(lean) - across_um * math.sin(lean),
                origin[1] + along_um * math.sin(lean) + across_um * math.cos(lean),
            )
            wide_um = min(long_um, rng.uniform(1.0, 3.0))
            yield Blob(
                Label.CONTAMINATION, center_um, long_um, wide_um, math.degrees(lean) + rng.normal(0, 10),
                max(-0.9, tone * rng.uniform(0.3, 1.3)), rng.uniform(0.05, 0.25), seed=_seed(rng),
            )  # fmt: skip
            reach_um += long_um / 2 + rng.exponential(4) + 1


def _clusters(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A patch of droplets in a haze; the whole patch is contamination."""
    center_um, radius_um, tone = _place(rng, face), rng.uniform(6, 22), _tone(rng, 0.2, 0.8, bright=0.0)
    stretch = rng.uniform(1, 2)
    haze = _tone(rng, 0.03, 0.12)
    yield Blob(
        Label.CONTAMINATION, center_um, 2 * radius_um * stretch, 2 * radius_um, rng.uniform(0, 180), haze, 0.1, 0.5, 0.5, _seed(rng)
    )
    for _ in range(round(radius_um**2 * rng.uniform(0.05, 0.18))):
        away_um, angle = radius_um * math.sqrt(rng.random()), rng.uniform(0, 2 * math.pi)
        spot = (center_um[0] + away_um * math.cos(angle), center_um[1] + away_um * math.sin(angle))
        yield _droplet(rng, spot, rng.uniform(1, 4.5), max(-0.9, tone * rng.uniform(0.4, 1.2)))


def _films(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A dried film: a faint area with a darker outline."""
    size_um = rng.uniform(10, 60)
    yield Blob(
        Label.CONTAMINATION, _place(rng, face), size_um * rng.uniform(1, 1.8), size_um, rng.uniform(0, 180),
        _tone(rng, 0.05, 0.3), rng.uniform(0.05, 0.2), rng.uniform(0, 0.9), rng.uniform(0, 0.6), _seed(rng),
    )  # fmt: skip


def _lint(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A textile fiber: long, evenly wide and winding."""
    points = _curve(rng, _place(rng, face), rng.uniform(40, 220), bend=0.22)
    yield Line(Label.CONTAMINATION, tuple(points), rng.uniform(1.8, 6), _tone(rng, 0.15, 0.7), seed=_seed(rng))
