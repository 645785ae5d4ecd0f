"""Marks as a person draws them: a type and outlines in the picture's pixels; and whether two drawings agree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.errors import ReviewError
from endface.report import DefectType, Point, Report

TYPES: Final[tuple[DefectType, ...]] = get_args(DefectType)

MOST_MARKS: Final = 2_000
MOST_POINTS: Final = 200_000
"""Most marks of a picture and points of all of them that are taken from outside."""

REACH_PX: Final = 2
"""Marks that lie this near to each other are one mark, roughly drawn twice."""

_FINE: Final = 4
"""Coverage of a pixel is counted on so many rows and columns."""

_HALF: Final = 0.6
"""Of a pixel that is covered by half: OpenCV also fills what the outline itself touches, an eighth of a pixel."""

_BEYOND: Final = 0.05
"""By which share of the picture a corner may lie beside it."""

Ring = tuple[Point, ...]


@dataclass(frozen=True)
class Mark:
    """One mark.

    Attributes:
        type: what it is.
        rings: closed lines of camera pixels (pixel centers at whole numbers); what an odd number of them encloses is
            the mark, so that a ring in a ring is a hole.
    """

    type: DefectType
    rings: tuple[Ring, ...]

    def to_json(self) -> dict[str, Any]:
        """The mark as JSON values."""
        return {"type": self.type, "rings": [[list(point) for point in ring] for ring in self.rings]}

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The pixels x0, y0, x1, y1 that it lies in; the last ones belong to it."""
        points = np.concatenate([np.asarray(ring, np.float64) for ring in self.rings])
        (x0, y0), (x1, y1) = np.floor(points.min(axis=0)).astype(int), np.ceil(points.max(axis=0)).astype(int)
        return int(x0), int(y0), int(x1), int(y1)


def marks_of(report: Report) -> tuple[Mark, ...]:
    """The marks that a report found."""
    return tuple(Mark(defect.type, defect.polygon_px) for defect in report.defects)


def read_marks(values: Any, size: tuple[int, int] | None = None) -> tuple[Mark, ...]:
    """Marks from JSON values; one with a ``stroke`` and a ``radius_px`` instead of rings was painted by a brush.

    Args:
        values: a list of objects.
        size: width and height of the picture, beside which no mark may lie; None to take any.

    Raises:
        ReviewError: they are no marks.
    """
    try:
        if not isinstance(values, list) or len(values) > MOST_MARKS:
            raise ValueError(f"at most {MOST_MARKS:,} marks in a list are taken")
        points = sum(len(ring) for value in values for ring in (*value.get("rings", ()), value.get("stroke", ())))
        if points > MOST_POINTS:
            raise ValueError(f"at most {MOST_POINTS:,} points are taken")
        return tuple(_mark(value, size) for value in values)
    except (AttributeError, KeyError, TypeError, ValueError) as exc:
        raise ReviewError(f"These are no marks of a picture: {exc}.") from exc


def brushed(stroke: Sequence[Point], radius_px: float) -> tuple[Ring, ...]:
    """Outlines of what a round brush covers.

    Args:
        stroke: where its center went, in camera pixels.
        radius_px: its radius.

    Returns:
        Rings, holes included.
    """
    path = np.asarray(stroke, np.float64)
    origin = np.floor(path.min(axis=0) - radius_px - 2)
    width, height = (np.ceil(path.max(axis=0) + radius_px + 2) - origin).astype(int)
    canvas = np.zeros((height * _FINE, width * _FINE), np.uint8)
    fine = np.round((path - origin) * _FINE).astype(np.int32)
    radius = max(1, round(radius_px * _FINE))
    cv2.polylines(canvas, [fine.reshape(-1, 1, 2)], False, (1,), max(1, 2 * radius - 2))  # OpenCV adds two
    for x, y in fine.tolist():
        cv2.circle(canvas, (x, y), radius, (1,), -1)
    contours, _ = cv2.findContours(canvas, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    thinned = [cv2.approxPolyDP(contour, 1.0, True)[:, 0] / _FINE + origin for contour in contours]
    return tuple(tuple((float(x), float(y)) for x, y in ring) for ring in thinned if len(ring) > 2)


def covered(mark: Mark, box: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """The pixels of a mark: those that it covers by half, or all that it touches where it is thinner than a pixel.

    Args:
        mark: the mark.
        box: x0, y0, x1, y1 of the pixels that are looked at, the last ones included.

    Returns:
        bool (y1 - y0 + 1, x1 - x0 + 1).
    """
    x0, y0, x1, y1 = box
    shape = (y1 - y0 + 1, x1 - x0 + 1)
    rings = [np.asarray(ring, np.float64) - (x0, y0) for ring in mark.rings]
    fine = np.zeros((shape[0] * _FINE, shape[1] * _FINE), np.uint8)
    cv2.fillPoly(fine, [np.round((ring + 0.5) * _FINE - 0.5).astype(np.int32) for ring in rings], (1,))
    share = fine.reshape(shape[0], _FINE, shape[1], _FINE).mean(axis=(1, 3))
    half = share > _HALF
    if half.sum() >= 0.7 * share.sum():
        return np.asarray(half)
    touched = np.zeros(shape, np.uint8)  # a line thinner than a pixel would break into beads
    cv2.fillPoly(touched, [np.round(ring).astype(np.int32) for ring in rings], (1,))
    return touched.astype(np.bool_)


def unmatched(marks: Sequence[Mark], others: Sequence[Mark]) -> list[int]:
    """The places of the marks that no other mark lies on or near."""
    boxes = [other.box for other in others]
    return [place for place, mark in enumerate(marks) if not _meets(mark, others, boxes)]


def same_marks(marks: Sequence[Mark], others: Sequence[Mark]) -> bool:
    """Whether two drawings show the same: each mark lies on one of the other drawing, of the same type."""
    for kind in TYPES:
        one, other = ([mark for mark in each if mark.type == kind] for each in (marks, others))
        if unmatched(one, other) or unmatched(other, one):
            return False
    return True


def _meets(mark: Mark, others: Sequence[Mark], boxes: Iterable[tuple[int, int, int, int]]) -> bool:
    x0, y0, x1, y1 = mark.box
    window = (x0 - REACH_PX, y0 - REACH_PX, x1 + REACH_PX, y1 + REACH_PX)
    near = [
        other
        for other, box in zip(others, boxes, strict=True)
        if box[0] <= window[2] and window[0] <= box[2] and box[1] <= window[3] and window[1] <= box[3]
    ]
    if not near:
        return False
    own = covered(mark, window).astype(np.uint8)
    wide = cv2.dilate(own, np.ones((2 * REACH_PX + 1, 2 * REACH_PX + 1), np.uint8)).astype(np.bool_)
    return any((covered(other, window) & wide).any() for other in near)


def _mark(value: Any, size: tuple[int, int] | None) -> Mark:
    if value["type"] not in TYPES:
        raise ValueError(f"there is no type {value['type']!r}; types are {', '.join(TYPES)}")
    if "stroke" in value:
        radius_px = float(value["radius_px"])
        if not 0 < radius_px <= 1000:
            raise ValueError("a brush has a radius above 0 and up to 1000 pixels")
        return Mark(value["type"], brushed(_points(value["stroke"], size, 1), radius_px))
    rings = tuple(_points(ring, size, 3) for ring in value["rings"])
    if not rings:
        raise ValueError("a mark has at least one outline")
    return Mark(value["type"], rings)


def _points(values: Any, size: tuple[int, int] | None, least: int) -> Ring:
    points = tuple((float(x), float(y)) for x, y in values)
    if len(points) < least:
        raise ValueError(f"a line has at least {least} point{'s' if least > 1 else ''}")
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError("a corner is no number")
        if size is not None and not (
            -_BEYOND * size[0] - 1 <= x <= (1 + _BEYOND) * size[0]
            and -_BEYOND * size[1] - 1 <= y <= (1 + _BEYOND) * size[1]
        ):
            raise ValueError(f"the corner ({x:g}, {y:g}) lies beside the picture of {size[0]} x {size[1]} pixels")
    return points
