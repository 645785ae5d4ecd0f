"""Standard deviations of sizes and widths, from how sharp a mark's edge is on the network's map."""

from __future__ import annotations

import math
from typing import Final

OUTER: Final = 0.3
"""Share of the edge at which a mark is drawn a little larger, to see how far its outline could be off."""

INNER: Final = 0.7
"""Share at which it is drawn a little smaller."""

_SIZE: Final = (0.15, 0.5)
_WIDTH: Final = (0.15, 0.5)


def size_sigma_um(outer_um: float, inner_um: float) -> float:
    """Standard deviation of a size, from those of the outer and the inner outline."""
    return math.hypot(_SIZE[0], _SIZE[1] * (outer_um - inner_um) / 2)


def width_sigma_um(edge_um: float) -> float:
    """Standard deviation of a width, from that of both edges together between the outer and the inner outline."""
    return math.hypot(_WIDTH[0], _WIDTH[1] * edge_um / 2)
