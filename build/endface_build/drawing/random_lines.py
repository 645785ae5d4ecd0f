"""Random lines that only their length gives away: faint, beaded, dashed, double, changing sign at core and rim, seen
as bands in the glass, or starting at a chip of the rim.

A row of beads is one scratch with its gaps (labelling convention); so each line here is drawn and labelled whole.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from endface.contract import Label
from endface_build.drawing.drawn_mark import EDGE_UM
from endface_build.drawing.faces import Face
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import Mark
from endface_build.drawing.random_beads import GAP_BEADS, random_beads
from endface_build.drawing.random_places import Point, log_uniform, random_place, random_seed, random_tone
from endface_build.drawing.random_rim import random_chip

FAINT = (0.008, 0.07)
"""Tones of faint lines: on glass and ferrule about 1 to 12 gray levels."""


def faint_lines(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Thin lines of a few gray levels, straight, curved or wavy, single or double, steady or broken."""
    for _ in range(rng.geometric(0.5)):
        yield from _doubled(rng, _line(rng, face, log_uniform(rng, 20, 220), random_tone(rng, *FAINT, bright=0.4)))


def beaded_lines(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Straight or gently curved rows of dots or dashes, neat or irregular, sometimes denser at one end, sometimes on a
    faint line.
    """
    for _ in range(rng.geometric(0.6)):
        tone = random_tone(rng, 0.05, 0.8, bright=0.25)
        line = _line(rng, face, log_uniform(rng, 25, 160), tone)
        dashes = rng.random() < 0.4
        bead_um = rng.uniform(2.5, 9) if dashes else rng.uniform(1.2, 3.5)
        row = replace(
            line,
            width_um=bead_um * rng.uniform(0.15, 0.5) + 0.3 if dashes else bead_um * rng.uniform(0.7, 1.2),
            edge_um=EDGE_UM,
            broken=0.0,
            beads_um=random_beads(rng, line.length_um, bead_um, log_uniform(rng, 0.15, GAP_BEADS)),
            flipped=rng.uniform(0, 0.5) if rng.random() < 0.25 else 0.0,
            whole_inside=rng.random() < 0.25,
        )
        if len(row.beads_um) < 3:  # two dots are no row
            continue
        yield from _doubled(rng, _shaken(rng, row))
        if rng.random() < 0.25:  # a wipe leaves several rows side by side
            for offset_um in np.cumsum(rng.uniform(3, 12, rng.integers(1, 5))):
                beads_um = random_beads(rng, line.length_um, bead_um, log_uniform(rng, 0.15, GAP_BEADS))
                beside = _beside(row, float(offset_um))
                fainter = line.tone * rng.uniform(0.4, 1.2)
                yield _shaken(rng, replace(beside, tone=fainter, beads_um=beads_um, seed=random_seed(rng)))
        if rng.random() < 0.35:
            yield replace(line, width_um=rng.uniform(0.5, 1.5), tone=tone * rng.uniform(0.05, 0.3), inside_tone=None)


def _shaken(rng: np.random.Generator, row: LineMark) -> LineMark:
    """A row whose beads lie a little beside its course; a single bead stays where it is."""
    if len(row.beads_um) < 2:
        return row
    along_um = np.array([place for place, _ in row.beads_um])
    corners = np.asarray(row.points_um)
    corners_um = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
    points = np.stack([np.interp(along_um, corners_um, axis) for axis in corners.T], axis=1)
    points += rng.normal(0, rng.uniform(0, 0.2) * row.width_um, points.shape)
    places_um = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    ends = row.beads_um[0][1] / 2, row.beads_um[-1][1] / 2
    points = _lengthened(points, *ends)
    beads = tuple((float(place + ends[0]), long) for place, (_, long) in zip(places_um, row.beads_um, strict=True))
    return replace(row, points_um=tuple((float(x), float(y)) for x, y in points), beads_um=beads)


def _lengthened(points: NDArray[np.float64], start_um: float, end_um: float) -> NDArray[np.float64]:
    """A polyline (N, 2) that goes on straight at both ends."""
    first, last = points[0] - points[1], points[-1] - points[-2]
    before = points[0] + first / np.hypot(*first) * start_um
    after = points[-1] + last / np.hypot(*last) * end_um
    return np.concatenate([before[None], points, after[None]])


def bands(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """Scratches seen as soft bands in the glass, mostly bright, with no trace on the ferrule."""
    for _ in range(rng.geometric(0.7)):
        tone = -random_tone(rng, 0.015, 0.15, bright=0.25)
        width_um = rng.uniform(1.5, 6)
        yield replace(
            _line(rng, face, rng.uniform(40, 250), 0.0, on_fiber=True),
            width_um=width_um,
            edge_um=width_um * rng.uniform(0.4, 1.0),
            inside_tone=tone,
            ring=rng.uniform(0.3, 1.4) if width_um > 3 and rng.random() < 0.3 else 0.0,
        )


def rim_scratches(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    """A straight line that a grain from a chip of the rim has drawn: into the glass, over the ferrule or both."""
    angle = rng.uniform(0, 2 * math.pi)
    radius_um = face.cladding_um / 2
    start = (radius_um * math.cos(angle), radius_um * math.sin(angle))
    yield random_chip(rng, face, angle, rng.uniform(2, 9))
    for _ in range(rng.geometric(0.75)):
        length_um, heading = log_uniform(rng, 20, 160), rng.uniform(0, 2 * math.pi)
        middle = (start[0] + length_um / 2 * math.cos(heading), start[1] + length_um / 2 * math.sin(heading))
        line = _line(rng, face, length_um, random_tone(rng, 0.015, 0.4, bright=0.3))
        yield replace(line, points_um=_course(rng, middle, heading, length_um))


def _line(rng: np.random.Generator, face: Face, length_um: float, tone: float, *, on_fiber: bool = False) -> LineMark:
    """A scratch of any course and a tone that may differ on ferrule, glass and core, down to the other sign."""
    middle = random_place(rng, face)
    if on_fiber:
        middle = (middle[0] * 0.4, middle[1] * 0.4)
    width_um = log_uniform(rng, 0.5, 2.5)
    return LineMark(
        Label.SCRATCH,
        _course(rng, middle, rng.uniform(0, 2 * math.pi), length_um),
        width_um,
        tone,
        _other(rng, tone),
        face.cladding_um / 2,
        broken=rng.uniform(0.1, 0.6) if rng.random() < 0.35 else 0.0,
        grain_um=rng.uniform(4, 30),
        edge_um=max(EDGE_UM, width_um * rng.uniform(0, 1.0)),
        uneven=rng.uniform(0, 0.4) if rng.random() < 0.5 else 0.0,
        core_tone=_other(rng, tone) if rng.random() < 0.5 else None,
        core_um=face.core_um / 2,
        seed=random_seed(rng),
    )


def _other(rng: np.random.Generator, tone: float) -> float:
    """The tone beyond a rim: stronger, fainter or, one time in three, of the other sign."""
    return float(tone * rng.uniform(0.5, 1.6) * (-1 if rng.random() < 0.35 else 1))


def _course(rng: np.random.Generator, middle: Point, heading: float, length_um: float) -> tuple[Point, ...]:
    """A straight, bowed or slightly wavy line around ``middle``."""
    bow_um = rng.normal(0, 0.05) * length_um if rng.random() < 0.5 else 0.0
    wave_um = rng.uniform(0.2, 1.5) if rng.random() < 0.2 else 0.0
    period_um, phase = rng.uniform(25, 90), rng.uniform(0, 2 * math.pi)
    count = 2 if bow_um == wave_um == 0 else max(9, round(length_um / 5))
    along = np.linspace(-0.5, 0.5, count)
    across_um = bow_um * (1 - 4 * along**2) + wave_um * np.sin(2 * math.pi * along * length_um / period_um + phase)
    x_um = middle[0] + along * length_um * math.cos(heading) - across_um * math.sin(heading)
    y_um = middle[1] + along * length_um * math.sin(heading) + across_um * math.cos(heading)
    return tuple((float(x), float(y)) for x, y in zip(x_um, y_um, strict=True))


def _doubled(rng: np.random.Generator, line: LineMark) -> Iterator[LineMark]:
    """A line, one time in six with a second one beside it, one time in ten with the bright flank of a relief."""
    yield line
    choice = rng.random()
    if choice < 0.17:
        offset_um = (line.width_um + rng.uniform(1.0, 5.0)) * rng.choice([-1, 1])
        yield replace(_beside(line, offset_um), tone=line.tone * rng.uniform(0.5, 1.3), seed=random_seed(rng))
    elif choice < 0.27:
        flank = _beside(line, line.width_um * rng.choice([-1, 1]) * rng.uniform(0.8, 1.2))
        inside = None if flank.inside_tone is None else -flank.inside_tone
        yield replace(flank, kind=Label.BACKGROUND, tone=-flank.tone, inside_tone=inside, core_tone=None)


def _beside(line: LineMark, offset_um: float) -> LineMark:
    """The same line, moved sideways."""
    (xa, ya), (xb, yb) = line.points_um[0], line.points_um[-1]
    reach_um = max(math.hypot(xb - xa, yb - ya), 1e-6)
    x_um, y_um = -offset_um * (yb - ya) / reach_um, offset_um * (xb - xa) / reach_um
    return replace(line, points_um=tuple((x + x_um, y + y_um) for x, y in line.points_um))
