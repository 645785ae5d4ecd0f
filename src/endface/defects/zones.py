"""The zones of an end face: rings between two diameters around the cladding's center.

The standard states its zones for a fiber as drawn, core in the middle.  Where the core lies off center the zones stay
with the cladding: its edge is what the square is centered on and scaled by, and the bounds are bounds of a 125 um
cladding.  That is our reading, no public source settles it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_PX
from endface.picture.square import diameters_um


@dataclass(frozen=True)
class Zone:
    """A ring around the cladding's center; both bounds are diameters, the outer one belongs to the next zone."""

    name: str
    inner_um: float
    outer_um: float


@lru_cache(maxsize=64)
def mask(zone: Zone) -> NDArray[np.bool_]:
    """Pixels of the square whose center lies in the zone: read-only bool (512, 512)."""
    inside = (diameters_um() >= zone.inner_um) & (diameters_um() < zone.outer_um)
    inside.setflags(write=False)
    return inside


def index_map(zones: Sequence[Zone]) -> NDArray[np.uint8]:
    """Which zone each pixel of the square lies in.

    Returns:
        Read-only uint8 (512, 512): 0 outside every zone, else one more than the zone's place in ``zones``.
    """
    return _index_map(tuple(zones))


@lru_cache(maxsize=16)
def _index_map(zones: tuple[Zone, ...]) -> NDArray[np.uint8]:
    indices = np.zeros((SQUARE_PX, SQUARE_PX), np.uint8)
    for index, zone in enumerate(zones, start=1):
        indices[mask(zone)] = index
    indices.setflags(write=False)
    return indices


def coverage(zone: Zone, seen: NDArray[np.bool_]) -> float:
    """Share of the zone that the camera saw.

    Args:
        zone: a ring that holds at least one pixel of the square.
        seen: bool (512, 512), True where the square's pixel lies within the camera picture.

    Returns:
        0.0 to 1.0.
    """
    return 1.0 if seen.all() else np.count_nonzero(mask(zone) & seen) / _area_px(zone)


@lru_cache(maxsize=64)
def _area_px(zone: Zone) -> int:
    return int(np.count_nonzero(mask(zone)))
