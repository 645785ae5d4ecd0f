"""Marks that lie so close together that they may be one: what a network sees in pieces today it sees whole tomorrow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.criteria.marks import Mark, outlines_um
from endface.criteria.profile import Profile
from endface.picture.square import Placement

NEAR_UM: Final = 3.0
"""Marks no farther apart may be one: three times the gap over which pixels are joined for sure."""

_Points = NDArray[np.float32]


def join_neighbors(marks: Sequence[Mark], profile: Profile, placement: Placement) -> tuple[Mark, ...]:
    """The marks, with each group of whole marks other than scratches that may be one in its place."""
    whole = [mark for mark in marks if mark.kind == "defect" and not mark.piece and mark.defect.polygon_px]
    outlines = [each.astype(np.float32) for each in outlines_um([mark.defect for mark in whole], placement)]
    groups = list(_groups(whole, outlines))
    joined = {id(mark) for group in groups for mark, _ in group}
    return (*(mark for mark in marks if id(mark) not in joined), *(_as_one(group, profile) for group in groups))


def _groups(marks: Sequence[Mark], outlines: Sequence[_Points]) -> Iterator[list[tuple[Mark, _Points]]]:
    """Marks that are linked by near neighbors, two and more together."""
    if not marks:
        return
    points, starts = np.concatenate(outlines), [0, *accumulate(map(len, outlines[:-1]))]
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    close = ((low - NEAR_UM <= high[:, np.newaxis]) & (high + NEAR_UM >= low[:, np.newaxis])).all(axis=2)
    left = set(range(len(marks)))
    while left:
        group, reached = [], [left.pop()]
        while reached:
            at = reached.pop()
            group.append((marks[at], outlines[at]))
            near = [other for other in np.flatnonzero(close[at]).tolist() if other in left]
            near = [other for other in near if _gap_um(outlines[at], outlines[other]) <= NEAR_UM]
            left.difference_update(near)
            reached += near
        if len(group) > 1:
            yield group


def _gap_um(one: _Points, other: _Points) -> float:
    """Least distance between points of two outlines."""
    apart = one[:, None] - other[None]
    return math.sqrt(float(np.einsum("ijk,ijk->ij", apart, apart).min()))


def _as_one(group: Sequence[tuple[Mark, _Points]], profile: Profile) -> Mark:
    """The largest mark of a group, as large as all together, in the innermost zone of any."""
    largest = max((mark for mark, _ in group), key=lambda mark: mark.size_um)
    order = [zone.name for zone in profile.zones]

    def innermost(places: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
        return tuple(sorted({name for names in places for name in names}, key=order.index)[:1])

    if profile.size == "equivalent_area":
        size_um = math.hypot(*(mark.size_um for mark, _ in group))
    else:
        size_um = 2 * cv2.minEnclosingCircle(cv2.convexHull(np.concatenate([outline for _, outline in group])))[1]
    return replace(
        largest,
        size_um=round(max(size_um, largest.size_um), 2),
        zones=innermost([mark.zones for mark, _ in group]),
        farther_in=innermost([mark.farther_in for mark, _ in group]),
        farther_out=innermost([mark.farther_out for mark, _ in group]),
        joined=len(group),
    )
