"""Shapes of objects, one by one or several together, in micrometers, from outlines below the pixel."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise
from typing import Final, Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX
from endface.defects import skeleton
from endface.defects.curve import Curve, Floats, fit_curve
from endface.defects.objects import Objects
from endface.defects.outlines import Rings, Slope, by_owner, moments
from endface.defects.uncertainty import INNER, OUTER, size_sigma_um
from endface.defects.zones import Zone, index_map
from endface.report import Point

SizeDefinition = Literal["enclosing_circle", "equivalent_area"]
"""What a defect's size is: the smallest circle's diameter around it, or that of the disc with its area."""

_MANY: Final = 64
"""Points from which the circle around them is found faster by their convex hull first."""

_SMOOTHING: Final = 0.15
"""How far an outline's points are moved towards their neighbors before a circle is drawn around them.

Linear interpolation strays up to 0.04 um from a sharp slanting edge, and the circle touches the points that stray most
to the outside.  With this share, discs of 2 to 20 um are measured right to 0.1 um, and on average at most 0.08 um too
large.
"""

Rectangle = tuple[Point, Point, float]
_Indices = NDArray[np.intp]
_Points = NDArray[np.float32]


@dataclass(frozen=True)
class Shape:
    """What is measured on the outline of one object, or of several together.

    Attributes:
        points_um: the outline's points from the fiber's center, float64 (N, 2), ring by ring.
        starts: the first point of each ring.
        rectangle_um: the smallest rectangle around it: its center, its sides, and the angle of the first in degrees.
        center_um: center of the area.
        area_um2: area inside the outline.
        size_um: size as the profile defines it.
        size_sigma_um: standard deviation of the size.
        edge_um2: area between the outlines at ``OUTER`` and ``INNER``.
        orientation_deg: principal axis in [0, 180), counter-clockwise on the screen, 0 along a row.
        confidence: mean probability of the pixels, each weighted with itself, so that a soft rim counts little.
        zones: zones that it touches, from inside out.
    """

    points_um: Floats
    starts: list[int]
    rectangle_um: Rectangle
    center_um: Point
    area_um2: float
    size_um: float
    size_sigma_um: float
    edge_um2: float
    orientation_deg: float
    confidence: float
    zones: tuple[str, ...]

    @cached_property
    def curve(self) -> Curve:
        """The line through its outline."""
        return fit_curve(self.points_um)


class Survey:
    """The outlines of a face's objects, to be measured one by one or joined.

    Args:
        objects: at least one object.
        confidence: uint8 (512, 512), the probability that a pixel belongs to a mark.
        zones: the profile's zones, from inside out.
        size: what a size is.
    """

    def __init__(
        self, objects: Objects, confidence: NDArray[np.uint8], zones: Sequence[Zone], size: SizeDefinition
    ) -> None:
        self.objects, self.zones, self.size = objects, zones, size
        slope = Slope.of(objects, confidence)
        self.edge = slope.outlines()
        (outer, self._outer_owners), (inner, self._inner_owners) = slope.crossings(OUTER), slope.crossings(INNER)
        self._outer, self._inner = outer.astype(np.float32), inner.astype(np.float32)
        self._chances = confidence.ravel()[objects.flat] / 255

    def shapes(self, places: _Indices) -> list[Shape]:
        """The shapes of objects that are joined where ``places`` gives them the same number, from 0 on; below, none."""
        count = int(places.max()) + 1
        edge = self.edge.joined(places)
        found = moments(edge)
        center_um = [(axis - SQUARE_CENTER_PX) * UM_PER_PX for axis in (found.x, found.y)]
        # Rows run downward and angles upward, hence the minus.  Rounding keeps a round defect's noise from turning it.
        angles = np.degrees(np.arctan2(*(np.round(each, 6) + 0.0 for each in (-2 * found.xy, found.xx - found.yy)))) / 2
        owners = places[self.objects.owners]
        mine = np.flatnonzero(owners >= 0)
        owners, chances, levels = owners[mine], self._chances[mine], self.objects.levels[self.objects.owners[mine]]
        total, square = (np.bincount(owners, weights, count) for weights in (chances, chances * chances))
        relative, sure = chances / 2 / levels, chances >= levels
        between = (relative >= OUTER) & (relative < INNER)
        outlines = self._outlines_um(edge)
        outer = by_owner(self._outer, places[self._outer_owners], count)
        inner = by_owner(self._inner, places[self._inner_owners], count)
        points = [points_um.astype(np.float32) for points_um, _ in outlines]
        sizes = [self._sizes_um(*each) for each in zip(points, outer, inner, found.area.tolist(), strict=True)]
        return [
            Shape(*values)
            for values in zip(
                *zip(*outlines, strict=True),
                map(cv2.minAreaRect, points),
                zip(*map(_rounded, center_um), strict=True),
                _rounded(found.area * UM_PER_PX**2),
                *zip(*sizes, strict=True),
                (np.bincount(owners[between], minlength=count) * UM_PER_PX**2).tolist(),
                (np.round(angles, 1) % 180).tolist(),
                np.round(square / total, 4).tolist(),
                self._zone_names(edge, owners[sure], self.objects.flat[mine[sure]]),
                strict=True,
            )
        ]

    @staticmethod
    def _outlines_um(edge: Rings) -> list[tuple[Floats, list[int]]]:
        """The points of each place, and where its rings start among them."""
        points = (edge.smoothed(_SMOOTHING) - SQUARE_CENTER_PX) * UM_PER_PX
        starts = edge.starts.tolist()
        rings = np.searchsorted(edge.owners, np.arange(int(edge.owners[-1]) + 2)).tolist()
        return [
            (points[starts[first] : starts[stop]], [start - starts[first] for start in starts[first:stop]])
            for first, stop in pairwise(rings)
        ]

    def _sizes_um(self, points_um: _Points, outer: _Points, inner: _Points, area_px: float) -> tuple[float, float]:
        """Size and its standard deviation."""
        circle = _circle(points_um)
        larger, smaller = (UM_PER_PX * _circle(each) for each in (outer, inner))
        size = circle if self.size == "enclosing_circle" else 2 * math.sqrt(area_px / math.pi) * UM_PER_PX
        return round(size, 2), round(size_sigma_um(larger, smaller), 3)

    def _zone_names(self, edge: Rings, owners: _Indices, flat: _Indices) -> list[tuple[str, ...]]:
        """The zones that the outline of each place touches, or the pixels in it, from inside out."""
        diameters = 2 * UM_PER_PX * np.hypot(*(edge.points - SQUARE_CENTER_PX).T)
        on_edge = np.zeros(len(diameters), np.intp)
        for place, zone in enumerate(self.zones, start=1):
            on_edge[(diameters >= zone.inner_um) & (diameters < zone.outer_um)] = place
        width = len(self.zones) + 1
        touched = np.zeros((int(edge.owners[-1]) + 1) * width, bool)
        touched[owners * width + index_map(self.zones).ravel()[flat]] = True
        touched[np.repeat(edge.owners, np.diff(edge.starts)) * width + on_edge] = True
        names = [zone.name for zone in self.zones]
        return [tuple(compress(names, inside)) for inside in touched.reshape(-1, width)[:, 1:].tolist()]

    def pixels(self, members: Sequence[int]) -> NDArray[np.uint8]:
        """The pixels inside the outlines of some objects: uint8 (H, W), 1 on them, as large as they need."""
        mine = np.isin(self.objects.owners, members) & (self._chances >= self.objects.levels[self.objects.owners])
        rows, columns = np.divmod(self.objects.flat[mine], SQUARE_PX)
        mask = np.zeros((np.ptp(rows) + 1, np.ptp(columns) + 1), np.uint8)
        mask[rows - rows.min(), columns - columns.min()] = 1
        return mask


def sides_um(shape: Shape) -> tuple[float, float]:
    """Width and length of a compact mark: the sides of the smallest rectangle around it."""
    width, length = sorted(shape.rectangle_um[1])
    return width, length


def stroke_um(shape: Shape, pixels: Callable[[], NDArray[np.uint8]]) -> tuple[float, float]:
    """Width and length of a line mark: length along the line, and the width that makes its area of it.

    Args:
        shape: its outline.
        pixels: gives uint8 (H, W), 1 on it, for a line with a bend or with branches, whose middle line is searched.
    """
    curve = shape.curve
    covered = curve.stop - curve.start
    if len(shape.starts) > 1:  # where it is cut, by a pit or between beads, there is no area
        covered, reached = 0.0, -math.inf
        along = curve.place(shape.points_um)[0]
        ends = (ends.reduceat(along, shape.starts).tolist() for ends in (np.minimum, np.maximum))
        for start, stop in sorted(zip(*ends, strict=True)):
            covered += max(0.0, stop - max(start, reached))
            reached = max(reached, stop)
    width = shape.area_um2 / covered
    # The outline of a straight stripe lies half a width off the middle.
    if curve.spread <= 0.75 * width + UM_PER_PX / 2:
        return width, curve.length
    length = skeleton.stroke_px(pixels())[1] * UM_PER_PX
    return shape.area_um2 / length, length


def _circle(points: _Points) -> float:
    """Diameter of the smallest circle around points; 0 around none."""
    if not len(points):
        return 0.0
    return 2 * cv2.minEnclosingCircle(cv2.convexHull(points) if len(points) > _MANY else points)[1]


def _rounded(values: Floats) -> list[float]:
    """To 0.01, without minus zero."""
    return cast("list[float]", (np.round(values, 2) + 0.0).tolist())
