"""Whether a square shows a negative: gray levels turned around, so that chips and dirt are bright.

A cladding that is brighter than its ferrule is seen in black ferrules and in every negative.  Five things tell them
apart, as light and optics make them and a negative turns them around: the light falls off to the corners; a black
ferrule's cladding is seldom bright itself; the line inside the cladding's edge is dark and the halo outside is bright;
a core with light in it is brighter than the cladding, and one without is hardly darker; most marks are darker than
what they lie on.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, UM_PER_PX
from endface.picture.square import diameters_um

RIM_UM: Final = 6.0
"""Diameters that belong to the line inside the edge, or to the halo outside."""

DIRECTIONS: Final = 360
RINGS: Final = 128
"""Directions and radii at which the cladding's marks are read."""

HIGH_PASS: Final = 15.0
"""Standard deviation in directions of what is uneven light rather than a mark."""

MIN_DEVIATIONS: Final = 5.0
MIN_LEVELS: Final = 8.0
"""A mark differs from its ring by more than these times the noise and these levels."""

FEW: Final = 300.0
"""Levels times pixels of marks that prove nothing."""

CORNERS_UM: Final = (250.0, 330.0)
"""Diameters between which the square's corners lie, which get the least light."""

USUAL_GLASS: Final = 150.0
"""Level of a cladding that proves nothing: in black ferrules it is darker, in negatives brighter."""

WEIGHTS: Final = {
    "corners": 3.0,
    "glass": 1.6,
    "line": 0.3,
    "halo": -0.65,
    "dark_core": -0.55,
    "bright_core": -0.75,
    "marks": 1.0,
}
OFFSET: Final = -0.5
"""Logistic regression on drawn faces in dark ferrules and the negatives of those in bright ones, its offset lowered by
1.0: a clean face has no marks that tell, and a bright fiber is no negative without other evidence.

Its sum is at least 0.9 for all 51 negatives of photographs, and positive for 0.97 of the drawn ones; of those that it
lets through none passes that fails as a positive, of 300.  It is below -0.5 for all 114 drawn faces in dark ferrules.
"""


def is_negative(square: NDArray[np.uint8], cladding_um: float) -> bool:
    """Whether a bright cladding in a darker ferrule looks like that of a negative.

    Args:
        square: uint8 (512, 512).
        cladding_um: diameter of the cladding on it.
    """
    diameters = diameters_um()

    def level(inner_um: float, outer_um: float) -> float:
        return float(np.median(square[(diameters >= inner_um) & (diameters < outer_um)]))

    glass = level(0.75 * cladding_um, 0.9 * cladding_um)
    ferrule = level(cladding_um + 10, cladding_um + 35)
    cores = level(0, 0.05 * cladding_um) - glass, level(0.08 * cladding_um, 0.32 * cladding_um) - glass
    evidence = {
        "line": np.clip((level(cladding_um - RIM_UM, cladding_um - 1) - glass) / 20, -2, 2),
        "halo": np.clip((level(cladding_um + 1, cladding_um + RIM_UM) - ferrule) / 20, -2, 2),
        "dark_core": np.clip(min(cores) / 20, -3, 0) if max(cores) < MIN_LEVELS else 0.0,  # else a pit in a lit core
        "bright_core": np.clip(max(cores) / 20, 0, 3),
        "corners": np.clip((level(*CORNERS_UM) - level(cladding_um + 15, cladding_um + 50)) / 10, -1, 1),
        "glass": np.clip((glass - USUAL_GLASS) / 50, -2, 2),
        "marks": np.clip(_mark_polarity(square, cladding_um), -1.5, 1.5),
    }
    return OFFSET + sum(float(value) * WEIGHTS[name] for name, value in evidence.items()) > 0


def _mark_polarity(square: NDArray[np.uint8], cladding_um: float) -> float:
    """How much more of the cladding's marks is brighter than their rings than darker, as a power of ten."""
    radius_px = cladding_um / 2 / UM_PER_PX
    center = (SQUARE_CENTER_PX, SQUARE_CENTER_PX)
    polar = cv2.warpPolar(square, (RINGS, DIRECTIONS), center, radius_px, cv2.INTER_LINEAR).astype(np.float32)
    detail = polar - np.median(polar, axis=0)
    quarter = DIRECTIONS // 4
    around = cv2.medianBlur(np.concatenate([detail[-quarter:], detail, detail[:quarter]]), 5)
    detail = (detail - cv2.GaussianBlur(around, (1, 0), sigmaX=0.01, sigmaY=HIGH_PASS)[quarter:-quarter])[:, 4:]
    noise = 1.4826 * np.median(np.abs(detail), axis=0)
    limit = np.maximum(MIN_DEVIATIONS * noise, MIN_LEVELS)
    area = np.arange(4, RINGS) + 0.5
    bright, dark = (float((area * np.maximum(sign * detail - limit, 0)).sum()) for sign in (1, -1))
    return float(np.log10((bright + FEW) / (dark + FEW)))
