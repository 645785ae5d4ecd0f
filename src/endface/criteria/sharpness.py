"""How much blur and noise a profile bears: the smallest mark that decides by itself must still be told.

A Gaussian blur of standard deviation ``b`` leaves ``1 - exp(-d^2 / 8 b^2)`` of the contrast in the middle of a round
mark of diameter ``d``.  Of a picture that is soft, marks that count may be missing or look smaller, so a pass is not
certain; of a picture that is softer, no verdict is.
"""

from __future__ import annotations

import math
from typing import Final

from endface.criteria.profile import Profile
from endface.errors import DefocusError
from endface.report import Quality

SMALLEST_UM: Final = 2.0
"""The smallest size that the tables name; a row that counts all sizes is held to this one."""

CLEAR_SHARE: Final = 0.9
"""Share of its contrast that a deciding mark keeps in a picture of which a pass is certain."""

LEAST_SHARE: Final = 0.5
"""Share of its contrast below which a deciding mark cannot be told."""

SOFTEST_UM: Final = 1.3
"""Blur beyond which no profile is judged: the network has learned from pictures up to 1.6 um, which measure so."""


def deciding_um(profile: Profile) -> float:
    """The smallest size of a mark that fails a face by itself, as far as the tables name sizes; infinite for none."""
    lower = [
        max(limit.interval.lower, SMALLEST_UM) for zone in profile.rows for limit in zone.limits if limit.allowed == 0
    ]
    return min(lower, default=math.inf)


def blur_limit_um(profile: Profile, share: float) -> float:
    """The blur at which a deciding mark keeps a share of its contrast."""
    return min(deciding_um(profile) / math.sqrt(-8 * math.log(1 - share)), SOFTEST_UM)


def require_sharpness(profile: Profile, quality: Quality) -> None:
    """Refuse a picture in which a mark at the deciding limit can no longer be told.

    Raises:
        DefocusError: naming the blur, and what the profile bears.
    """
    limit_um = blur_limit_um(profile, LEAST_SHARE)
    if quality.blur_um > limit_um:
        raise DefocusError(
            f"the picture is blurred by {quality.blur_um:.2f} um (standard deviation), and {profile.name} bears "
            f"{limit_um:.2f} um: smaller marks than its limits could hide; focus again"
        )


def hidden_by_blur(profile: Profile, quality: Quality) -> str:
    """Why a pass is not certain; empty where it is."""
    clear_um = blur_limit_um(profile, CLEAR_SHARE)
    if quality.blur_um <= clear_um:
        return ""
    return (
        f"the picture is blurred by {quality.blur_um:.2f} um (standard deviation), and only up to {clear_um:.2f} um "
        f"every mark that {profile.name} counts looks as large as it is; focus again"
    )
