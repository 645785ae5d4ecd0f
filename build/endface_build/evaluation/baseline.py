"""Classical baseline for the network: flat field, local threshold, morphology, components, type by shape.

Half an hour of work, and meant to be: it takes the radial structure of the face away (a median per radius), then what
varies slowly (a local median), and calls what is left and clearly above the noise at its radius a defect.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import CLADDING_UM, SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX, Label

FLAT_PX: Final = 41
"""Side of the local median that stands for the light; wider than the marks that matter."""

HIGH: Final = 7.0
LOW: Final = 3.0
"""Deviations of the noise that a mark's strongest and its weakest pixel exceed."""

LEAST_LEVELS: Final = 8.0
"""Gray levels below which nothing is a mark."""

MIN_AREA_PX: Final = 8
"""Smaller components are noise: 2 um^2."""

RIM_UM: Final = 1.5
"""What reaches this close to the cladding's edge is a chip."""

SLENDER: Final = 5.0
LINE_UM: Final = 10.0
"""A line is this many times longer than wide, and this long."""

DIRT_UM: Final = 9.0
"""A larger spot is contamination, a smaller one a pit."""


def segment(squares: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Label squares as the network does.

    Args:
        squares: Gray levels, uint8 (N, 1, 512, 512).

    Returns:
        Labels and confidence, uint8 (N, 512, 512) each: a pixel belongs to a mark or not, so that outlines run
        halfway between pixels.
    """
    labels = np.stack([_segment_one(square[0]) for square in squares])
    return labels, np.where(labels, 255, 0).astype(np.uint8)


def _segment_one(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    residual, noise = _flattened(square)
    strength = np.abs(residual) / noise
    weak = ((strength > LOW) & (np.abs(residual) > LEAST_LEVELS)).astype(np.uint8)
    closed = cv2.morphologyEx(weak, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, components, boxes, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    numbers = components.astype(np.int32, copy=False)
    strongest = np.zeros(count)
    np.maximum.at(strongest, numbers.ravel(), strength.ravel())
    labels = np.zeros_like(square)
    for number in range(1, count):
        if boxes[number, cv2.CC_STAT_AREA] >= MIN_AREA_PX and strongest[number] > HIGH:
            x, y, width, height = boxes[number, :4]
            window = (slice(y, y + height), slice(x, x + width))
            mask = numbers[window] == number
            labels[window][mask] = _type(np.argwhere(mask) + np.array([y, x]))
    return labels


def _flattened(square: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The picture without radial structure and light, and the noise at each pixel's radius, in gray levels."""
    radius_px = _radii_px()
    rings = radius_px.astype(int)
    level = square.astype(np.float32)
    level -= _per_ring(level, rings)
    # Without the radial steps a local median follows the light and not the rim.
    level -= cv2.medianBlur(np.clip(level + 128, 0, 255).astype(np.uint8), FLAT_PX).astype(np.float32) - 128
    spread = 1.4826 * _per_ring(np.abs(level), rings)
    return level, np.maximum(spread, 1.0)


def _per_ring(values: NDArray[np.float32], rings: NDArray[np.int_]) -> NDArray[np.float32]:
    """The median over each ring of one pixel's width, at every pixel."""
    order = np.argsort(rings, axis=None, kind="stable")
    ends = np.cumsum(np.bincount(rings.ravel()))[:-1]
    medians = [np.median(part) for part in np.split(values.ravel()[order], ends)]
    return np.array(medians, np.float32)[rings]


def _type(pixels: NDArray[np.intp]) -> Label:
    """A component's type from its place and shape; ``pixels`` (N, 2) are rows and columns."""
    radii_um = np.hypot(*(pixels - SQUARE_CENTER_PX).T) * UM_PER_PX
    if radii_um.min() < CLADDING_UM / 2 + RIM_UM and radii_um.max() > CLADDING_UM / 2 - RIM_UM:
        return Label.CHIP
    width, length = sorted(side + 1 for side in cv2.minAreaRect(pixels.astype(np.float32))[1])
    slender = max(length / width, length**2 / len(pixels))
    if slender > SLENDER and length * UM_PER_PX > LINE_UM:
        return Label.SCRATCH
    return Label.CONTAMINATION if 2 * math.sqrt(len(pixels) / math.pi) * UM_PER_PX > DIRT_UM else Label.PIT


def _radii_px() -> NDArray[np.float64]:
    offset = np.arange(SQUARE_PX) - SQUARE_CENTER_PX
    return np.hypot(offset[:, None], offset[None, :])
