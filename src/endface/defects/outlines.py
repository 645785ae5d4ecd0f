"""Outlines of objects below the pixel: contours of the probability, found by interpolation, and their moments."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_PX
from endface.defects.curve import Floats
from endface.defects.objects import Objects

_HALF: Final = 127.5
_WIDTH: Final = SQUARE_PX + 2
_BESIDE: Final = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])
"""Steps to a pixel's neighbors, in x and y."""

_Number = TypeVar("_Number", np.uint8, np.int32)

_Indices = NDArray[np.intp]
_Field = NDArray[np.float32]


@dataclass(frozen=True)
class Rings:
    """Closed lines around objects and around holes in them.

    Attributes:
        points: float64 (N, 2), x and y in pixels of the square; each ring ends where it begins.
        starts: the first point of each ring, and N.
        owners: the place of each ring's object; below 0 for none.
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

    @property
    def bounds(self) -> _Indices:
        """Of joined rings, the first point of each place, and N."""
        return self.starts[np.searchsorted(self.owners, np.arange(int(self.owners[-1]) + 2))]

    def joined(self, places: _Indices) -> Rings:
        """The rings of the objects that belong to a place, from 0 on, and not below: place by place."""
        owners = np.append(places, -1)[self.owners]
        order = np.argsort(owners, kind="stable")
        order = order[np.searchsorted(owners[order], 0) :]
        lengths = np.diff(self.starts)[order]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        points = self.points[np.arange(starts[-1]) + np.repeat(self.starts[order] - starts[:-1], lengths)]
        return Rings(points, starts, owners[order])


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
        field: float32 (514 x 514), row by row, 255 for certain, with a border of 0 around the square.
        numbers: int32 (514 x 514) as ``Objects.numbers``.
        pixels: the objects' pixels, as indices in both.
        objects: the objects.
    """

    field: NDArray[np.float32]
    numbers: NDArray[np.int32]
    pixels: _Indices
    objects: Objects

    @classmethod
    def of(cls, objects: Objects, confidence: NDArray[np.uint8]) -> Slope:
        """The slope of a map uint8 (512, 512), the probability that a pixel belongs to a mark."""
        field = _bordered(confidence).astype(np.float32)
        pixels = objects.flat + (2 * (objects.flat // SQUARE_PX) + _WIDTH + 1)
        if (objects.levels < 0.5).any():
            field[pixels] *= (0.5 / objects.levels).astype(np.float32)[objects.owners]
        return cls(field, _bordered(objects.numbers), pixels, objects)

    def outlines(self) -> Rings:
        """The outlines of all objects."""
        layers = [self._layer(layer) for layer in sorted({*self.objects.layers.tolist()})]
        ends = np.cumsum([0] + [len(rings.points) for rings in layers])
        starts = [rings.starts[:-1] + start for rings, start in zip(layers, ends, strict=False)]
        return Rings(
            np.concatenate([rings.points for rings in layers]),
            np.concatenate([*starts, ends[-1:]]),
            np.concatenate([rings.owners for rings in layers]),
        )

    def crossings(self, share: float) -> tuple[Floats, _Indices]:
        """Points (N, 2) where the slope of an object crosses a share, in no order, and the object's place.

        Where the slope goes on beyond an object's pixels, the crossing lies one pixel outside them.
        """
        level = share * 255
        above = self.field[self.pixels] >= level
        pixels, owners = self.pixels[above], self.objects.owners[above]
        beside = pixels + (_BESIDE @ (1, _WIDTH))[:, np.newaxis]
        outside = self.field[beside]
        edge = (outside < level) | (self.numbers[beside] != owners + 1)
        side, at = np.nonzero(edge)
        inside = self.field[pixels[at]]
        step = np.minimum((inside - level) / np.maximum(inside - outside[edge], 1e-6), 1)
        return _positions(pixels[at]) + _BESIDE[side] * step[:, np.newaxis], owners[at]

    def _layer(self, layer: int) -> Rings:
        """Rings of the objects of one layer."""
        field = self.field
        others = self.objects.layers != layer
        if others.any():
            field = field.copy()
            field[self.pixels[others[self.objects.owners]]] = 0
        return _rings(field, self.numbers)


def _bordered(values: NDArray[_Number]) -> NDArray[_Number]:
    """The values of a map (512, 512) with a border of 0 around them, row by row."""
    return cast("NDArray[_Number]", cv2.copyMakeBorder(values, 1, 1, 1, 1, cv2.BORDER_CONSTANT).ravel())


def _positions(pixels: _Indices) -> Floats:
    """Positions (N, 2) on the square of pixels of a bordered map."""
    rows, columns = np.divmod(pixels, _WIDTH)
    positions: Floats = np.stack([columns, rows], axis=1) - 1.0
    return positions


def _rings(field: _Field, numbers: NDArray[np.int32]) -> Rings:
    """Rings where a field crosses one half (marching squares); their owners are those of the pixels inside.

    Args:
        field: float32 (514 x 514), row by row, below one half at its border.
        numbers: int32 (514 x 514), one more than the place of each pixel's object.
    """
    above = (field >= _HALF).view(np.uint8)
    codes = above[: -_WIDTH - 1] + 2 * above[1:-_WIDTH] + 4 * above[_WIDTH + 1 :] + 8 * above[_WIDTH:-1]
    cells = np.flatnonzero((codes > 0) & (codes < 15))
    kinds = codes[cells]
    # Where two corners across of each other are inside, the middle tells whether they hang together.
    saddle = np.flatnonzero((kinds == 5) | (kinds == 10))
    corners = cells[saddle, np.newaxis] + (0, 1, _WIDTH, _WIDTH + 1)
    kinds[saddle] += (16 * (field[corners].sum(axis=1) >= 4 * _HALF)).astype(np.uint8)
    begin, end = np.concatenate([2 * cells + _STEPS[0][:, kinds], 2 * cells[saddle] + _STEPS[1][:, kinds[saddle]]], 1)
    order, starts = _walked(begin, end)
    pixel, down = np.divmod(begin[order], 2)
    other = pixel + np.where(down, _WIDTH, 1)
    one, two = field[pixel].astype(np.float64), field[other]
    step = (_HALF - one) / (two - one)
    points = _positions(pixel)
    points[np.arange(len(points)), down] += step
    owners = np.maximum.reduceat(numbers[np.where(one > two, pixel, other)], starts[:-1]) - 1
    return Rings(points, starts, owners)


def _walked(begin: _Indices, end: _Indices) -> tuple[_Indices, _Indices]:
    """Steps in the order in which they follow each other, each ring closed by its first, and where the rings start.

    Args:
        begin: the edge at which each step begins.
        end: the edge at which it ends, where another begins.
    """
    place = np.empty(2 * _WIDTH**2, np.int32)
    place[begin] = np.arange(len(begin))
    following = place[end].tolist()
    order: list[int] = []
    starts = [0]
    for first, second in enumerate(following):
        if second >= 0:
            step, after = first, second
            while after >= 0:
                order.append(step)
                following[step] = -1  # done
                step, after = after, following[after]
            order.append(first)
            starts.append(len(order))
    return np.array(order, np.intp), np.array(starts, np.intp)


def _step_table() -> _Indices:
    """Int (2, 2, 27): the steps through a cell, by the corners that lie inside: from which edge to which.

    The edge between a pixel and the next has twice the pixel's number, that to the pixel below one more; here they
    count from the cell's upper left pixel.  Corners and edges go clockwise from that corner and the edge after it; the
    inside lies to the left.  A step begins at the edge before the first corner of a run that lies inside, and ends at
    the edge after the last.  Codes above 15 are those of two corners across of each other that hang together: the
    outside is in two runs.  Only those and the two below 15 have a second step.
    """
    edges = (0, 3, 2 * _WIDTH, 1)
    table = np.zeros((2, 2, 27), np.intp)
    for first in range(4):
        for run in range(1, 4):
            code = sum(1 << (first + step) % 4 for step in range(run))
            table[0, :, code] = edges[(first - 1) % 4], edges[(first + run - 1) % 4]
    for code in (5, 10):
        for number, half in enumerate((3, 12)):
            table[number, :, code], table[number, :, code + 16] = table[0, :, code & half], table[0, :, code | half]
    return table


_STEPS: Final = _step_table()


def by_owner(points: _Field, owners: _Indices, count: int) -> list[_Field]:
    """The points (N, 2) of each of ``count`` places; those of owners below 0 are left out."""
    order = np.argsort(owners, kind="stable")
    bounds = np.searchsorted(owners[order], np.arange(count + 1)).tolist()
    points = points[order]
    return [points[start:stop] for start, stop in pairwise(bounds)]


def moments(rings: Rings) -> Moments:
    """Moments of the area inside joined rings, place by place, by Green's theorem."""
    x: Floats = rings.points[:-1, 0]
    y: Floats = rings.points[:-1, 1]
    x2: Floats = rings.points[1:, 0]
    y2: Floats = rings.points[1:, 1]
    cross = cast("Floats", x * y2 - x2 * y)
    cross[rings.starts[1:-1] - 1] = 0  # from the end of one ring to the start of the next
    first = rings.bounds[:-1]

    def summed(values: Floats | float) -> Floats:
        return np.add.reduceat(cross * values, first)

    twice = summed(1.0)
    center_x, center_y = summed(x + x2) / (3 * twice), summed(y + y2) / (3 * twice)
    xx = summed(x * x + x * x2 + x2 * x2) / (6 * twice) - center_x**2
    yy = summed(y * y + y * y2 + y2 * y2) / (6 * twice) - center_y**2
    xy: Floats = summed(x * y2 + 2 * x * y + 2 * x2 * y2 + x2 * y) / (12 * twice) - center_x * center_y
    return Moments(np.abs(twice) / 2, center_x, center_y, xx, yy, xy)
