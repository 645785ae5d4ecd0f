"""Thin lines around a fiber, bright or dark, and how sharp they are: among them drawn lines are looked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.order import level_quantiles, median
from endface.report import Ellipse

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

WIDE: Final = np.ones((5, 5), np.uint8)
THIN: Final = np.ones((3, 3), np.uint8)
"""A line of up to four pixels' width does not fit the first, one of up to two not the second."""

SHARP: Final = 0.7
"""Of a line's height a thin window removes at least this share; of one that passed a lens, half."""

MIN_LEVELS: Final = 16
MIN_DEVIATIONS: Final = 5.0
"""A line's height in gray levels, and in medians of what the windows remove elsewhere, which is noise."""

MIN_POINTS: Final = 24
MOST_POINTS: Final = 30_000
"""Fewer are no line worth a refusal; with more the picture is noise."""

OWN: Final = (0.86, 1.14)
"""Radii of the rim, or of the core, between which thin rings are the fiber's own: lines inside edges, halos, gaps."""

EXACT_SHARE: Final = 0.85
"""Share of points that differ from their commonest level by one at most where a line is drawn in one level."""

_TWO_THIRDS: Final = np.array((0.16, 0.84))

TALL_LEVELS: Final = 36
"""Least height of a circle that has not one level: faint rings of a fiber's index may be as sharp."""


@dataclass(frozen=True)
class DrawnOn:
    """A fiber on which lines may be drawn: its cladding, and its core's share of that radius, 0 where none is seen."""

    cladding: Ellipse
    core_share: float

    @property
    def radius_px(self) -> float:
        """The cladding's mean radius."""
        return sum(self.cladding.radii_px) / 2

    @property
    def stretch(self) -> FloatArray:
        """What the pixels' shape makes of a radius, in x and y."""
        return np.asarray(self.cladding.radii_px) / self.radius_px

    def is_own(self, share: float) -> bool:
        """Whether a thin ring at this share of the radius is the fiber's own: at its rim, or at its core."""
        return OWN[0] < share < OWN[1] or OWN[0] < share / max(self.core_share, 1e-6) < OWN[1]


@dataclass(frozen=True)
class Lines:
    """What is thinner than the window: levels and heights over both sides uint8 (H, W), and the sharp points.

    Attributes:
        levels: gray levels.
        height: by how much they stand out of both sides.
        tall: where that is more than noise, bool (H, W).
        xs: the sharp ones of these, (N,).
        ys: likewise.
        crispness: share of each one's height that the thin window removes.
        all_xs: all that are more than noise, (M,).
        all_ys: likewise.
    """

    levels: NDArray[np.uint8]
    height: NDArray[np.uint8]
    tall: BoolArray
    xs: IntArray
    ys: IntArray
    crispness: FloatArray
    all_xs: IntArray
    all_ys: IntArray

    @cached_property
    def sharp(self) -> BoolArray:
        """The sharp points as a map (H, W)."""
        return self.map(np.ones(len(self.xs), np.bool_))

    def map(self, chosen: BoolArray) -> BoolArray:
        """Some of the sharp points as a map (H, W)."""
        places = np.zeros(self.levels.shape, np.bool_)
        places[self.ys[chosen], self.xs[chosen]] = True
        return places


def find_lines(levels: NDArray[np.uint8], window: int) -> Lines | None:
    """What is brighter (cv2.MORPH_TOPHAT) or darker (cv2.MORPH_BLACKHAT) than both its sides.

    Gray levels are uint8 (H, W).  None where that is too little for a line, or so much that it is noise.
    """
    height = np.asarray(cv2.morphologyEx(levels, window, WIDE), np.uint8)
    least = max(MIN_LEVELS, math.ceil(MIN_DEVIATIONS * float(median(height[::8, ::8].ravel()))))
    tall = height >= np.uint8(min(least, 255))
    places = np.flatnonzero(tall)
    if not MIN_POINTS <= len(places) <= MOST_POINTS:
        return None
    thin = cv2.morphologyEx(levels, window, THIN)
    crispness = thin.ravel()[places] / height.ravel()[places]
    sharp = crispness >= SHARP
    ys, xs = np.divmod(places, levels.shape[1])
    return Lines(levels, height, tall, xs[sharp], ys[sharp], crispness[sharp], xs, ys)


def exactness(levels: NDArray[np.uint8]) -> float:
    """Share of gray levels that differ from their commonest by one at most."""
    common = int(np.bincount(levels, minlength=256).argmax())
    return float((np.abs(levels.astype(np.int64) - common) <= 1).mean())


def spread(levels: NDArray[np.uint8]) -> float:
    """Half of what two thirds of gray levels span: of a Gaussian its standard deviation."""
    low, high = level_quantiles(levels, _TWO_THIRDS)
    return float(high - low) / 2
