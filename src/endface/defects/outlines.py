"""Outlines of objects below the pixel: contours of the probability, found by interpolation, and their moments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_PX
from endface.defects.curve import Floats
from endface.defects.objects import Objects

_HALF: Final = 127.5

_Indices = NDArray[np.intp]
_Field = NDArray[np.float32]


@dataclass(frozen=True)
class Rings:
    """Closed lines around objects and around holes in them.

    Attributes:
        points: float64 (N, 2), x and y in pixels of the square; each ring ends where it begins.
        starts: the first point of each ring, and N.
        owners: the place of each point's object; below 0 for none.
    """

    points: Floats
    starts: _Indices
    owners: _Indices

    def neighbors(self) -> tuple[_Indices, _Indices]:
        """Each point's neighbors along its ring, before and after it, which are never the same place twice."""
        places = np.arange(len(self.points))
        before, after = places - 1, places + 1
        before[self.starts[:-1]] = self.starts[1:] - 2
        after[self.starts[1:] - 1] = self.starts[:-1] + 1
        return before, after

    def smoothed(self, share: float) -> Floats:
        """The points, each moved a share of the way to the middle between its neighbors."""
        before, after = self.neighbors()
        return self.points + share * ((self.points[before] + self.points[after]) / 2 - self.points)

    def joined(self, places: _Indices) -> Rings:
        """The same rings where each object belongs to a place among others."""
        return Rings(self.points, self.starts, np.append(places, -1)[self.owners])


@dataclass(frozen=True)
class Moments:
    """Per object, from the area inside its rings: area, center and second central moments over the area, in pixels."""

    area: Floats
    x: Floats
    y: Floats
    xx: Floats
    yy: Floats
    xy: Floats


@dataclass(frozen=True)
class Slope:
    """The probability on the objects' pixels and around them, scaled so that each object's outline lies at one half.

    Attributes:
        field: float32 (514, 514), 255 for certain, with a border of 0 around the square.
        numbers: int32 (514, 514) as ``Objects.numbers``.
        objects: the objects.
    """

    field: NDArray[np.float32]
    numbers: NDArray[np.int32]
    objects: Objects

    @classmethod
    def of(cls, objects: Objects, confidence: NDArray[np.uint8]) -> Slope:
        """The slope of a map uint8 (512, 512), the probability that a pixel belongs to a mark."""
        field = np.zeros((SQUARE_PX + 2, SQUARE_PX + 2), np.float32)
        numbers = np.zeros(field.shape, np.int32)
        field[1:-1, 1:-1] = confidence
        numbers[1:-1, 1:-1] = objects.numbers
        if (objects.levels < 0.5).any():
            places = objects.flat + (2 * (objects.flat // SQUARE_PX) + SQUARE_PX + 3)
            field.ravel()[places] *= (0.5 / objects.levels).astype(np.float32)[objects.owners]
        return cls(field, numbers, objects)

    def outlines(self) -> Rings:
        """The outlines of all objects."""
        layers = [self._layer(layer) for layer in sorted({*self.objects.layers.tolist()})]
        ends = np.cumsum([0] + [len(rings.points) for rings in layers])
        starts = [rings.starts[:-1] + start for rings, start in zip(layers, ends, strict=False)]
        return Rings(
            np.concatenate([rings.points for rings in layers]) - 1.0,
            np.concatenate([*starts, ends[-1:]]),
            np.concatenate([rings.owners for rings in layers]),
        )

    def crossings(self, share: float) -> tuple[Floats, _Indices]:
        """Points (N, 2) where the slope of an object crosses a share, in no order, and the object's place.

        Where the slope goes on beyond an object's pixels, the crossing lies one pixel outside them.
        """
        field, numbers, width = self.field.ravel(), self.numbers.ravel(), SQUARE_PX + 2
        places = self.objects.flat + (2 * (self.objects.flat // SQUARE_PX) + SQUARE_PX + 3)
        level = share * 255
        above = field[places] >= level
        places, owners = places[above], self.objects.owners[above]
        rows, columns = np.divmod(places, width)
        points, found = [], []
        for x, y in ((1, 0), (0, 1), (-1, 0), (0, -1)):
            inside, outside = field[places], field[places + x + y * width]
            edge = (outside < level) | (numbers[places + x + y * width] != owners + 1)
            falling = np.maximum(inside[edge] - outside[edge], 1e-6)
            step = np.minimum((inside[edge] - level) / falling, 1)
            points.append(np.stack([columns[edge] + x * step, rows[edge] + y * step], axis=1))
            found.append(owners[edge])
        crossings: Floats = np.concatenate(points) - 1.0
        return crossings, np.concatenate(found)

    def _layer(self, layer: int) -> Rings:
        """Rings of the objects of one layer, in the field's pixels."""
        objects = self.objects
        rows, columns = np.divmod(objects.flat[objects.layers[objects.owners] == layer], SQUARE_PX)
        y, x = int(rows.min()), int(columns.min())
        around = (slice(y, int(rows.max()) + 3), slice(x, int(columns.max()) + 3))
        field, numbers = self.field[around].copy(), self.numbers[around]
        if (objects.layers != layer).any():
            field[(np.append(layer, objects.layers) != layer)[numbers]] = 0
        # What else reaches in from the sides makes closed rings, too.
        field[[0, -1]], field[:, [0, -1]] = np.minimum(field[[0, -1]], 100), np.minimum(field[:, [0, -1]], 100)
        rings = _rings(field, numbers)
        return Rings(rings.points + np.array([x, y], np.float64), rings.starts, rings.owners)


def _rings(field: _Field, numbers: NDArray[np.int32]) -> Rings:
    """Rings where a field crosses one half (marching squares); their owners are those of the pixels inside.

    Args:
        field: float32 (H, W), below one half at its border.
        numbers: int32 (H, W), one more than the place of each pixel's object.
    """
    width, values = field.shape[1], field.ravel()
    above = (field >= _HALF).view(np.uint8)
    codes = (above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]).ravel()
    rows, columns = np.divmod(np.flatnonzero((codes > 0) & (codes < 15)), width - 1)
    kinds, cells = codes[rows * (width - 1) + columns], rows * width + columns
    # Where two corners across of each other are inside, the middle tells whether they hang together.
    saddle = (kinds == 5) | (kinds == 10)
    corners = cells[saddle, None] + (0, 1, width, width + 1)
    kinds[saddle] += (16 * (values[corners].mean(axis=1) >= _HALF)).astype(np.uint8)
    # The edge between a pixel and the next has twice the pixel's number, that to the pixel below one more.
    edges = 2 * cells[:, None] + (0, 3, 2 * width, 1)
    steps = _STEPS[:, kinds]
    pair, place = np.nonzero(steps[:, :, 0] >= 0)
    begin, end = edges[place, steps[pair, place, 0]], edges[place, steps[pair, place, 1]]
    order, starts = _walked(begin, end, 2 * values.size)
    pixel, down = np.divmod(begin[order], 2)
    other = pixel + np.where(down, width, 1)
    one, two = values[pixel].astype(np.float64), values[other]
    step = (_HALF - one) / (two - one)
    y, x = np.divmod(pixel, width)
    points = np.stack([np.where(down, x, x + step), np.where(down, y + step, y)], axis=1)
    return Rings(points, starts, numbers.ravel()[np.where(one > two, pixel, other)] - 1)


def _walked(begin: _Indices, end: _Indices, count: int) -> tuple[_Indices, _Indices]:
    """Steps in the order in which they follow each other, each ring closed by its first, and where the rings start.

    Args:
        begin: the edge at which each step begins.
        end: the edge at which it ends, where another begins.
        count: number of edges.
    """
    place = np.empty(count, np.intp)
    place[begin] = np.arange(len(begin))
    following = place[end].tolist()
    order: list[int] = []
    starts, seen = [0], bytearray(len(begin))
    for first in range(len(begin)):
        if not seen[first]:
            step = first
            while not seen[step]:
                seen[step] = 1
                order.append(step)
                step = following[step]
            order.append(first)
            starts.append(len(order))
    return np.array(order, np.intp), np.array(starts, np.intp)


def _step_table() -> NDArray[np.int8]:
    """int8 (2, 27, 2): the steps through a cell, by the corners that lie inside: from which of its edges to which.

    Corners and edges count clockwise from the upper left corner and the edge after it; the inside lies to the left.
    A step begins at the edge before the first corner of a run that lies inside, and ends at the edge after the last.
    Codes above 15 are those of two corners across of each other that hang together: the outside is in two runs.
    """
    table = np.full((2, 27, 2), -1, np.int8)
    for first in range(4):
        for run in range(1, 4):
            code = sum(1 << (first + step) % 4 for step in range(run))
            table[0, code] = (first - 1) % 4, (first + run - 1) % 4
    for code in (5, 10):
        table[0, code], table[1, code] = (table[0, code & half] for half in (3, 12))
        table[0, code + 16], table[1, code + 16] = (table[0, code | half] for half in (3, 12))
    return table


_STEPS: Final = _step_table()


def by_owner(points: Floats, owners: _Indices, count: int) -> list[Floats]:
    """The points (N, 2) of each of ``count`` objects."""
    order = np.argsort(owners, kind="stable")
    bounds = np.searchsorted(owners[order], np.arange(count + 1)).tolist()
    points = points[order]
    return [points[start:stop] for start, stop in pairwise(bounds)]


def moments(rings: Rings, count: int) -> Moments:
    """Moments of the area inside the rings of ``count`` objects, by Green's theorem."""
    x: Floats = rings.points[:-1, 0]
    y: Floats = rings.points[:-1, 1]
    x2: Floats = rings.points[1:, 0]
    y2: Floats = rings.points[1:, 1]
    cross = cast("Floats", x * y2 - x2 * y)
    cross[rings.starts[1:-1] - 1] = 0  # from the end of one ring to the start of the next
    numbers = rings.owners[:-1] + 1  # 0 is nobody's

    def summed(values: Floats | float) -> Floats:
        sums: Floats = np.bincount(numbers, cross * values, count + 1)[1:].astype(np.float64, copy=False)
        return sums

    twice = summed(1.0)
    center_x, center_y = summed(x + x2) / (3 * twice), summed(y + y2) / (3 * twice)
    xx = summed(x * x + x * x2 + x2 * x2) / (6 * twice) - center_x**2
    yy = summed(y * y + y * y2 + y2 * y2) / (6 * twice) - center_y**2
    xy: Floats = summed(x * y2 + 2 * x * y + 2 * x2 * y2 + x2 * y) / (12 * twice) - center_x * center_y
    return Moments(np.abs(twice) / 2, center_x, center_y, xx, yy, xy)
