"""Whether a picture's gray levels can show what a profile counts."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.criteria.profile import Profile
from endface.defects.zones import coverage
from endface.errors import SaturatedError

MOST_SATURATED: Final = 0.3
"""Share of a judged zone that may be at an end of the gray scale; a lit core reached 0.21 in a good photograph."""


def require_exposure(profile: Profile, square: NDArray[np.uint8]) -> None:
    """Refuse a square uint8 (512, 512) of which too much of a judged zone is black or white.

    Raises:
        SaturatedError: naming the zone and the share of it.
    """
    ends = (square <= 1) | (square >= 254)
    for row in profile.rows:
        share = coverage(row.zone, ends)
        if row.limited and share > MOST_SATURATED:
            raise SaturatedError(
                f"{share:.0%} of zone {row.zone.name} is black or white, at most {MOST_SATURATED:.0%} can be judged; "
                "change the exposure or the light in the core"
            )
