"""The label map to measured defects: what touches or nearly so is one defect, sizes are micrometres of the square.

Every number of a defect is rounded to what the report shows (sizes to 0.01 um, a fiftieth of a pixel), so that the
rules judge exactly the numbers that a person reads, and a line of ten pixels is 5 um and not 5.0001.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from endface import skeleton
from endface.contract import SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX, Label
from endface.errors import ConfigurationError
from endface.image import Placement
from endface.report import Defect, DefectType, Point
from endface.zones import Zone, index_map

SizeDefinition = Literal["enclosing_circle", "equivalent_area"]
"""What a defect's size is: the smallest circle's diameter around it, or that of the disc with its area."""

MIN_AREA_PX: Final = 3
"""Smaller parts are noise of the network: 0.75 um^2, a spot of 1 um, half of the smallest size that a limit names."""

GAP_PX: Final = 2
"""Parts no farther apart are one defect: 1 um is about what a microscope of this field resolves, so the gap may as well
be the bright floor or flank of one pit; labelled pictures are read the same way."""

MIXED_SHARE: Final = 0.25
"""Share of a component from which a class is a defect of its own, and not what a network takes a rim for."""

PIECE_SHARE: Final = 0.1
"""Share of such a mixed component from which a separate piece of a class counts by itself."""

_TYPES: Final[dict[int, DefectType]] = {
    Label.SCRATCH: "scratch",
    Label.PIT: "pit",
    Label.CONTAMINATION: "contamination",
    Label.CHIP: "chip",
}
_Rings = list[NDArray[np.int32]]
_Part = tuple[int, NDArray[np.intp]]


@dataclass(frozen=True)
class _Objects:
    """Defects as pixels.

    ``numbers`` int32 (512, 512) is 0 where there is none, else one more than the place in ``labels``.  ``flat`` and
    ``owners`` list the pixels: index in the flattened map, and place of its defect.  ``layers`` tells defects that
    touch apart: no two of the same layer do.
    """

    numbers: NDArray[np.int32]
    flat: NDArray[np.intp]
    owners: NDArray[np.int32]
    labels: list[int]
    layers: list[int]
    areas_px: list[int]


def measure(
    labels: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
    placement: Placement,
    zones: Sequence[Zone],
    *,
    size: SizeDefinition = "enclosing_circle",
) -> tuple[Defect, ...]:
    """Measure every defect of a label map.

    What touches or lies within ``GAP_PX`` is one defect of the class that most of its pixels have, for a network's
    classes waver at a defect's rim.  Only where two classes make up a quarter each or more do they stay apart: a pit
    that a scratch runs into would count as width of the scratch, or the scratch as size of the pit.  A scratch that is
    cut in two that way is still one; two pits that only it joins are two.

    Length and width of a scratch are those of its stroke (``skeleton.stroke_px``), of other defects the sides of the
    smallest rectangle around it.  ``orientation_deg`` is the principal axis in [0, 180), counter-clockwise on the
    screen, 0 along a row; of a round defect it means nothing.

    Args:
        labels: uint8 (512, 512) of ``Label``.
        confidence: uint8 (512, 512), 255 for certain.
        placement: Where the square lies in the camera picture.
        zones: The profile's zones, from inside out; a defect outside all of them is reported without a zone.
        size: What ``size_um`` means.

    Returns:
        Defects with ids from 1, from the inner zones outward, in a zone the largest first.  ``polygon_px`` runs through
        the centres of the outermost pixels, as ``cv2.fillPoly`` draws it; holes are rings of their own (even-odd).

    Raises:
        ConfigurationError: the map holds a value that is no ``Label``: a network of another make.
    """
    if not labels.any():  # many faces are clean
        return ()
    objects = _find_objects(labels)
    if not objects.labels:
        return ()
    rows = _moments(objects, confidence) | _membership(objects, zones)
    outlines = _outlines(objects, placement)
    shapes = [_shape(objects, index, outline, size) for index, outline in enumerate(outlines.square)]
    order = sorted(
        range(len(shapes)),
        key=lambda k: (rows["first"][k] or len(zones) + 1, -shapes[k][0], *rows["center_um"][k][::-1]),
    )
    return tuple(
        Defect(
            id=number,
            type=_TYPES[objects.labels[k]],
            zone=zones[rows["first"][k] - 1].name if rows["first"][k] else "",
            zones=tuple(zone.name for zone, touched in zip(zones, rows["touched"][k], strict=True) if touched),
            confidence=rows["confidence"][k],
            bbox_px=outlines.boxes[k],
            polygon_px=outlines.camera[k],
            center_um=rows["center_um"][k],
            size_um=shapes[k][0],
            width_um=shapes[k][1],
            length_um=shapes[k][2],
            area_um2=objects.areas_px[k] * UM_PER_PX**2,
            orientation_deg=rows["orientation_deg"][k],
        )
        for number, k in enumerate(order, start=1)
    )


def _find_objects(labels: NDArray[np.uint8]) -> _Objects:
    """What hangs together, each component divided where its classes say that it is several defects."""
    if labels.max() > max(Label):
        raise ConfigurationError(
            f"the network drew class {labels.max()} and the classes end at {max(Label)}: install this release's network"
        )
    foreground = labels > 0
    count, numbers = _joined(foreground.view(np.uint8))
    flat = np.flatnonzero(foreground)
    owners = numbers.ravel()[flat]
    votes = np.bincount(owners * len(Label) + labels.ravel()[flat], minlength=count * len(Label))
    votes = votes.reshape(count, len(Label))
    area, majority = votes.sum(axis=1), votes.argmax(axis=1)
    kept = area >= MIN_AREA_PX
    present = votes >= np.maximum(MIN_AREA_PX, MIXED_SHARE * area)[:, None]
    parts: list[_Part] = []
    for component in np.flatnonzero(kept & (present.sum(axis=1) > 1)):
        pixels = flat[owners == component]
        parts += _parts(pixels, labels.ravel()[pixels], np.flatnonzero(present[component]), int(majority[component]))
    # In place: the components that stay are numbered first, in their order, then the parts that leave them.
    numbers.ravel()[flat] = np.where(kept, np.cumsum(kept), 0)[owners]
    found = majority[kept].tolist()
    for number, (_, part) in enumerate(parts, start=len(found) + 1):
        numbers.ravel()[part] = number
    flat = flat[kept[owners]]
    owners = numbers.ravel()[flat] - 1
    layers = [0] * len(found) + [label for label, _ in parts]
    areas = np.bincount(owners, minlength=len(layers)).tolist()
    return _Objects(numbers, flat, owners, found + [label for label, _ in parts], layers, areas)


def _parts(flat: NDArray[np.intp], labels: NDArray[np.uint8], present: NDArray[np.intp], majority: int) -> list[_Part]:
    """Parts of a component that are defects of their own; its remainder is one of the majority's class."""
    parts: list[_Part] = []
    for label in present.tolist():
        own = flat[labels == label]
        if label == Label.SCRATCH:
            pieces = [own]
        else:
            pieces = [piece for piece in _pieces(own) if len(piece) >= max(MIN_AREA_PX, PIECE_SHARE * len(flat))]
        parts += [(label, piece) for piece in pieces[1 if label == majority else 0 :]]
    return parts


def _pieces(flat: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """The pixels listed, divided into what hangs together, the largest piece first."""
    mask, x, y = _crop(flat)
    count, numbers = _joined(mask)
    rows, columns = np.divmod(flat, SQUARE_PX)
    owners = numbers[rows - y, columns - x]
    return sorted((flat[owners == number] for number in range(1, count)), key=len, reverse=True)


def _joined(mask: NDArray[np.uint8]) -> tuple[int, NDArray[np.int32]]:
    """Components of a mask with gaps up to ``GAP_PX`` bridged: their number, background included, and the map."""
    bridged = cv2.dilate(mask, np.ones((GAP_PX + 1, GAP_PX + 1), np.uint8))
    count, components = cv2.connectedComponents(bridged, connectivity=8)
    own = cv2.copyTo(components, mask)  # 0 elsewhere; a tenth of the time of numpy's where
    return count, own.astype(np.int32, copy=False)


def _crop(flat: NDArray[np.intp]) -> tuple[NDArray[np.uint8], int, int]:
    """The smallest part of the map that holds the pixels listed, 1 on them, and its first column and row."""
    rows, columns = np.divmod(flat, SQUARE_PX)
    y, x = int(rows.min()), int(columns.min())
    mask = np.zeros((int(rows.max()) - y + 1, int(columns.max()) - x + 1), np.uint8)
    mask[rows - y, columns - x] = 1
    return mask, x, y


def _moments(objects: _Objects, confidence: NDArray[np.uint8]) -> dict[str, Any]:
    """Centre, axis and confidence of all objects at once."""
    flat, owners, count = objects.flat, objects.owners, len(objects.labels)
    y, x = (axis - SQUARE_CENTER_PX for axis in np.divmod(flat, SQUARE_PX))
    area = np.array(objects.areas_px)
    center_x, center_y = (np.bincount(owners, axis, count) / area for axis in (x, y))
    x, y = x - center_x[owners], y - center_y[owners]
    xx, yy, xy = (np.bincount(owners, values, count) for values in (x * x, y * y, x * y))
    # Rows run downward and angles upward, hence the minus.  Rounding keeps the noise of a round defect from turning it.
    angle = np.degrees(np.arctan2(np.round(-2 * xy, 6), np.round(xx - yy, 6))) / 2
    certainty = np.bincount(owners, confidence.ravel()[flat], count) / area / 255
    return {
        "center_um": list(zip(_round(center_x * UM_PER_PX), _round(center_y * UM_PER_PX), strict=True)),
        "orientation_deg": (np.round(angle, 1) % 180).tolist(),
        "confidence": np.round(certainty, 4).tolist(),
    }


def _membership(objects: _Objects, zones: Sequence[Zone]) -> dict[str, Any]:
    """Which zones every object touches, and the first of them: 1 for the innermost, 0 for none."""
    touched = np.zeros((len(objects.labels), len(zones) + 1), bool)
    touched[objects.owners, index_map(zones).ravel()[objects.flat]] = True
    inside = touched[:, 1:]
    first = np.where(inside.any(axis=1), inside.argmax(axis=1) + 1, 0) if zones else np.zeros(len(inside), int)
    return {"touched": inside.tolist(), "first": first.tolist()}


@dataclass(frozen=True)
class _Outlines:
    """Per object: rings of square pixels, rings of camera pixels, bounding box in camera pixels."""

    square: list[_Rings]
    camera: list[tuple[tuple[Point, ...], ...]]
    boxes: list[tuple[int, int, int, int]]


def _outlines(objects: _Objects, placement: Placement) -> _Outlines:
    square: list[_Rings] = [[] for _ in objects.labels]
    layers = np.array(objects.layers, np.int8)
    for layer in set(objects.layers):
        mask, x, y = _crop(objects.flat[layers[objects.owners] == layer])
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
    # Pixels reach half a pixel beyond their centres, in the square as in the camera picture.
    edges = (np.minimum.reduceat(points, starts) - 0.5, np.maximum.reduceat(points, starts) + 0.5)
    low, high = (np.round(placement.to_camera(edge) + 0.5, 6) for edge in edges)
    low, high = np.floor(low).astype(int), np.ceil(high).astype(int)
    boxes = list(map(tuple, np.hstack([low, np.maximum(high - low, 1)]).tolist()))
    return _Outlines(square, polygons, boxes)


def _shape(objects: _Objects, index: int, outline: _Rings, definition: SizeDefinition) -> tuple[float, float, float]:
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
