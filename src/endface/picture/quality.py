"""How sharp and how quiet a picture is: blur on the cladding's edge, noise on the fiber's flattest parts.

The blur is taken from how much an edge loses by a known blur more: of a step that is blurred by ``b`` the slope falls
by the factor ``sqrt(b^2 + r^2) / b`` when it is blurred by ``r`` once more (Zhuo and Sim, 2011).  That needs neither
the height of the step nor flat sides, which a rim with its dark line and its halo does not have.
"""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_PX, UM_PER_PX
from endface.order import quantile
from endface.picture.square import diameters_um
from endface.report import Quality

SMOOTHING_PX: Final = 1.0
"""Blur against noise before slopes are taken."""

OWN_PX2: Final = SMOOTHING_PX**2 + 0.5
"""What a sharp step on the square measures, as a variance: the smoothing, and the pixels between which slopes lie."""

REBLUR_PX: Final = 1.5
"""The known blur: of the order of the blur at which verdicts become uncertain, 0.7 um."""

RIM_UM: Final = 8.0
"""Differences of diameter from the cladding's up to which an edge belongs to its rim: line, edge and halo."""

STEEP_SHARE: Final = 0.3
"""Share of the steepest slope on the rim from which a slope is an edge."""

FLAT_SHARE: Final = 0.3
"""Share of the fiber inside the rim, the flattest, on which the noise is read."""

_WITHIN_SIGMA: Final = (0.1587, 0.8413)
"""Shares of a Gaussian below one standard deviation under and over its middle."""

SOFTER_SHARE: Final = 0.35
"""Share of the rim's edges that are softer than what is taken for the blur.

Thin lines along the rim lose more than steps do, and look sharper than they are.  On drawn faces with any rim this
share is right within 0.05 um up to 0.85 um, and 0.1 to 0.2 um too low beyond.
"""

_LEAST_LOSS: Final = 0.02
"""Smallest relative loss of squared slope that is told from none."""

_EVERY: Final = 3
"""Of the fiber's rows so many are one for the noise."""


def measure_quality(square: NDArray[np.uint8], cladding_um: float) -> Quality:
    """Blur and noise of a square uint8 (512, 512) in which the cladding has a diameter of ``cladding_um``."""
    half = min(math.ceil((cladding_um + RIM_UM) / 2 / UM_PER_PX) + 4, SQUARE_PX // 2)
    crop = (slice(SQUARE_PX // 2 - half, SQUARE_PX // 2 + half),) * 2
    levels, outside_um = square[crop].astype(np.float32), diameters_um()[crop] - cladding_um
    smooth = _blurred(levels, SMOOTHING_PX)
    softer = _blurred(smooth, REBLUR_PX)
    slopes_x, slopes_y, slopes = (each.ravel() for each in _slopes(smooth))
    softer_slopes = _slopes(softer)[2]
    rim = np.abs(outside_um) < RIM_UM
    rim[0] = rim[-1] = rim[:, 0] = rim[:, -1] = False  # their neighbors lie beyond the crop
    at = np.flatnonzero(rim)
    along = np.where(np.abs(slopes_x.take(at)) > np.abs(slopes_y.take(at)), 1, 2 * half)
    here, before, behind = (slopes.take(places) for places in (at, at - along, at + along))
    peaks = np.flatnonzero((here >= before) & (here >= behind))
    edges = peaks[here[peaks] > STEEP_SHARE * quantile(here[peaks], 0.99)]
    loss = (here[edges] / np.maximum(softer_slopes.ravel()[at[edges]], 1e-6)) ** 2 - 1
    typical_loss = quantile(loss, SOFTER_SHARE) if len(loss) else 0.0
    blur_px = math.sqrt(max(REBLUR_PX**2 / max(typical_loss, _LEAST_LOSS) - OWN_PX2, 0.0))
    inside = outside_um[::_EVERY] < -RIM_UM
    rises = softer_slopes[::_EVERY][inside]
    rest = (levels[::_EVERY] - softer[::_EVERY])[inside][rises <= quantile(rises, FLAT_SHARE)]
    low, high = (quantile(rest, share) for share in _WITHIN_SIGMA)  # the ridge of a line is flat as well, but rare
    return Quality(round(blur_px * UM_PER_PX, 2), round((high - low) / 2, 2))


def _blurred(levels: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    side = 2 * math.ceil(3 * sigma_px) + 1
    return cv2.GaussianBlur(levels, (side, side), sigma_px).astype(np.float32, copy=False)


def _slopes(levels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Change per pixel in x, in y, and along the steepest direction."""
    slopes_x, slopes_y = (cv2.Sobel(levels, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))
    steepest = cv2.magnitude(slopes_x, slopes_y)
    slopes_x, slopes_y, steepest = (each.astype(np.float32, copy=False) for each in (slopes_x, slopes_y, steepest))
    return slopes_x, slopes_y, steepest
