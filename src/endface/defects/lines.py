"""Lines as lines: pieces that lie on one straight or gently curved line are joined, as an inspector sees them.

A path of pieces is a line where it fits a curve closely and where pieces scattered at random would hardly make it
(a-contrario detection: Desolneux, Moisan and Morel, "Meaningful alignments", IJCV 40, 2000).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.defects.curve import Curve, fit_curve
from endface.defects.objects import LINE_RATIO
from endface.defects.pieces import GAP_LENGTHS, MAX_GAP_UM, MIN_RADIUS_UM, STRAY, WIDTH_RATIO, Nodes, Piece

MIN_LENGTH_UM: Final = 8.0
"""Pieces on a shorter line are not joined: any two are on one."""

CHANCE: Final = 0.02
"""Most lines that pieces scattered at random may make on a face."""

STRICT_CHANCE: Final = 0.0002
"""The same of pieces most of which the network takes for droplets or pits: a row must be long and neat to overrule it,
or another pose of the face would read it otherwise.
"""

_PLAIN_SHARE: Final = 0.8
"""A line is no row of beads where pieces that are lines themselves cover this share of its length."""

_FEW: Final = 4
"""Up to so many nodes a line is taken as straight: a parabola would fit any three."""

_ALIGNED: Final = 0.15
"""Chance that an elongated piece points along a line within 13 degrees."""

_AROUND_UM: Final = 15.0
"""How far around a short line other pieces tell how dense they are."""


@dataclass(frozen=True)
class Line:
    """A joined line.

    Attributes:
        members: its pieces' places, from one end to the other.
        plain: whether it is a continuous line with short interruptions, and no row of beads.
    """

    members: tuple[int, ...]
    plain: bool


def find_lines(pieces: Sequence[Piece], scratches: Sequence[bool]) -> list[Line]:
    """Lines of at least three pieces, or of two elongated ones; no piece belongs to two of them.

    Args:
        pieces: the pieces.
        scratches: which of them the network takes for pieces of scratches.
    """
    if len(pieces) < 2:
        return []
    nodes = Nodes.of(pieces)
    seeds = [
        (expected, members)
        for path in nodes.paths()
        if (expected := _expected(members := nodes.members(path), pieces, nodes)) <= _chance(members, scratches)
    ]
    lines: list[Line] = []
    free = np.ones(len(pieces), bool)
    for _, seed in sorted(seeds):
        if free[seed].all():
            members = _extended(seed, pieces, nodes, free)
            free[members] = False
            lines.append(_line(members, pieces, nodes))
    return lines


def _fitted(members: list[int], nodes: Nodes) -> tuple[Curve, float]:
    """The line through some pieces, straight through few, and how far a piece like them would lie off it."""
    chosen = np.zeros(len(nodes.middle), bool)
    chosen[members] = True
    points = nodes.at[chosen[nodes.piece]]
    straight = len(points) <= _FEW
    curve = fit_curve(points, straight=straight)
    freedom = max(1, len(points) - (2 if straight else 3))
    return curve, curve.spread * math.sqrt(len(points) / freedom)


def _expected(members: list[int], pieces: Sequence[Piece], nodes: Nodes) -> float:
    """Lines as good as this one that pieces scattered at random, as dense as around it, would make on a face.

    Infinite where the pieces are no line at all.
    """
    parts = [pieces[member] for member in members]
    if len(parts) < 2 or (len(parts) == 2 and not all(part.elongated for part in parts)):
        return math.inf
    width = median(part.width for part in parts)
    curve, stray = _fitted(members, nodes)
    inside = sum(part.length / 2 for part in (parts[0], parts[-1]) if not part.elongated)
    if curve.spread > STRAY * width or curve.length + inside < max(LINE_RATIO * width, MIN_LENGTH_UM):
        return math.inf
    if abs(curve.bend[0]) * 2 * MIN_RADIUS_UM > 1:
        return math.inf
    middle = nodes.middle
    radius = max(0.75 * curve.length, _AROUND_UM)
    around = int((np.hypot(*(middle - curve.center).T) <= radius).sum())
    density = max(1, around - 2) / (math.pi * radius**2)
    beside = max(stray, 0.1 * width) + 0.1
    expected, directed = float(len(pieces)), False
    for one, two in pairwise(members):
        directed = directed or pieces[one].elongated
        step = float(np.hypot(*(middle[two] - middle[one])))
        area = 4 * beside * step if directed else math.pi * step**2
        expected *= 1 - math.exp(-density * area)
        if pieces[two].elongated:
            expected *= _ALIGNED
        directed = True
    return expected


def _extended(members: list[int], pieces: Sequence[Piece], nodes: Nodes, free: NDArray[np.bool_]) -> list[int]:
    """The pieces of a line with those that lie on it beyond its ends and between them, in their order along it."""
    found = list(members)
    while True:
        curve, stray = _fitted(found, nodes)
        along, off = curve.place(nodes.at)
        width = median(pieces[member].width for member in found)
        longest = max(pieces[member].length for member in found)
        reach = min(GAP_LENGTHS * longest, MAX_GAP_UM)
        beyond = np.maximum(curve.start - along, along - curve.stop)
        tolerated = max(STRAY * width, 1.5 * stray) + np.maximum(beyond, 0) ** 2 / 2 / MIN_RADIUS_UM
        on_it = (np.abs(off) <= tolerated) & (beyond - nodes.reach <= reach + longest / 2)
        alike = (nodes.width <= WIDTH_RATIO * width) & (nodes.width >= width / WIDTH_RATIO)
        fits = np.bincount(nodes.piece, ~(on_it & alike), len(pieces)) == 0
        fits &= free
        fits[found] = False
        if not fits.any():
            order = {member: float(along[nodes.piece == member].mean()) for member in found}
            return sorted(found, key=order.__getitem__)
        distance = np.full(len(pieces), np.inf)
        np.minimum.at(distance, nodes.piece, np.maximum(beyond, 0))
        found.append(int(np.where(fits, distance, np.inf).argmin()))


def _chance(members: Sequence[int], scratches: Sequence[bool]) -> float:
    """Most lines that chance may make, for such pieces."""
    return CHANCE if 2 * sum(scratches[member] for member in members) >= len(members) else STRICT_CHANCE


def _line(members: list[int], pieces: Sequence[Piece], nodes: Nodes) -> Line:
    parts = [pieces[member] for member in members]
    curve, _ = _fitted(members, nodes)
    dashes = [part.length for part in parts if part.straight]  # two beads that touch are none
    plain = sum(dashes) >= _PLAIN_SHARE * curve.length or max(dashes, default=0.0) >= curve.length / 2
    return Line(tuple(members), plain)
