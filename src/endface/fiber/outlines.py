"""Elliptic outlines at many gray levels of a small picture: candidates for a fiber's edge."""

from __future__ import annotations

import math
from typing import Final, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.edge import MIN_SUPPORT
from endface.fiber.ellipse import MAX_ASPECT, FloatArray, distances, fit_ellipses, from_fit
from endface.fiber.rays import MIN_RAYS_SEEN
from endface.order import level_quantiles
from endface.report import Ellipse

LEVELS: Final = 20
"""Gray levels at which outlines are taken, as quantiles of the small copy."""

POINTS: Final = 64
"""Points of an outline that an ellipse is fitted to."""

NEAR_SHARE: Final = 0.1
"""An outline's points lie on an ellipse within this share of the radius."""

ALIKE_SHARE: Final = 0.06
"""Outlines that differ by less than this share of the radius are one."""

ALIKE_PX: Final = 3
"""Outlines of two gray levels whose boxes share this grid are one, and cost no second fit."""


def find_outlines(small: NDArray[np.uint8], smallest_px: float) -> list[Ellipse]:
    """Ellipses of at least ``smallest_px`` radius around the outlines in a small gray picture uint8 (H, W), alike ones
    once.
    """
    outlines = _long_outlines(small, _shortest(smallest_px))
    if not outlines:
        return []
    fits = _outline_fits(outlines, small.shape, smallest_px)
    boxes: set[tuple[int, ...]] = set()
    found: list[int] = []
    known = np.zeros(len(fits), bool)
    for number in np.flatnonzero(~np.isnan(fits[:, 0])).tolist():
        box = tuple(side // ALIKE_PX for side in cv2.boundingRect(outlines[number]))
        if box not in boxes and not known[number]:
            found.append(number)
            known |= np.abs(fits - fits[number]).max(axis=1) < ALIKE_SHARE * fits[number, 2]
        boxes.add(box)
    return [from_fit(fit) for fit in fits[found]]


def outlines_at(above: NDArray[np.uint8], smallest_px: float) -> list[Ellipse]:
    """The same around the parts of a small picture that are 1 and not 0."""
    shortest = _shortest(smallest_px)
    outlines = [outline for outline in _outlines(above) if len(outline) >= shortest]
    if not outlines:
        return []
    fits = _outline_fits(outlines, above.shape, smallest_px)
    return [from_fit(fit) for fit in fits[~np.isnan(fits[:, 0])]]


def _outlines(above: NDArray[np.uint8]) -> list[NDArray[np.int32]]:
    outlines, _ = cv2.findContours(above, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return [cast("NDArray[np.int32]", outline[:, 0]) for outline in outlines]


def _long_outlines(small: NDArray[np.uint8], shortest: float) -> list[NDArray[np.int32]]:
    """Outlines (N, 2) at several gray levels that are as long as the part of a rim that must be seen."""
    long: list[NDArray[np.int32]] = []
    for level in np.unique(level_quantiles(small[::2, ::2], np.linspace(0.01, 0.99, LEVELS)).astype(np.uint8)):
        _, above = cv2.threshold(small, float(level), 1, cv2.THRESH_BINARY)
        long += [outline for outline in _outlines(np.asarray(above, np.uint8)) if len(outline) >= shortest]
    return long


def _shortest(smallest_px: float) -> float:
    """Length of the part of the smallest rim that must be seen."""
    return MIN_RAYS_SEEN * 2 * math.pi * smallest_px


def _outline_fits(outlines: list[NDArray[np.int32]], shape: tuple[int, ...], smallest_px: float) -> FloatArray:
    """Centers and radii (K, 4) of outlines that are ellipses, judged by points off the picture's border; else NaN."""
    points, real = _some_points(outlines, shape, _shortest(smallest_px))
    fits = fit_ellipses(points, real)
    off = np.abs(distances(points, fits))
    strays = np.flatnonzero((real & (off >= NEAR_SHARE)).any(axis=1))  # a hair or a scratch runs into these
    if len(strays):
        fits[strays] = fit_ellipses(points[strays], real[strays] & (off[strays] < 2 * NEAR_SHARE))
        off[strays] = np.abs(distances(points[strays], fits[strays]))
    near = real & (off < NEAR_SHARE)
    sound = near.sum(axis=1) > MIN_SUPPORT * real.sum(axis=1)
    radius, other = fits[:, 2], fits[:, 3]
    sound &= (radius > smallest_px) & (radius < 2 * max(shape))
    sound &= np.maximum(radius / other, other / radius) <= MAX_ASPECT
    fits[~sound] = np.nan
    return fits


def _some_points(
    outlines: list[NDArray[np.int32]], shape: tuple[int, ...], shortest: float
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Points of each outline in equal steps (K, 2 * POINTS, 2), and which of them are real.

    Points on the picture's border are left out, and all of an outline that has too few others.  As the numbers of
    points differ, rows are filled up with their mean, which moves neither that nor their extent.
    """
    x, y = np.concatenate(outlines).T
    height, width = shape
    off_border = np.flatnonzero((x > 0) & (y > 0) & (x < width - 1) & (y < height - 1))
    ends = np.searchsorted(off_border, np.cumsum([len(outline) for outline in outlines]))
    counts = np.diff(ends, prepend=0)[:, None]
    at = np.arange(2 * POINTS) * np.maximum(counts // POINTS, 1)
    real = (at < counts) & (counts >= shortest)
    places = np.append(off_border, 0)[np.where(real, at + ends[:, None] - counts, -1)]
    share = real / np.maximum(real.sum(axis=1, keepdims=True), 1)
    planes = (np.where(real, plane[places], (plane[places] * share).sum(axis=1, keepdims=True)) for plane in (x, y))
    return np.stack(list(planes), axis=-1), real
