"""Measurement of the defects on the network's maps, in micrometers of the square.

Every number of a defect is rounded to what the report shows (sizes to 0.01 um, a fiftieth of a pixel), so that the
rules judge exactly the numbers that a person reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import CANDIDATE
from endface.defects.curve import Floats
from endface.defects.marks import Mark, find_marks
from endface.defects.objects import find_objects
from endface.defects.outlines import Rings
from endface.defects.shapes import Shape, SizeDefinition, Survey, sides_um, stroke_um
from endface.defects.uncertainty import width_sigma_um
from endface.defects.zones import Zone
from endface.picture.square import Placement
from endface.report import Defect, DefectPart, Point

_INSET_PX: Final = 0.5
"""How far inside the outline polygons run: filled with their boundary, as ``cv2.fillPoly`` does, they cover it."""

_Polygon = tuple[tuple[Point, ...], ...]
_Box = tuple[int, int, int, int]


def measure(
    labels: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
    placement: Placement,
    zones: Sequence[Zone],
    *,
    size: SizeDefinition = "enclosing_circle",
) -> tuple[Defect, ...]:
    """Measure every defect on the network's maps.

    Pixels that touch, or lie within ``objects.GAP_PX``, are one object of the class that most of its pixels have, for a
    network's classes waver at a defect's rim.  Only where two classes make up a quarter each or more do they stay
    apart: a pit that a scratch runs into would count as width of the scratch, or the scratch as size of the pit.  A
    scratch that is cut in two that way is still one; two pits that only it joins are two.

    The outline runs between the pixels, where the probability is half of that in the mark's own middle, at most one
    half; all measures are those of the outline.  Pieces of one line are one defect, as are pieces along the rim.
    Length and width of a scratch are those of its stroke, of other defects the sides of the smallest rectangle around
    it.  ``orientation_deg`` is the principal axis in [0, 180), counter-clockwise on the screen, 0 along a row; of a
    round defect it means nothing.

    Args:
        labels: uint8 (512, 512) of ``Label``.
        confidence: uint8 (512, 512), the probability that a pixel belongs to a mark, 255 for certain.
        placement: where the square lies in the camera picture.
        zones: the profile's zones, from inside out; a defect outside all of them is reported without a zone.
        size: what ``size_um`` means.

    Returns:
        Defects with ids from 1, from the inner zones outward, in a zone the largest first.  ``polygon_px`` runs
        half a camera pixel inside the outline, as through the centers of the outermost pixels: ``cv2.fillPoly``, which
        draws the boundary too, fills the outline.  Holes are rings of their own (even-odd).

    Raises:
        ConfigurationError: the map holds a value that is no ``Label``: a network of another make.
    """
    if not labels.any():  # many faces are clean
        return ()
    # What has no class is no candidate: a network's byte there, and what the camera did not see, makes no outline.
    most = cv2.threshold(labels, 0, 256 - CANDIDATE, cv2.THRESH_BINARY)[1] + np.uint8(CANDIDATE - 1)
    confidence = np.asarray(cv2.min(confidence, most), np.uint8)
    objects = find_objects(labels, confidence)
    if not objects.labels:
        return ()
    survey = Survey(objects, confidence, zones, size)
    pieces = survey.shapes(np.arange(len(objects.labels)))
    marks = find_marks(pieces, objects.labels)
    shapes = _joined(survey, pieces, marks)
    order = {zone.name: number for number, zone in enumerate(zones)}

    def rank(found: tuple[Mark, Shape]) -> tuple[float, ...]:
        shape = found[1]
        zone = order[shape.zones[0]] if shape.zones else len(zones)
        return (zone, -shape.size_um, *shape.center_um[::-1])

    found = sorted(zip(marks, shapes, strict=True), key=rank)
    places = np.empty(len(pieces), np.intp)
    for place, (mark, _) in enumerate(found):
        places[list(mark.members)] = place
    outlines = _camera_outlines(survey.edge.joined(places), placement)
    return tuple(
        _defect(number, mark, shape, survey, pieces, *outline)
        for number, ((mark, shape), outline) in enumerate(zip(found, outlines, strict=True), start=1)
    )


def _defect(  # noqa: PLR0913, PLR0917 - all that is known of one mark
    number: int, mark: Mark, shape: Shape, survey: Survey, pieces: Sequence[Shape], polygon: _Polygon, box: _Box
) -> Defect:
    """The defect that one of the marks is."""
    is_line = mark.type == "scratch"
    width_um, length_um = stroke_um(shape, partial(survey.pixels, mark.members)) if is_line else sides_um(shape)
    return Defect(
        id=number,
        type=mark.type,
        zone=shape.zones[0] if shape.zones else "",
        zones=shape.zones,
        confidence=shape.confidence,
        bbox_px=box,
        polygon_px=polygon,
        center_um=shape.center_um,
        size_um=shape.size_um,
        width_um=round(width_um, 2),
        length_um=round(length_um, 2),
        area_um2=shape.area_um2,
        orientation_deg=shape.orientation_deg,
        size_sigma_um=shape.size_sigma_um,
        width_sigma_um=round(width_sigma_um(shape.edge_um2 / max(length_um, width_um)), 3),
        type_alternatives=mark.alternatives,
        parts=tuple(_part(pieces[member]) for member in mark.members) if len(mark.members) > 1 else (),
    )


def _joined(survey: Survey, pieces: Sequence[Shape], marks: Sequence[Mark]) -> list[Shape]:
    """The shape of each mark; only those of several objects are measured again."""
    several = [mark.members for mark in marks if len(mark.members) > 1]
    if not several:
        return [pieces[member] for (member,) in (mark.members for mark in marks)]
    places = np.full(len(pieces), -1)
    for place, members in enumerate(several):
        places[list(members)] = place
    whole = iter(survey.shapes(places))
    return [next(whole) if len(mark.members) > 1 else pieces[mark.members[0]] for mark in marks]


def _part(piece: Shape) -> DefectPart:
    zone = piece.zones[0] if piece.zones else ""
    return DefectPart(piece.center_um, piece.size_um, piece.size_sigma_um, zone, piece.zones)


def _camera_outlines(rings: Rings, placement: Placement) -> list[tuple[_Polygon, _Box]]:
    """Each place's rings in camera pixels, and the box of the camera's pixels that they touch."""
    camera = replace(rings, points=placement.to_camera(rings.points))
    points: list[Point] = list(zip(*np.round(_inset(camera), 2).T.tolist(), strict=True))
    polygons: list[list[tuple[Point, ...]]] = [[] for _ in range(int(rings.owners[-1]) + 1)]
    for owner, (start, end) in zip(rings.owners.tolist(), pairwise(rings.starts.tolist()), strict=True):
        polygons[owner].append(tuple(points[start : end - 1]))  # without the first point once more
    # Of each place's pixels the first and the last, in x and y.
    first = rings.bounds[:-1]
    low = np.floor(np.minimum.reduceat(camera.points, first) + 0.5).astype(int)
    size = np.ceil(np.maximum.reduceat(camera.points, first) + 0.5).astype(int) - low
    boxes: list[_Box] = list(map(tuple, np.hstack([low, size]).tolist()))
    return list(zip(map(tuple, polygons), boxes, strict=True))


def _inset(rings: Rings) -> Floats:
    """The rings' points moved to their inner side, which lies to the left of them."""
    before, after = rings.neighbors()
    along = rings.points[after] - rings.points[before]
    inward: Floats = along[:, ::-1] * (1.0, -1.0)
    lengths = np.maximum(np.hypot(*along.T), 1e-9)
    moved: Floats = rings.points + _INSET_PX * inward / lengths[:, np.newaxis]
    return moved
