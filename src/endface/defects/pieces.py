"""Rows of pieces that go on in one direction: what may be a line.

Pieces are nodes: a compact one its center, an elongated one its two ends and a point behind each.  Two nodes whose
gap is small are an edge, two edges that go on in one direction a step, and steps that choose each other make a path.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.defects.curve import Floats, parabola
from endface.defects.objects import LINE_RATIO
from endface.defects.shapes import Shape

ELONGATED: Final = 2.0
"""A piece so many times as long as wide has a direction of its own."""

GAP_LENGTHS: Final = 3.0
"""A gap within a line is at most so many times as long as the longer of the pieces beside it (labelling convention)."""

MAX_GAP_UM: Final = 20.0
"""No gap is longer, however long the pieces are."""

WIDTH_RATIO: Final = 2.5
"""Neighboring pieces of a line differ in width by at most this factor."""

MIN_RADIUS_UM: Final = 80.0
"""A gently curved line has at least this radius; a polishing scratch's is that of the film's motion, centimeters."""

STRAY: Final = 0.3
"""How far pieces may lie off their line, as a share of their width."""

_HEEL_UM: Final = 8.0
"""How far behind its end a long piece's direction is taken."""

_NEIGHBORS: Final = 6
"""How many neighbors of a node are looked at: in a dense field a line's next piece is among the nearest."""

_ROWS: Final = 256
"""Nodes that are held against all at a time: a face of thousands would take gigabytes."""

_Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Piece:
    """One object as part of a line.

    Attributes:
        length: long side of the rectangle.
        width: short side; of a long piece its area by its length.
        straight: whether it is long, and lies on one straight or gently curved line.
        nodes: float64 (1, 2) for a compact piece; (2, 2) or (4, 2) from one end to the other.
    """

    length: float
    width: float
    nodes: Floats
    straight: bool = False

    @property
    def elongated(self) -> bool:
        """Whether it has a direction of its own."""
        return len(self.nodes) > 1


def piece_of(shape: Shape) -> Piece:
    """The piece with an object's shape."""
    center, sides, angle = shape.rectangle_um
    width, length = sorted(sides)
    if length < ELONGATED * width:
        return Piece(length, width, np.array([center], np.float64))
    if length < LINE_RATIO * width:
        turn = math.radians(angle if sides[0] >= sides[1] else angle + 90)
        half = (length - width) / 2 * np.array([math.cos(turn), math.sin(turn)])
        return Piece(length, width, np.array([center - half, center + half]))
    curve = shape.curve
    width = min(width, shape.area_um2 / curve.length)
    heel = min(curve.length / 3, _HEEL_UM)
    along = np.array([curve.start, curve.start + heel, curve.stop - heel, curve.stop])
    along[[0, 3]] += (width / 2, -width / 2)
    across = parabola(curve.bend, along)
    axis, normal = np.array(curve.axis), np.array((-curve.axis[1], curve.axis[0]))
    straight = curve.spread <= 0.75 * width and abs(curve.bend[0]) * 2 * MIN_RADIUS_UM <= 1
    return Piece(curve.length, width, curve.center + along[:, None] * axis + across[:, None] * normal, straight)


@dataclass(frozen=True)
class Nodes:
    """Nodes of all pieces: place (N, 2), half extent along a line, width, piece, and neighbor within the piece."""

    at: Floats
    reach: Floats
    width: Floats
    length: Floats
    piece: _Indices
    inner: NDArray[np.bool_]
    compact: NDArray[np.bool_]
    own: list[tuple[int, int]]
    middle: Floats

    @classmethod
    def of(cls, pieces: Sequence[Piece]) -> Nodes:
        """The nodes of some pieces, at least one."""
        counts = [len(piece.nodes) for piece in pieces]
        piece = np.repeat(np.arange(len(pieces)), counts)
        starts = np.cumsum([0, *counts[:-1]])
        own = [
            (start + step, start + step + 1)
            for start, count in zip(starts, counts, strict=True)
            for step in range(count - 1)
        ]
        place = np.arange(len(piece)) - starts[piece]
        number = np.array(counts)[piece]
        length, width = (np.array(values)[piece] for values in zip(*((p.length, p.width) for p in pieces), strict=True))
        at = np.concatenate([each.nodes for each in pieces])
        return cls(
            at=at,
            reach=np.where(number == 1, length / 2, width / 2),
            width=width,
            length=length,
            piece=piece,
            inner=(number == 4) & ((place == 1) | (place == 2)),
            compact=number == 1,
            own=own,
            middle=np.add.reduceat(at, starts) / np.array(counts)[:, np.newaxis],
        )

    def _edges(self) -> tuple[_Indices, _Indices, NDArray[np.bool_]]:
        """Directed edges, each with its reverse, and whether it lies within a piece: from, to, and that."""
        begin, end = np.concatenate([self._near(row) for row in range(0, len(self.at), _ROWS)], axis=1)
        codes = np.unique(np.concatenate([begin * len(self.at) + end, end * len(self.at) + begin]))
        begin, end = np.divmod(codes, len(self.at))
        one, other = np.array(self.own, np.intp).reshape(-1, 2).T
        within = np.repeat([False, True], [len(begin), 2 * len(one)])
        return np.concatenate([begin, one, other]), np.concatenate([end, other, one]), within

    def _near(self, row: int) -> _Indices:
        """Pairs of nodes (2, N) that a line could join: some rows of nodes with the nearest of all."""
        some = slice(row, row + _ROWS)
        offset_x, offset_y = (axis[some, np.newaxis] - axis for axis in self.at.T)
        gap = np.hypot(offset_x, offset_y) - self.reach[some, np.newaxis] - self.reach
        near = gap <= np.minimum(GAP_LENGTHS * np.maximum(self.length[some, np.newaxis], self.length), MAX_GAP_UM)
        ratio = self.width[some, np.newaxis] / self.width
        alike = (ratio <= WIDTH_RATIO) & (ratio >= 1 / WIDTH_RATIO)
        apart = (self.piece[some, np.newaxis] != self.piece) & ~self.inner[some, np.newaxis] & ~self.inner
        rank = np.where(near & alike & apart, gap, np.inf)
        if len(self.at) > _NEIGHBORS:
            rank[rank > np.partition(rank, _NEIGHBORS - 1, axis=1)[:, _NEIGHBORS - 1, np.newaxis]] = np.inf
        begin, end = np.nonzero(np.isfinite(rank))
        return np.stack([begin + row, end])

    def members(self, path: list[int]) -> list[int]:
        """The pieces of a row of nodes, in order."""
        return list(dict.fromkeys(self.piece[path].tolist()))

    def paths(self) -> list[list[int]]:
        """Rows of nodes in which each step is the best both ways."""
        begin, end, within = self._edges()
        count = len(self.at)
        order = np.argsort(begin, kind="stable")
        outgoing = np.bincount(begin, minlength=count)
        first = np.cumsum(outgoing) - outgoing
        # Every pair of an edge to a node and an edge from it.
        one = np.repeat(np.arange(len(begin)), outgoing[end])
        within_node = np.arange(len(one)) - np.repeat(np.cumsum(outgoing[end]) - outgoing[end], outgoing[end])
        two = order[first[end[one]] + within_node]
        a, b, c = begin[one], end[one], end[two]
        inner, compact = self.inner[b], self.compact[b]
        whole = within[one].astype(int) + within[two]
        fits = (a != c) & (whole == np.where(inner, 2, np.where(compact, 0, 1)))
        one, two, a, b, c = (each[fits] for each in (one, two, a, b, c))
        cost = self._bends(a, b, c)
        cost[within[one] & within[two]] = 0
        good = cost <= 1
        one, two, cost = one[good], two[good], cost[good]
        best = np.full(len(begin), -1)
        worst_first = np.argsort(-cost, kind="stable")
        best[one[worst_first]] = two[worst_first]
        codes = begin * count + end
        in_order = np.argsort(codes)
        reverse = in_order[np.searchsorted(codes, end * count + begin, sorter=in_order)]
        follows = {
            edge: int(nxt) for edge, nxt in enumerate(best.tolist()) if nxt >= 0 and best[reverse[nxt]] == reverse[edge]
        }
        return _walks(follows, begin, end, reverse)

    def _bends(self, a: _Indices, b: _Indices, c: _Indices) -> Floats:
        """How far steps are from going on straight, in what is tolerated, with a little for long gaps."""
        before, after, chord = self.at[b] - self.at[a], self.at[c] - self.at[b], self.at[c] - self.at[a]
        first, second, whole = (np.maximum(np.hypot(*each.T), 1e-9) for each in (before, after, chord))
        stray = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) / whole
        width = np.sort([self.width[a], self.width[b], self.width[c]], axis=0)[1]
        tolerated = STRAY * width + first * second / 2 / MIN_RADIUS_UM
        ahead = (before * after).sum(axis=1) > 0.9 * first * second
        cost: Floats = np.where(ahead & (stray <= tolerated), (stray / tolerated + second / MAX_GAP_UM) / 4, np.inf)
        return cost


def _walks(follows: dict[int, int], begin: _Indices, end: _Indices, reverse: _Indices) -> list[list[int]]:
    """The rows of nodes that following edges make, each in one direction; rings are left out."""
    heads = set(follows) - set(follows.values())
    paths, done = [], set[int]()
    for head in sorted(heads):
        if head in done:
            continue
        edge, path = head, [int(begin[head]), int(end[head])]
        while edge in follows:
            edge = follows[edge]
            path.append(int(end[edge]))
        done.add(int(reverse[edge]))
        paths.append(path)
    return paths
