"""Regions of a picture: the pixels of one defect, and the zones and the scale that they are read in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.criteria.profile import Profile
from endface.defects.zones import Zone
from endface.picture.square import Placement
from endface.report import Defect

Mask = NDArray[np.bool_]
Span = tuple[slice, slice]


@dataclass(frozen=True)
class Region:
    """Pixels of a defect: a mask and the window (rows, columns) of the picture in which it lies."""

    window: Span
    mask: Mask

    @property
    def center_px(self) -> tuple[float, float]:
        """Mean of its pixels, x and y."""
        y, x = np.nonzero(self.mask)
        return round(float(x.mean()) + self.window[1].start, 1), round(float(y.mean()) + self.window[0].start, 1)

    def widened(self, by_px: int, shape: tuple[int, ...]) -> Region:
        """The same pixels in a window that is wider by some pixels, as far as the picture reaches."""
        rows, columns = (
            slice(max(0, span.start - by_px), min(size, span.stop + by_px))
            for span, size in zip(self.window, shape[:2], strict=True)
        )
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.bool_)
        top, left = self.window[0].start - rows.start, self.window[1].start - columns.start
        mask[top : top + self.mask.shape[0], left : left + self.mask.shape[1]] = self.mask
        return Region((rows, columns), mask)


class Ground:
    """Zones and scale of a picture.

    Args:
        shape: Height and width in pixels.
        placement: Where the fiber lies.
        profile: Its zones, and which of them have limits.
    """

    def __init__(self, shape: tuple[int, int], placement: Placement, profile: Profile):
        self.shape = shape
        self.profile = profile
        self.um_per_px = np.array(placement.um_per_px)
        x_um, y_um = (
            (np.arange(size) - center) * um
            for size, center, um in zip(shape[::-1], placement.center_px, self.um_per_px, strict=True)
        )
        self._diameters_um = 2 * np.hypot(x_um[None, :], y_um[:, None])
        self.inside: Mask = self._diameters_um < profile.zones[-1].outer_um
        self.judged: Mask = self.inside.copy()
        for row in profile.rows:
            if not row.limited:
                self.judged &= ~self.ring(row.zone)

    def ring(self, zone: Zone) -> Mask:
        """Pixels of a zone."""
        return np.asarray((self._diameters_um > zone.inner_um) & (self._diameters_um < zone.outer_um))

    def has(self, region: Region) -> bool:
        """Whether a region reaches into the outermost zone."""
        return bool(self.inside[region.window][region.mask].any())

    def zone(self, region: Region, inset_um: float = 0.0) -> str | None:
        """Innermost zone that a region touches, None beyond all of them.

        Args:
            region: The region.
            inset_um: How far its innermost pixel is moved outward first (in diameter).
        """
        nearest_um = self._diameters_um[region.window][region.mask].min() + inset_um
        return next((zone.name for zone in self.profile.zones if nearest_um < zone.outer_um), None)

    def is_limited(self, zone: str | None) -> bool:
        """Whether a zone has limits; what lies beyond all zones counts as limited."""
        return all(row.limited for row in self.profile.rows if row.zone.name == zone)

    def size_um(self, region: Region) -> float:
        """Diameter of the smallest circle around the pixels."""
        y, x = np.nonzero(region.mask)
        points_um = (np.stack([x, y], 1) * self.um_per_px).astype(np.float32)
        return 2 * cv2.minEnclosingCircle(points_um)[1] + math.sqrt(self.um_per_px.prod())

    def area_um2(self, region: Region) -> float:
        """Area of the pixels."""
        return float(region.mask.sum() * self.um_per_px.prod())


def regions_of(mask: Mask) -> Iterator[Region]:
    """The separate regions of a mask; gaps of up to two pixels do not separate."""
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, numbers, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for number in range(1, count):
        x, y, width, height = (int(value) for value in boxes[number, :4])
        window = (slice(y, y + height), slice(x, x + width))
        yield Region(window, (numbers[window] == number) & mask[window])


def region_of(mask: Mask) -> Region:
    """All pixels of a mask, which is not empty, as one region."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    window = (slice(y, y + height), slice(x, x + width))
    return Region(window, mask[window])


def reported_regions(defects: Iterable[Defect], shape: tuple[int, int]) -> Iterator[tuple[Defect, Region]]:
    """The pixels of each reported defect, as far as they lie in the picture.

    A report's rings run half a pixel inside a mark's edge, so that OpenCV, which draws a polygon's boundary as pixels,
    too, covers the mark.
    """
    for defect in defects:
        rings = [np.round(np.array(ring)).astype(np.int32) for ring in defect.polygon_px]
        points = np.concatenate(rings)
        x0, y0 = np.maximum(points.min(axis=0), 0)
        x1, y1 = np.minimum(points.max(axis=0) + 1, shape[::-1])
        if x0 >= x1 or y0 >= y1:
            continue
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [ring - (x0, y0) for ring in rings], [1])
        if mask.any():
            yield defect, Region((slice(int(y0), int(y1)), slice(int(x0), int(x1))), mask.astype(np.bool_))


def grown(mask: Mask, by_px: int) -> Mask:
    """A mask grown by a disc."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * by_px + 1, 2 * by_px + 1))
    return cv2.dilate(mask.astype(np.uint8), disc).astype(np.bool_)
