"""Standard deviations of sizes and widths, from how sharp a mark's edge is on the network's map.

Between fits to drawn marks of known size: on 60 faces 479 spots of 1.5 to 18 um and 279 lines 0.8 to 6 um wide, with
tones of 0.12 to 0.8, blur of 0.25 to 1 um, 0.3 to 0.75 um per camera pixel and noise of 0.4 to 3 gray levels, on the
maps of version 1 and of a network half way to version 2.  On other spots (40 faces) and the maps of version 2, shortly
before its last steps, errors about their median deviate by 1.15 of it; the median itself, 0.4 um too large, and marks
of which the network draws a part only come on top (docs/accuracy.md).
"""

from __future__ import annotations

import math
from typing import Final

OUTER: Final = 0.3
"""Share of the edge at which a mark is drawn a little larger, to see how far its outline could be off."""

INNER: Final = 0.7
"""Share at which it is drawn a little smaller."""

_SIZE: Final = (0.3, 0.6)
"""What every size is uncertain by, in um, and per um of half the difference between the outer and the inner size."""

_WIDTH: Final = (0.3, 1.4)
"""The same of widths."""


def size_sigma_um(outer_um: float, inner_um: float) -> float:
    """Standard deviation of a size, from those of the outer and the inner outline."""
    return math.hypot(_SIZE[0], _SIZE[1] * (outer_um - inner_um) / 2)


def width_sigma_um(edge_um: float) -> float:
    """Standard deviation of a width, from the widths of both edges together between the outer and the inner outline."""
    return math.hypot(_WIDTH[0], _WIDTH[1] * edge_um / 2)
