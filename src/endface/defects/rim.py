"""Chips along the cladding's rim: pieces beside each other there are one missing stretch of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from endface.contract import CLADDING_UM, Label
from endface.defects.curve import Floats

REACH_UM: Final = 2.0
"""How near to the rim a piece comes that belongs to it."""

MAX_GAP_UM: Final = 5.0
"""Longest stretch of sound rim within one chip; no longer than the longer of the pieces beside it either."""

_RADIUS_UM: Final = CLADDING_UM / 2


def find_chips(outlines: Sequence[Floats], labels: Sequence[int]) -> list[tuple[int, ...]]:
    """Places of the pieces of each chip that has several, in their order along the rim.

    Args:
        outlines: points (N, 2) in um from the fiber's center, of each piece; at least one.
        labels: class of each piece.
    """
    spans = []
    every = np.hypot(*np.concatenate(outlines).T)
    starts = np.cumsum([0, *map(len, outlines)])
    nearest, farthest = (ufunc.reduceat(every, starts[:-1]) for ufunc in (np.minimum, np.maximum))
    reach = (nearest <= _RADIUS_UM + REACH_UM) & (farthest >= _RADIUS_UM - REACH_UM)
    for place in np.flatnonzero(reach).tolist():
        points, radii = outlines[place], every[starts[place] : starts[place + 1]]
        middle = math.atan2(*points.mean(axis=0)[::-1])
        turns = (np.arctan2(points[:, 1], points[:, 0]) - middle + math.pi) % (2 * math.pi) - math.pi
        low, high = float(turns.min()) * _RADIUS_UM, float(turns.max()) * _RADIUS_UM
        # A scratch across the rim, or along a tangent, is a line; dirt belongs to a chip only on the rim itself.
        stray = max(radii.max() - _RADIUS_UM, _RADIUS_UM - radii.min())
        foreign = labels[place] == Label.CONTAMINATION and stray > 2 * REACH_UM
        if labels[place] != Label.SCRATCH and not foreign and high - low >= 0.5 * float(np.ptp(radii)):
            spans.append((middle * _RADIUS_UM + low, middle * _RADIUS_UM + high, place))
    spans.sort()
    groups: list[list[int]] = [[place] for *_, place in spans]
    around = 2 * math.pi * _RADIUS_UM
    for one, two in [*pairwise(range(len(spans))), (len(spans) - 1, 0)]:
        if len(spans) < 2:
            break
        (low, high, _), (next_low, next_high, _) = spans[one], spans[two]
        ahead = ((next_low + next_high - low - high) / 2) % around
        gap = ahead - (high - low + next_high - next_low) / 2
        if gap <= min(MAX_GAP_UM, max(high - low, next_high - next_low)) and groups[one] is not groups[two]:
            groups[one] += groups[two]
            for place in groups[two]:
                groups[[found for *_, found in spans].index(place)] = groups[one]
    chips = {
        id(group): group for group in groups if len(group) > 1 and any(labels[place] == Label.CHIP for place in group)
    }
    return [tuple(group) for group in chips.values()]
