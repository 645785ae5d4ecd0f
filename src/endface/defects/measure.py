"""Measurement of the defects in a label map, in micrometers of the square.

Every number of a defect is rounded to what the report shows (sizes to 0.01 um, a fiftieth of a pixel), so that the
rules judge exactly the numbers that a person reads, and a line of ten pixels is 5 um and not 5.0001.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Final, Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX, Label
from endface.defects import skeleton
from endface.defects.components import Objects, crop, find_objects
from endface.defects.zones import Zone, index_map
from endface.picture.square import Placement
from endface.report import Defect, DefectType, Point

SizeDefinition = Literal["enclosing_circle", "equivalent_area"]
"""What a defect's size is: the smallest circle's diameter around it, or that of the disc with its area."""

_TYPES: Final[dict[int, DefectType]] = {
    Label.SCRATCH: "scratch",
    Label.PIT: "pit",
    Label.CONTAMINATION: "contamination",
    Label.CHIP: "chip",
}
_Rings = list[NDArray[np.int32]]


def measure(
    labels: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
    placement: Placement,
    zones: Sequence[Zone],
    *,
    size: SizeDefinition = "enclosing_circle",
) -> tuple[Defect, ...]:
    """Measure every defect of a label map.

    What touches or lies within ``components.GAP_PX`` is one defect of the class that most of its pixels have, for a
    network's classes waver at a defect's rim.  Only where two classes make up a quarter each or more do they stay
    apart: a pit that a scratch runs into would count as width of the scratch, or the scratch as size of the pit.  A
    scratch that is cut in two that way is still one; two pits that only it joins are two.

    Length and width of a scratch are those of its stroke (``skeleton.stroke_px``), of other defects the sides of the
    smallest rectangle around it.  ``orientation_deg`` is the principal axis in [0, 180), counter-clockwise on the
    screen, 0 along a row; of a round defect it means nothing.

    Args:
        labels: uint8 (512, 512) of ``Label``.
        confidence: uint8 (512, 512), 255 for certain.
        placement: where the square lies in the camera picture.
        zones: the profile's zones, from inside out; a defect outside all of them is reported without a zone.
        size: what ``size_um`` means.

    Returns:
        Defects with ids from 1, from the inner zones outward, in a zone the largest first.  ``polygon_px`` runs through
        the centers of the outermost pixels, as ``cv2.fillPoly`` draws it; holes are rings of their own (even-odd).

    Raises:
        ConfigurationError: the map holds a value that is no ``Label``: a network of another make.
    """
    if not labels.any():  # many faces are clean
        return ()
    objects = find_objects(labels)
    if not objects.labels:
        return ()
    moments, outlines = _moments(objects, confidence), _outlines(objects, placement, size)
    touched = _zone_names(objects, zones)
    defects = [_defect(objects, index, names, moments, outlines) for index, names in enumerate(touched)]
    order = {zone.name: number for number, zone in enumerate(zones)}
    defects.sort(key=lambda found: (order.get(found.zone, len(zones)), -found.size_um, *found.center_um[::-1]))
    return tuple(replace(defect, id=number) for number, defect in enumerate(defects, start=1))


def _defect(objects: Objects, index: int, zones: tuple[str, ...], moments: _Moments, outlines: _Outlines) -> Defect:
    """One of the objects, without its number."""
    size_um, width_um, length_um = outlines.sizes_um[index]
    return Defect(
        id=0,
        type=_TYPES[objects.labels[index]],
        zone=zones[0] if zones else "",
        zones=zones,
        confidence=moments.confidence[index],
        bbox_px=outlines.boxes[index],
        polygon_px=outlines.polygons[index],
        center_um=moments.center_um[index],
        size_um=size_um,
        width_um=width_um,
        length_um=length_um,
        area_um2=objects.areas_px[index] * UM_PER_PX**2,
        orientation_deg=moments.orientation_deg[index],
    )


@dataclass(frozen=True)
class _Moments:
    """Per object: center, angle of the principal axis, mean confidence."""

    center_um: list[Point]
    orientation_deg: list[float]
    confidence: list[float]


def _moments(objects: Objects, confidence: NDArray[np.uint8]) -> _Moments:
    flat, owners, count = objects.flat, objects.owners, len(objects.labels)
    y, x = (axis - SQUARE_CENTER_PX for axis in np.divmod(flat, SQUARE_PX))
    area = np.array(objects.areas_px)
    center_x, center_y = (np.bincount(owners, axis, count) / area for axis in (x, y))
    x, y = x - center_x[owners], y - center_y[owners]
    xx, yy, xy = (np.bincount(owners, values, count) for values in (x * x, y * y, x * y))
    # Rows run downward and angles upward, hence the minus.  Rounding keeps the noise of a round defect from turning it.
    angle = np.degrees(np.arctan2(np.round(-2 * xy, 6), np.round(xx - yy, 6))) / 2
    certainty = np.bincount(owners, confidence.ravel()[flat], count) / area / 255
    return _Moments(
        list(zip(_round(center_x * UM_PER_PX), _round(center_y * UM_PER_PX), strict=True)),
        (np.round(angle, 1) % 180).tolist(),
        np.round(certainty, 4).tolist(),
    )


def _zone_names(objects: Objects, zones: Sequence[Zone]) -> list[tuple[str, ...]]:
    """The zones that each object touches, from inside out."""
    touched = np.zeros((len(objects.labels), len(zones) + 1), bool)
    touched[objects.owners, index_map(zones).ravel()[objects.flat]] = True
    names = [zone.name for zone in zones]
    return [tuple(compress(names, inside)) for inside in touched[:, 1:].tolist()]


@dataclass(frozen=True)
class _Outlines:
    """Per object: rings of camera pixels, bounding box in camera pixels, and size, width and length."""

    polygons: list[tuple[tuple[Point, ...], ...]]
    boxes: list[tuple[int, int, int, int]]
    sizes_um: list[tuple[float, float, float]]


def _outlines(objects: Objects, placement: Placement, size: SizeDefinition) -> _Outlines:
    square: list[_Rings] = [[] for _ in objects.labels]
    layers = np.array(objects.layers, np.int8)
    for layer in set(objects.layers):
        mask, x, y = crop(objects.flat[layers[objects.owners] == layer])
        contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE, offset=(x, y))
        for contour in contours:
            ring = cast("NDArray[np.int32]", contour[:, 0])
            square[objects.numbers[ring[0, 1], ring[0, 0]] - 1].append(ring)
    points = np.concatenate([ring for outline in square for ring in outline]).astype(np.float64)
    camera: list[Point] = list(zip(*np.round(placement.to_camera(points), 2).T.tolist(), strict=True))
    polygons, starts, start = [], [], 0
    for outline in square:
        starts.append(start)
        ends = [start := start + len(ring) for ring in outline]
        polygons.append(tuple(tuple(camera[end - len(ring) : end]) for end, ring in zip(ends, outline, strict=True)))
    # Pixels reach half a pixel beyond their centers, in the square as in the camera picture.
    edges = (np.minimum.reduceat(points, starts) - 0.5, np.maximum.reduceat(points, starts) + 0.5)
    low, high = (np.round(placement.to_camera(edge) + 0.5, 6) for edge in edges)
    low, high = np.floor(low).astype(int), np.ceil(high).astype(int)
    boxes = list(map(tuple, np.hstack([low, np.maximum(high - low, 1)]).tolist()))
    return _Outlines(polygons, boxes, [_shape(objects, *each, size) for each in enumerate(square)])


def _shape(objects: Objects, index: int, outline: _Rings, definition: SizeDefinition) -> tuple[float, float, float]:
    """Size, width and length in um, from outer edge to outer edge of the pixels."""
    hull = cv2.convexHull(np.concatenate(outline))
    if definition == "enclosing_circle":
        size = 2 * cv2.minEnclosingCircle(hull)[1] + 1
    else:
        size = 2 * math.sqrt(objects.areas_px[index] / math.pi)
    if objects.labels[index] == Label.SCRATCH:
        x, y, columns, rows = cv2.boundingRect(hull)
        mask = objects.numbers[y : y + rows, x : x + columns] == index + 1
        width, length = skeleton.stroke_px(mask.view(np.uint8))
    else:
        width, length = sorted(side + 1 for side in cv2.minAreaRect(hull)[1])
    return round(size * UM_PER_PX, 2), round(width * UM_PER_PX, 2), round(length * UM_PER_PX, 2)


def _round(values: NDArray[np.float64]) -> list[float]:
    """To 0.01, without minus zero."""
    return cast("list[float]", (np.round(values, 2) + 0.0).tolist())
