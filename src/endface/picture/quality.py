"""How sharp and how quiet a picture is: blur on the cladding's edge, noise on the fiber's flattest half.

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
from endface.picture.square import diameters_um
from endface.report import Quality

SMOOTHING_PX: Final = 1.0
"""Blur against noise before slopes are taken; it is subtracted again."""

REBLUR_PX: Final = 2.5
"""The known blur: of the order of the largest that is told, 1.3 um."""

RIM_UM: Final = 8.0
"""Differences of diameter from the cladding's up to which an edge belongs to its rim: line, edge and halo."""

STEEP_SHARE: Final = 0.3
"""Share of the steepest slope on the rim from which a slope is an edge."""

_LEAST_LOSS: Final = 0.02
"""Smallest relative loss of squared slope that is told from none."""


def measure_quality(square: NDArray[np.uint8], cladding_um: float) -> Quality:
    """Blur and noise of a square uint8 (512, 512) in which the cladding has a diameter of ``cladding_um``."""
    half = min(math.ceil((cladding_um + RIM_UM) / 2 / UM_PER_PX) + 4, SQUARE_PX // 2)
    crop = (slice(SQUARE_PX // 2 - half, SQUARE_PX // 2 + half),) * 2
    levels, diameters = square[crop].astype(np.float32), diameters_um()[crop]
    smooth = _blurred(levels, SMOOTHING_PX)
    softer = _blurred(smooth, REBLUR_PX)
    slopes_x, slopes_y = _slopes(smooth)
    slopes, softer_slopes = np.hypot(slopes_x, slopes_y), np.hypot(*_slopes(softer))
    at = (np.abs(diameters - cladding_um) < RIM_UM) & _crests(slopes, np.abs(slopes_x) > np.abs(slopes_y))
    at &= slopes > STEEP_SHARE * np.percentile(slopes[at], 99)
    loss = (slopes[at] / np.maximum(softer_slopes[at], 1e-6)) ** 2 - 1
    blur_px = math.sqrt(max(REBLUR_PX**2 / max(float(np.median(loss)), _LEAST_LOSS) - SMOOTHING_PX**2, 0.0))
    inside = diameters < cladding_um - RIM_UM
    flat = inside & (softer_slopes <= np.median(softer_slopes[inside]))
    noise_levels = float(np.std((levels - softer)[flat]))
    return Quality(round(blur_px * UM_PER_PX, 2), round(noise_levels, 2))


def _blurred(levels: NDArray[np.float32], sigma_px: float) -> NDArray[np.float32]:
    side = 2 * math.ceil(3 * sigma_px) + 1
    return cv2.GaussianBlur(levels, (side, side), sigma_px).astype(np.float32, copy=False)


def _slopes(levels: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Change per pixel in x and y."""
    along_x, along_y = (cv2.Sobel(levels, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))
    return along_x.astype(np.float32, copy=False), along_y.astype(np.float32, copy=False)


def _crests(slopes: NDArray[np.float32], across: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a slope is the steepest of three in its direction, along the row where ``across``, else the column."""
    middle = slopes[1:-1, 1:-1]
    in_row = middle >= np.maximum(slopes[1:-1, :-2], slopes[1:-1, 2:])
    in_column = middle >= np.maximum(slopes[:-2, 1:-1], slopes[2:, 1:-1])
    crests = np.zeros(slopes.shape, bool)
    crests[1:-1, 1:-1] = np.where(across[1:-1, 1:-1], in_row, in_column)
    return crests
