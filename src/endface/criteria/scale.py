"""How fine a picture must be: a mark that decides by itself must cover camera pixels.

On drawn faces, seen by cameras of 0.5 to 4 um per pixel, nine of ten spots that cover two pixels are found, or as many
as at the finest scale; a spot of 3 um looks 0.1 um too large at 0.5 um per pixel, 0.4 um at 1.2, 1.0 um at 1.4.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from endface.criteria.profile import Profile
from endface.errors import CoarsePassError, CoarseScaleError
from endface.report import Defect

NEEDED_PX: Final = 2.0
"""Camera pixels that a mark must cover to be found."""

COARSEST_UM_PER_PX: Final = 1.5
"""Beyond, one of twelve clean drawn faces shows a mark of 10 um and more that is none, so no limit can be judged."""


COARSEST_SCREENING_UM_PER_PX: Final = 2.5
"""Beyond, every second clean drawn face shows a large mark that is none."""

SCREENED_PX: Final = 4.0
"""Camera pixels that a mark must cover both ways to fail a screening."""

SCREENED_RIM_PX: Final = 5.0
"""Camera pixels from the cladding's edge within which a coarse picture shows chips that are none.

With both, 2 of 134 clean drawn faces of 1.7 to 2.4 um per pixel fail a screening, 0.94 of those with a pit of 10 um do;
with 2 pixels and no rim left out, 0.41 of the clean ones did."""


def coarsest_um_per_px(profile: Profile) -> float:
    """The coarsest scale at which a face can pass."""
    return min(profile.deciding_um / NEEDED_PX, COARSEST_UM_PER_PX)


def require_scale(profile: Profile, um_per_px: float, *, screening: bool) -> None:
    """Refuse a picture whose pixels are too large for the smallest mark that decides by itself.

    Args:
        profile: the limits.
        um_per_px: the picture's scale.
        screening: whether large marks are enough.

    Raises:
        CoarseScaleError: naming the scale and the one that is needed.
    """
    needed = coarsest_um_per_px(profile)
    coarsest = max(needed, COARSEST_SCREENING_UM_PER_PX) if screening else needed
    if um_per_px <= coarsest:
        return
    pixel = f"a pixel is {_shown(um_per_px, coarsest)} um"
    if screening:
        raise CoarseScaleError(f"{pixel}, and a screening needs {coarsest:g} um or less; use a stronger objective")
    hint = ", or ask for a screening (screen)" if um_per_px <= COARSEST_SCREENING_UM_PER_PX else ""
    raise CoarseScaleError(
        f"{pixel}, {profile.name} needs {needed:g} um or less{_smallest(profile)}; use a stronger objective{hint}"
    )


def clear_marks(defects: Iterable[Defect], um_per_px: float, cladding_um: float) -> tuple[Defect, ...]:
    """The defects that a coarse picture shows beyond doubt: several pixels large both ways, off the rim."""
    least_um, rim_um = SCREENED_PX * um_per_px, SCREENED_RIM_PX * um_per_px
    return tuple(
        defect
        for defect in defects
        if min(defect.size_um, defect.width_um) >= least_um
        and abs(math.hypot(*defect.center_um) - cladding_um / 2) >= rim_um
    )


def refuse_coarse_pass(profile: Profile, um_per_px: float) -> CoarsePassError:
    """What a screening says of a face on which it finds nothing that fails."""
    coarsest = coarsest_um_per_px(profile)
    return CoarsePassError(
        f"no mark of {SCREENED_PX * um_per_px:.0f} um or more fails the face, but a pixel is "
        f"{_shown(um_per_px, coarsest)} um, and {profile.name} needs {coarsest:g} um or less to pass; "
        "inspect the face with a stronger objective"
    )


def _shown(um_per_px: float, coarsest: float) -> str:
    """A scale with as many digits as it takes to lie above the coarsest."""
    return next(
        (text for text in (f"{um_per_px:.{digits}f}" for digits in (2, 3, 4)) if float(text) > coarsest), "more"
    )


def _smallest(profile: Profile) -> str:
    if profile.deciding_um / NEEDED_PX > COARSEST_UM_PER_PX:
        return ""
    return f" (a mark of {profile.deciding_um:g} um fails a face, and must cover {NEEDED_PX:g} pixels)"
