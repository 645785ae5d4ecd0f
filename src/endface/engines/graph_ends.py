"""Normalizing and the probability of a mark in numpy, for engines that run the network's convolutions alone.

The network sees the square in blocks of 2 x 2 pixels: each pixel's place in its block is a channel, so nothing is lost
and no convolution runs at full resolution.  The numbers here are those of the network's own graph; an export for such
an engine is compared with that graph before it is written.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import CANDIDATE, SQUARE_CENTER_PX, SQUARE_PX, Label

BLOCK: Final = 2
"""Side of a block in pixels."""

SIDE: Final = SQUARE_PX // BLOCK
"""Side of the square in blocks."""

PLANES: Final = 3
"""Input planes of the network: gray level, local contrast, distance from the fiber's center."""

PLANE_DIMS: Final = (PLANES * BLOCK**2, SIDE, SIDE)
"""The convolutions' input behind its batch axis: channel ``plane * 4 + place in the block``."""

LOGIT_DIMS: Final = (len(Label) * BLOCK**2, SIDE, SIDE)
"""Their output: channel ``class * 4 + place in the block``."""

_LOCAL_BLOCKS: Final = (9, 9)
"""The box whose mean is the local background."""

_LOCAL_SPAN: Final = 6.0
"""The local contrast saturates softly around this many noise deviations."""

_DEVIATION_FLOOR: Final = 1.0
_NOISE_FLOOR: Final = 0.3
"""Added to a picture's deviation and noise in gray levels, so that an empty picture is not divided by zero."""

_LARGEST_LEAD: Final = 9.0
"""Lead of a mark over the background beyond which a byte shows no difference."""


def to_planes(squares: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Input of the convolutions, independent of the camera's gain and offset.

    Args:
        squares: gray levels, uint8 (N, 1, 512, 512).

    Returns:
        float32 (N, 12, 256, 256).
    """
    planes = np.empty((len(squares), *PLANE_DIMS), np.float32)
    for number, square in enumerate(squares[:, 0]):
        planes[number] = _planes_of(square).reshape(PLANE_DIMS)
    return planes


def to_labels(logits: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The most probable kind of mark at every pixel, and the probability of a mark of any kind.

    Args:
        logits: float32 (N, 20, 256, 256).

    Returns:
        The label maps, background below ``CANDIDATE``, and the confidence from 0 to 255, both uint8 (N, 512, 512).
    """
    classes = logits.reshape(-1, len(Label), BLOCK**2, SIDE, SIDE)
    background, best = classes[:, Label.BACKGROUND], classes[:, 1]
    labels, odds = np.ones(best.shape, np.uint8), np.zeros_like(background)
    for label in list(Label)[1:]:
        logit = classes[:, label]
        labels[logit > best] = label
        best = np.maximum(best, logit)
        odds += np.exp(np.minimum(logit - background, _LARGEST_LEAD))
    confidence = np.rint(255 * odds / (1 + odds)).astype(np.uint8)
    labels[confidence < CANDIDATE] = Label.BACKGROUND
    return _to_pixels(labels), _to_pixels(confidence)


def _planes_of(square: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The planes of one square (512, 512) in blocks, (3, 4, 256, 256)."""
    gray = _to_blocks(square.astype(np.float32))
    background = _mean_of_neighbors(gray.mean(axis=0), _LOCAL_BLOCKS)
    contrast = (gray - background) / (_LOCAL_SPAN * (_noise(square) + _NOISE_FLOOR))
    centered = gray - float(gray.mean(dtype=np.float64))
    deviation = math.sqrt(np.square(centered).mean(dtype=np.float64)) + _DEVIATION_FLOOR
    return np.stack((centered / deviation, 2 * contrast / (1 + np.abs(contrast)), _distance()))


def _noise(square: NDArray[np.uint8]) -> float:
    """Mean difference of a pixel from its neighborhood."""
    gray = square.astype(np.float32)
    return float(np.abs(gray - _mean_of_neighbors(gray, (3, 3))).mean(dtype=np.float64))


def _mean_of_neighbors(levels: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Mean over the part of a box that lies inside the picture."""
    sums = cv2.boxFilter(levels, cv2.CV_32F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    counts = cv2.boxFilter(np.ones_like(levels), cv2.CV_32F, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(sums / counts, np.float32)


def _to_blocks(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pixels (512, 512) to blocks (4, 256, 256)."""
    return pixels.reshape(SIDE, BLOCK, SIDE, BLOCK).transpose(1, 3, 0, 2).reshape(BLOCK**2, SIDE, SIDE)


def _to_pixels(blocks: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blocks (N, 4, 256, 256) to pixels (N, 512, 512)."""
    apart = blocks.reshape(-1, BLOCK, BLOCK, SIDE, SIDE)
    return apart.transpose(0, 3, 1, 4, 2).reshape(-1, SQUARE_PX, SQUARE_PX)


@cache
def _distance() -> NDArray[np.float32]:
    """Distance of each pixel from the fiber's center in half sides of the square, in blocks (4, 256, 256)."""
    axis = (np.arange(SQUARE_PX, dtype=np.float32) - SQUARE_CENTER_PX) / (SQUARE_PX / 2)
    return _to_blocks(np.hypot(axis[:, np.newaxis], axis))
