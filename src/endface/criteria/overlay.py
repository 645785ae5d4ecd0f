"""Whether paint of a microscope's software covers what a profile judges."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.contract import UM_PER_PX
from endface.criteria.profile import Profile
from endface.defects.zones import mask
from endface.errors import OverlayError

MOST_PAINTED_UM2: Final = 3.0
"""Area of a judged zone that may be painted: a mark of the size that limits count would hide in more."""


def require_no_overlay(profile: Profile, painted: NDArray[np.bool_]) -> None:
    """Refuse a square of which paint, bool (512, 512), covers a part of a judged zone.

    Raises:
        OverlayError: naming the zone.
    """
    for row in profile.rows:
        if row.limited and float(painted[mask(row.zone)].sum()) * UM_PER_PX**2 > MOST_PAINTED_UM2:
            raise OverlayError(
                f"lines or text in color lie over zone {row.zone.name}; switch the microscope's overlay off, or save "
                "the picture without it"
            )
