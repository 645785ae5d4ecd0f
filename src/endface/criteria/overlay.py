"""Whether paint of a microscope's software covers what a profile judges."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.contract import UM_PER_PX
from endface.criteria.profile import Profile
from endface.defects.zones import mask
from endface.errors import OverlayError
from endface.picture.square import diameters_um

MOST_PAINTED_UM2: Final = 3.0
"""Area of a judged zone that may be painted: a mark of the size that limits count would hide in more."""


LINE_UM: Final = 1.0
"""Width of a thin drawn line."""

RIM_UM: Final = 4.0
"""Differences of diameter from the cladding's up to which paint hides its edge."""

MOST_OF_RIM: Final = 0.2
"""Share of the cladding's edge that may be hidden: by it the fiber is located and its scale is taken."""


def require_no_overlay(profile: Profile, painted: NDArray[np.bool_], cladding_um: float) -> None:
    """Refuse a square of which paint, bool (512, 512), covers a part of a judged zone, or the cladding's edge.

    Raises:
        OverlayError: naming what is covered.
    """
    advice = "switch the microscope's overlay off, or save the picture without it"
    rim = np.abs(diameters_um() - cladding_um) < RIM_UM
    if painted[rim].mean() > MOST_OF_RIM * LINE_UM / RIM_UM:
        raise OverlayError(f"a drawn line lies over the cladding's edge; {advice}")
    for row in profile.rows:
        if row.limited and float(painted[mask(row.zone)].sum()) * UM_PER_PX**2 > MOST_PAINTED_UM2:
            raise OverlayError(f"drawn lines or text lie over zone {row.zone.name}; {advice}")
