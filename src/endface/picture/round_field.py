"""The round field of view of a microscope: a bright disc in a picture that is black around it."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.ellipse import MAX_ASPECT, aspect, distances, fit_ellipses, from_fit
from endface.report import Ellipse

SMALL_PX: Final = 200
"""Longer side of the copy on which the field is looked for, at most."""

DARKEST: Final = 12
"""Gray level up to which a corner may be outside the field: no ferrule under light is so dark in a good picture."""

MIN_CONTRAST: Final = 4.0
"""A sixth of the picture is so many times brighter: the corners of a dark picture are dark without a field."""

MIN_CORNERS: Final = 3
"""Corners that must be black; a fiber off the center hides none of them."""

MIN_WIDTH: Final = 0.55
"""Diameter of a field over the picture's shorter side; a smaller bright disc is a fiber in a black ferrule."""

NEAR_SHARE: Final = 0.03
MIN_NEAR: Final = 0.85
"""Share of the outline's points that must lie within this share of the radius from the circle."""

MARGIN_SHARE: Final = 0.02
"""Share of the radius that is left out: the field's edge is soft."""


def find_round_field(gray: NDArray[np.uint8]) -> Ellipse | None:
    """The outline of a round field of view in a gray picture uint8 (H, W), or None where there is none."""
    step = max(math.ceil(max(gray.shape) / SMALL_PX), 1)
    small = gray[::step, ::step]
    if min(small.shape) < 8 or not _has_black_corners(small):
        return None
    bright = (cv2.medianBlur(np.ascontiguousarray(small), 3) > DARKEST).astype(np.uint8)
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    height, width = small.shape
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea))[:, 0]
    points = _along(hull.astype(np.float64))
    x, y = points.T
    points = points[(x > 1) & (y > 1) & (x < width - 2) & (y < height - 2)]
    if len(points) < 24:
        return None
    fit = fit_ellipses(points[None])[0]
    near = np.abs(distances(points, fit[None])[0]) < NEAR_SHARE
    if not aspect(fit) <= MAX_ASPECT or near.mean() < MIN_NEAR or 2 * min(fit[2:]) < MIN_WIDTH * min(small.shape):
        return None
    center = fit[:2] * step
    radii = fit[2:] * step * (1 - MARGIN_SHARE)
    return from_fit(np.concatenate([center, radii]))


def _has_black_corners(small: NDArray[np.uint8]) -> bool:
    """Whether corners are black, and not because all of the picture is dark."""
    corners = small[[1, 1, -2, -2], [1, -2, 1, -2]]
    if int((corners <= DARKEST).sum()) < MIN_CORNERS:
        return False
    return float(np.percentile(small, 83)) >= MIN_CONTRAST * DARKEST


def _along(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points in steps of about a pixel along a closed polygon (N, 2)."""
    ends = np.roll(corners, -1, axis=0)
    parts = [
        start + (end - start) * np.linspace(0, 1, max(int(math.dist(start, end)), 1), endpoint=False)[:, None]
        for start, end in zip(corners, ends, strict=True)
    ]
    return np.concatenate(parts)
