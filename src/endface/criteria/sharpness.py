"""How much blur and noise a profile bears: the marks that its rows count must be told.

A Gaussian blur of standard deviation ``b`` leaves ``1 - exp(-d^2 / 8 b^2)`` of the contrast in the middle of a round
mark of diameter ``d``.  Where a picture is soft, a mark that is counted may be missing or look smaller, so a pass is
not certain: it is borderline.  Where it is so soft that a mark that decides by itself fades, no verdict is certain, and
the picture is refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from endface.criteria.profile import Profile
from endface.errors import DefocusError
from endface.report import Defect, Quality

CLEAR_SHARE: Final = 2 / 3
"""Share of its contrast that the smallest counted mark keeps in a picture of which a pass is certain."""

LEAST_SHARE: Final = 1 / 2
"""Share of its contrast below which a deciding mark fades: its outline is drawn at half of it."""

CONTRAST_LEVELS: Final = 30.0
"""Contrast of the marks that must be told, in gray levels."""

CLEAR_NOISE: Final = 7.0
LEAST_NOISE: Final = 4.0
"""Contrast in deviations of the noise from which a mark is clear, and below which it cannot be seen: the limits by
which drawn marks are labeled."""

SOFTEST_UM: Final = 1.05
"""Blur beyond which no profile is judged.

So much is measured of drawn faces of 1.3 um, at which a scratch of 3 um looks as wide as any narrower one."""

SIGMA_FROM_UM: Final = 0.55
SIGMA_PER_BLUR: Final = 2.8
"""Blur from which sizes become less certain than their outlines say, and the standard deviation for each micrometer
beyond: on faces that were drawn sharp and again with blur, sizes differ by 0.5 um at 0.74 um, by 1.2 um at 1.0 um."""


def with_blur(defects: Iterable[Defect], quality: Quality) -> tuple[Defect, ...]:
    """Defects with the deviation of their sizes that the picture's blur adds."""
    added_um = SIGMA_PER_BLUR * max(quality.blur_um - SIGMA_FROM_UM, 0.0)
    if not added_um:
        return tuple(defects)

    def wider(sigma_um: float) -> float:
        return round(math.hypot(sigma_um, added_um), 3)

    return tuple(
        replace(
            defect,
            size_sigma_um=wider(defect.size_sigma_um),
            width_sigma_um=wider(defect.width_sigma_um),
            parts=tuple(replace(part, size_sigma_um=wider(part.size_sigma_um)) for part in defect.parts),
        )
        for defect in defects
    )


def require_sharpness(profile: Profile, quality: Quality) -> None:
    """Refuse a picture in which a mark that decides by itself can no longer be told.

    Raises:
        DefocusError: naming the blur and the noise, and what the profile bears.
    """
    limit_um = min(_blur_um(profile.deciding_um, LEAST_SHARE, LEAST_NOISE, quality), SOFTEST_UM)
    if quality.blur_um > limit_um:
        raise DefocusError(f"{_found(quality)}, and {profile.name} can be judged {_up_to(limit_um)}")


def hidden_by_blur(profile: Profile, quality: Quality) -> str:
    """Why a pass is not certain; empty where it is."""
    counted_um = min(zone.counted_um for zone in profile.rows)
    clear_um = _blur_um(counted_um, CLEAR_SHARE, CLEAR_NOISE, quality)
    if quality.blur_um <= clear_um:
        return ""
    return f"{_found(quality)}, and every mark that {profile.name} counts is told only {_up_to(clear_um)}"


def _blur_um(size_um: float, share: float, deviations: float, quality: Quality) -> float:
    """The blur up to which a mark keeps a share of its contrast, and stands out of the noise."""
    needed = max(share, deviations * quality.noise_levels / CONTRAST_LEVELS)
    return size_um / math.sqrt(-8 * math.log(1 - needed)) if needed < 1 else 0.0


def _found(quality: Quality) -> str:
    return f"the picture's blur is {quality.blur_um:.2f} um and its noise {quality.noise_levels:.1f} gray levels"


def _up_to(blur_um: float) -> str:
    if blur_um == 0:
        return "with less noise; give more light or average pictures"
    return f"up to a blur of {blur_um:.2f} um; focus again"
