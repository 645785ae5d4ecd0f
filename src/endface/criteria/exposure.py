"""Whether a picture's gray levels can show what a profile counts."""

from __future__ import annotations

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import UM_PER_PX
from endface.criteria.profile import Profile
from endface.defects.zones import coverage
from endface.errors import SaturatedError

MOST_SATURATED: Final = 0.3
"""Share of a judged zone that may be at an end of the gray scale; a lit core reached 0.21 in a good photograph."""


def require_exposure(profile: Profile, square: NDArray[np.uint8]) -> None:
    """Refuse a square uint8 (512, 512) of which too much of a judged zone is black or white.

    Only areas count in which a mark that fails the zone by itself could hide: a larger mark would stick out of them.

    Raises:
        SaturatedError: naming the zone and the share of it.
    """
    ends = (square <= 1) | (square >= 254)
    for zone in profile.rows:
        if not zone.limited or coverage(zone.zone, ends) <= MOST_SATURATED:
            continue
        share = coverage(zone.zone, _where_fits(ends, zone.deciding_um))
        if share > MOST_SATURATED:
            raise SaturatedError(
                f"{share:.0%} of zone {zone.zone.name} is black or white, at most {MOST_SATURATED:.0%} can be judged; "
                "change the exposure or the light in the core"
            )


def _where_fits(area: NDArray[np.bool_], diameter_um: float) -> NDArray[np.bool_]:
    """The parts of an area that a disc of a diameter reaches without leaving it."""
    if math.isinf(diameter_um):
        return np.zeros_like(area)
    radius_px = diameter_um / UM_PER_PX / 2
    inner = cv2.distanceTransform(area.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) >= radius_px
    if not inner.any():
        return inner
    reached: NDArray[np.bool_] = (
        cv2.distanceTransform((~inner).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE) < radius_px
    )
    return reached
