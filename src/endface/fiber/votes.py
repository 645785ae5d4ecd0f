"""Centers of discs, by what the slopes of a small copy point to: at a disc's edge all point to its center, or away.

The outline of a fiber in a rough ferrule runs into that of grains at every gray level, but its slopes still agree on
one center.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.ellipse import FloatArray
from endface.order import level_quantiles, quantile
from endface.report import Ellipse

SPREAD_SHARE: Final = 0.06
"""Votes within this share of the radius are for one center."""

STEEPEST_SHARE: Final = 0.3
MIN_SLOPE: Final = 4.0
"""Share of the pixels, the steepest, that vote, and the least slope as a Sobel filter has it."""

MIN_RANGE: Final = 8.0
"""Where the levels of nearly all pixels differ by less, there is noise and no edge: a blank picture is refused fast."""

SMALLEST_PX: Final = 8.0
LARGEST_SHARE: Final = 0.45
RADIUS_STEP: Final = 1.1
"""Radii for which votes are counted: from this one to this share of the longer side, in such steps."""

MOST: Final = 3
"""Circles that are worth a look."""


def slopes_of(small: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Slopes in x and y float32 (H, W, 2), and how steep they are (H, W)."""
    slopes = np.stack([cv2.Sobel(small, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0)], axis=-1).astype(np.float32)
    return slopes, np.asarray(cv2.magnitude(slopes[..., 0], slopes[..., 1]), np.float32)


def count_votes(
    places: NDArray[np.intp], inwards: NDArray[np.float32], radii: FloatArray, size: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Votes for each center in a picture of ``size`` (width, height) and a radius around it, float32.

    Args:
        places: pixels on edges, x and y (N, 2).
        inwards: directions to the center at those, of length 1 (N, 2).
        radii: the disc's, in x and y.
        size: the picture's width and height.
    """
    margin = radii.astype(int) + 2
    width, height = size + 2 * margin
    centers = np.rint(places + inwards * radii).astype(int) + margin
    centers = centers[((centers >= 0) & (centers < (width, height))).all(axis=1)]
    votes = np.bincount(centers[:, 1] * width + centers[:, 0], minlength=width * height)
    sigma_px = max(SPREAD_SHARE * float(radii.mean()), 1.0)
    return cv2.GaussianBlur(votes.reshape(height, width).astype(np.float32), (0, 0), sigma_px).astype(np.float32)


def likely_circles(small: NDArray[np.uint8]) -> list[Ellipse]:
    """Circles of any radius in a small copy uint8 (H, W) that most of a circumference votes for, the most certain
    first.
    """
    darkest, brightest = level_quantiles(small, np.array([0.01, 0.99]))
    if brightest - darkest < MIN_RANGE:
        return []
    slopes, steep = slopes_of(np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0), np.uint8))
    least = max(quantile(steep.ravel(), 1 - STEEPEST_SHARE), MIN_SLOPE)
    rows, columns = np.nonzero(steep > least)
    directions = slopes[rows, columns] / steep[rows, columns, None]
    places, size = np.stack([columns, rows], axis=1), np.array(small.shape[::-1])
    found: list[tuple[float, Ellipse]] = []
    count = math.floor(math.log(max(LARGEST_SHARE * max(small.shape) / SMALLEST_PX, 1.0), RADIUS_STEP)) + 1
    for radius in SMALLEST_PX * RADIUS_STEP ** np.arange(count):
        radii = np.array([radius, radius])
        for inwards in (directions, -directions):
            votes = count_votes(places, inwards, radii, size)
            _, most, _, (x, y) = cv2.minMaxLoc(votes)
            margin = int(radius) + 2
            height = max(SPREAD_SHARE * radius, 1.0) ** 2 / radius  # of the votes of a whole circumference, about
            found.append((most * height, Ellipse((float(x - margin), float(y - margin)), (radius, radius))))
    found.sort(key=lambda pair: -pair[0])
    return [circle for _, circle in found[:MOST]]
