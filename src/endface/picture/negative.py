"""Whether a square shows a negative: a bright cladding whose marks are brighter still."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, UM_PER_PX

DIRECTIONS: Final = 360
RINGS: Final = 128
"""Directions and radii at which the cladding is read."""

HIGH_PASS: Final = 15.0
"""Standard deviation in directions of what is uneven light rather than a mark."""

MIN_DEVIATIONS: Final = 6.0
MIN_LEVELS: Final = 12.0
"""A mark differs from its ring by more than these times the noise and these levels."""

MIN_AREA_UM2: Final = 8.0
"""Bright marks of less area than this prove nothing."""

MIN_RATIO: Final = 3.0
"""Area of bright marks over that of dark ones from which dirt is bright: real marks are mostly dark."""


def is_negative(square: NDArray[np.uint8], cladding_um: float) -> bool:
    """Whether most of the marks on a bright cladding are brighter than it.

    Args:
        square: uint8 (512, 512), in which the ferrule is darker than the cladding.
        cladding_um: diameter of the cladding.
    """
    radius_px = cladding_um / 2 / UM_PER_PX
    center = (SQUARE_CENTER_PX, SQUARE_CENTER_PX)
    polar = cv2.warpPolar(square, (RINGS, DIRECTIONS), center, radius_px, cv2.INTER_LINEAR).astype(np.float32)
    detail = polar - np.median(polar, axis=0)
    around = np.concatenate([detail[-DIRECTIONS // 4 :], detail, detail[: DIRECTIONS // 4]])
    smooth = cv2.GaussianBlur(cv2.medianBlur(around, 5), (1, 0), sigmaX=0.01, sigmaY=HIGH_PASS)
    detail = (detail - smooth[DIRECTIONS // 4 : -DIRECTIONS // 4])[:, 4:]
    noise = 1.4826 * np.median(np.abs(detail), axis=0)
    limit = np.maximum(MIN_DEVIATIONS * noise, MIN_LEVELS)
    areas = (np.arange(RINGS)[4:] + 0.5) * (2 * np.pi / DIRECTIONS) * (cladding_um / 2 / RINGS) ** 2
    bright, dark = (float((areas * (sign * detail > limit)).sum()) for sign in (1, -1))
    return bright >= max(MIN_AREA_UM2, MIN_RATIO * dark)
