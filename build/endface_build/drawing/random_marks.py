"""Random marks on end faces, family by family: pits, scratches, chips, particles, droplets, smears, films and lint.

Marks of all strengths are drawn; ``canvas`` decides which of them a person could label.  What counts as what follows
the labelling convention: a lone compact mark is a pit, rows and clusters are contamination, whatever touches the rim
is a chip.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from endface.contract import Label
from endface_build.drawing import random_dirt, random_lines, random_rim, random_scratches
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import Blob, Mark
from endface_build.drawing.random_places import Point, random_place, random_seed, random_tone

COMPACT_UM = 14.0
"""Longest mark that may be a pit."""

GROUP_GAP_UM = 7.0
GROUP_COUNT = 3
"""Compact marks this close to each other and this many are contamination (labelling convention)."""


def random_marks(rng: np.random.Generator, face: Face) -> tuple[Mark, ...]:
    """Marks for a face; about one face in six stays without any.

    Args:
        rng: Source of every choice.
        face: The face, for the place of its rim.
    """
    if rng.random() < 0.15:
        return ()
    families: tuple[tuple[float, Callable[[np.random.Generator, Face], Iterator[Mark]]], ...] = (
        (0.60, _pits),
        (0.10, random_dirt.smears),
        (0.20, random_dirt.trails),
        (0.14, random_dirt.clusters),
        (0.28, random_dirt.particles),
        (0.07, random_dirt.films),
        (0.05, random_dirt.lint),
        (0.32, random_scratches.scratches),
        (0.12, random_scratches.polishing_lines),
        (0.40, random_lines.faint_lines),
        (0.30, random_lines.beaded_lines),
        (0.10, random_lines.bands),
        (0.10, random_lines.rim_scratches),
        (0.20, random_rim.chips),
        (0.12, random_rim.slivers),
        (0.22, random_rim.rim_voids),
        (0.10, random_rim.ragged_rim),
    )
    return _named([mark for share, family in families if rng.random() < share for mark in family(rng, face)])


def _named(marks: list[Mark]) -> tuple[Mark, ...]:
    """The marks with compact ones called by their company: alone or in pairs pits, in larger groups or as parts of an
    irregular piece contamination.
    """
    numbers, blobs = [], []
    for number, mark in enumerate(marks):
        if isinstance(mark, Blob) and mark.kind in (Label.PIT, Label.CONTAMINATION):
            numbers.append(number)
            blobs.append(mark)
    if not blobs:
        return tuple(marks)
    centers_um = np.array([blob.center_um for blob in blobs])
    radii_um = np.array([blob.length_um / 2 for blob in blobs])
    compact = 2 * radii_um < COMPACT_UM
    gaps_um = np.hypot(*(centers_um[:, None] - centers_um[None, :]).transpose(2, 0, 1)) - radii_um[:, None] - radii_um
    near = (gaps_um < GROUP_GAP_UM) & compact & compact[:, None]
    company = np.linalg.matrix_power(near.astype(np.float64), 2) > 0  # a neighbor's neighbor is company too
    in_group = company.sum(axis=1) >= GROUP_COUNT
    in_piece = (gaps_um < 0).sum(axis=1) > 1
    for number, blob, small, dirty in zip(numbers, blobs, compact, in_group | in_piece, strict=True):
        if small:
            marks[number] = replace(blob, kind=Label.CONTAMINATION if dirty else Label.PIT)
    return tuple(marks)


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
        ring=rng.uniform(0.5, 2.2) if size_um > 2.5 and rng.random() < 0.4 else 0.0,
        speckle=rng.uniform(0.1, 1.0) if size_um > 3 and rng.random() < 0.4 else 0.0,
        seed=random_seed(rng),
    )


def _pits(rng: np.random.Generator, face: Face) -> Iterator[Mark]:
    for _ in range(1 + rng.geometric(0.3)):
        size_um = min(float(np.exp(rng.normal(0.75, 0.5) if rng.random() < 0.9 else rng.uniform(1.1, 2.6))), 14.0)
        center_um = random_place(rng, face)
        on_rim = abs(math.hypot(*center_um) - face.cladding_um / 2) < size_um / 2 + 0.5
        yield _compact(rng, Label.CHIP if on_rim else Label.PIT, center_um, size_um, random_tone(rng, 0.06, 0.85))
