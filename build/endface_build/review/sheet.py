"""One picture as labelling tools know it: a name, a size, and polygons without holes.

Our pixel centers stand at whole numbers; these tools measure from the picture's corner, half a pixel before.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import Label
from endface.report import DefectType
from endface.review.marks import TYPES, Mark, Ring
from endface.review.opinions import Opinion

CORNER_PX: Final = 0.5
"""From our pixel coordinates to those of the tools."""

DECIMALS: Final = 2
"""Of coordinates in pixels; CVAT keeps no more."""

_FINE: Final = 4


@dataclass(frozen=True)
class Sheet:
    """A picture with its marks, for a tool.

    Attributes:
        name: the case's.
        size: width and height in pixels.
        marks: drawn beforehand; their rings have no holes.
    """

    name: str
    size: tuple[int, int]
    marks: tuple[Mark, ...]

    @property
    def file(self) -> str:
        """The picture's file."""
        return f"{self.name}.png"


@dataclass(frozen=True)
class Returned:
    """What a tool says of a picture.

    Attributes:
        name: of the picture, as the tool knows it.
        marks: what was drawn.
        opinion: what was said of the report; None where the tool knows no opinions.
        reviewer: who did it; empty where the tool does not say.
        was_done: whether the tool says that somebody finished it; else pictures that nobody touched look like these.
        size: width and height that it was drawn on; None where the tool does not say.
    """

    name: str
    marks: tuple[Mark, ...]
    opinion: Opinion | None = None
    reviewer: str = ""
    was_done: bool = False
    size: tuple[int, int] | None = None


def to_corner(ring: Ring) -> Ring:
    """A ring in the tools' coordinates."""
    return tuple((round(x + CORNER_PX, DECIMALS), round(y + CORNER_PX, DECIMALS)) for x, y in ring)


def from_corner(ring: Sequence[tuple[float, float]]) -> Ring:
    """A ring in our coordinates."""
    return tuple((x - CORNER_PX, y - CORNER_PX) for x, y in ring)


def without_holes(mark: Mark) -> Mark:
    """The mark with each hole joined to the ring around it by a seam without width."""
    rings = [np.asarray(ring, np.float64) for ring in mark.rings]
    depth = [sum(_is_inside(ring, other) for other in rings if other is not ring) for ring in rings]
    outer = {place: ring for place, ring in enumerate(rings) if depth[place] % 2 == 0}
    for place, ring in enumerate(rings):
        if place in outer:
            continue
        around = [other for other in outer if _is_inside(ring, rings[other])]
        owner = max(around, key=lambda other: depth[other])
        outer[owner] = _keyed(outer[owner], ring)
    return Mark(mark.type, tuple(tuple((float(x), float(y)) for x, y in ring) for ring in outer.values()))


def type_of(code: int) -> DefectType:
    """The type of mark of one of our codes."""
    return next(kind for kind in TYPES if kind == Label(code).name.lower())


def mark_of_pixels(kind: DefectType, pixels: NDArray[np.bool_], origin: tuple[int, int] = (0, 0)) -> Mark:
    """A mark from the pixels that it covers, whose outlines run between the pixels.

    Args:
        kind: its type.
        pixels: bool (H, W); some are true.
        origin: the first pixel's place in the picture.
    """
    fine = np.kron(np.pad(pixels, 1), np.ones((_FINE, _FINE), np.uint8)).astype(np.uint8)
    contours, _ = cv2.findContours(fine, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    shift = np.asarray(origin) - 1 + 0.5 / _FINE - 0.5
    rings = [cv2.approxPolyDP(contour, 1.0, True)[:, 0] / _FINE + shift for contour in contours]
    return Mark(kind, tuple(tuple((float(x), float(y)) for x, y in ring) for ring in rings if len(ring) > 2))


def are_the_same(marks: Sequence[Mark], others: Sequence[Mark]) -> bool:
    """Whether two drawings are the same line by line, but for the decimals of a tool."""
    pending = list(others)
    for mark in marks:
        found = next((other for other in pending if _equal(mark, other)), None)
        if found is None:
            return False
        pending.remove(found)
    return not pending


def _equal(one: Mark, other: Mark) -> bool:
    if one.type != other.type or [len(ring) for ring in one.rings] != [len(ring) for ring in other.rings]:
        return False
    pairs = zip(one.rings, other.rings, strict=True)
    return all(np.abs(np.subtract(ring, again)).max() < 0.06 for ring, again in pairs)


def _is_inside(ring: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return cv2.pointPolygonTest(other.astype(np.float32), ring[0].tolist(), False) > 0


def _keyed(outer: NDArray[np.float64], hole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Both rings in one line: along the outer one, over at their nearest corners, around the hole, and back."""
    if _area(outer) * _area(hole) > 0:
        hole = hole[::-1]
    apart = np.hypot(*(outer[:, np.newaxis] - hole[np.newaxis]).transpose(2, 0, 1))
    there, over = (int(place) for place in np.unravel_index(int(apart.argmin()), apart.shape))
    around = np.concatenate([hole[over:], hole[: over + 1]])
    return np.concatenate([outer[: there + 1], around, outer[there:]])


def _area(ring: NDArray[np.float64]) -> float:
    x, y = ring.T
    return math.fsum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2
