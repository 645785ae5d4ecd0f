"""Large structure on the fiber that neither a mark nor the fiber explains.

Round dirt looks like a part of a fiber, and a network may leave all of it unlabeled.  Its edges show: gray levels
change by more within a few micrometers than they do elsewhere on the same ring around the core's center, and elsewhere
in the core.  A fiber's own edges are as steep all around it.  Such a face must not pass unmarked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import OUTLINE, SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX
from endface.criteria.core import core_um
from endface.criteria.profile import Profile
from endface.errors import UnexplainedStructureError
from endface.frame import Structure
from endface.order import median, quantile
from endface.picture.square import Placement
from endface.report import Fiber, Point

SEARCHED_UM: Final = 100.0
"""Diameter inside which structure is looked for; the lines and shadows of the cladding's rim lie outside."""

MIN_LEVELS: Final = 7.0
"""Least difference in gray levels within ``_WINDOW_UM`` on an edge of structure."""

MIN_AREA_UM2: Final = 95.0
"""Least area of such differences: the edge of a disc 5 um wide has it."""

RING_FACTOR: Final = 2.5
"""How many times the ring's median an edge is: the fiber's own edges vary around it by less."""

CALM_FACTOR: Final = 4.0
CALM_SHARE: Final = 0.25
CALM_LEVELS: Final = 40.0
"""How many times this quantile of the core, or of the cladding, an edge is: lamp structure and noise are everywhere.

At most it is so many gray levels: dirt may cover all of a core, too."""

OWN_LEVELS: Final = 20.0
"""Difference that is no ring of the fiber's, even all around, where a fiber has no edge."""

_SIDE_UM: Final = 104
_WINDOW_UM: Final = 5
_BLUR_UM: Final = 1.5
_DIRECTIONS: Final = 180
_MOST_POINTS: Final = 48
_NEAR_UM: Final = 4.5
"""How far beside dirt or a mark its edge reaches: half of the window, and what the blur adds."""

_SINGLE_MODE_UM: Final = (3.75, 7.0)
_MULTIMODE_UM: Final = 22.0
"""Radii of single-mode cores, and from which a located core is a multimode one; what lies between is none."""

_CORE_EDGE_UM: Final = 4.5
"""What the edge of a located core takes inside of its radius, with its bright or dark rim."""

_GLOW_UM: Final = 12.0
"""Radius to which a single-mode core's light reaches."""

_DIP_UM: Final = 4.0
_UNSEEN_DIP_UM: Final = 7.0
"""Radius to which the dip in the middle of a multimode core reaches, and where that core's edge is not seen."""

_NO_EDGE_UM: Final = (20.0, 32.5)
"""Radii up to which a fiber of any kind has no edge of its own, and one with a single-mode core."""


class _Known(NamedTuple):
    """Where a fiber has edges of its own.

    Attributes:
        center_um: of its rings, from the cladding's center.
        inside_um: radius up to which a multimode core is seen, its edge left out; 0 without one.
        free_um: radii between which the fiber has no edge.
    """

    center_um: Point
    inside_um: float
    free_um: tuple[float, float]


def find_structures(
    square: NDArray[np.uint8], fiber: Fiber, placement: Placement, profile: Profile, *, other_core: bool = False
) -> tuple[Structure, ...]:
    """Structure that the fiber does not explain; marks may.

    Args:
        square: uint8 (512, 512).
        fiber: as it was found.
        placement: where the square lies.
        profile: the limits; without a judged zone around the center nothing is looked for.
        other_core: whether the request insists on a core that the profile is not for.
    """
    judged = [limits.zone for limits in profile.rows if limits.judged]
    if all(zone.inner_um > 0 for zone in judged):
        return ()
    reach_um = min(SEARCHED_UM, max(zone.outer_um for zone in judged)) / 2
    levels, known = _edges(square), _known(fiber, placement, profile, other_core=other_core)
    along_um = np.arange(_SIDE_UM) - (_SIDE_UM - 1) / 2
    x, y = known.center_um
    ring = np.hypot(along_um[:, None] - y, along_um[None, :] - x).astype(np.intp)
    explained = _explained(levels, known)
    found = levels > explained[np.minimum(ring, len(explained) - 1)]
    found &= np.hypot(along_um[:, None], along_um[None, :]) < reach_um
    if np.count_nonzero(found) < MIN_AREA_UM2:
        return ()
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    large = [part for part in range(1, count) if statistics[part, cv2.CC_STAT_AREA] >= MIN_AREA_UM2]
    return tuple(_structure(parts == part, along_um) for part in large)


def require_explained(
    structures: Sequence[Structure], labels: NDArray[np.uint8], confidence: NDArray[np.uint8]
) -> None:
    """Refuse a face without a mark where structure is.

    Args:
        structures: what ``find_structures`` saw.
        labels: uint8 (512, 512).
        confidence: uint8 (512, 512).

    Raises:
        UnexplainedStructureError: naming the largest structure's place and size.
    """
    if not structures:
        return
    reach = 2 * round(_NEAR_UM / UM_PER_PX) + 1
    marked = ((labels > 0) & (confidence > OUTLINE)).astype(np.uint8)
    near = cv2.dilate(marked, np.ones((reach, reach), np.uint8)).astype(np.uint8, copy=False)
    left = [each for each in structures if each.area_um2 * _unmarked_share(each, near) >= MIN_AREA_UM2]
    if left:
        largest = max(left, key=lambda each: each.size_um)
        x, y = largest.center_um
        hour = round(math.atan2(x, -y) / math.tau * 12) % 12 or 12
        raise UnexplainedStructureError(
            f"something about {largest.size_um:.0f} um wide, {math.hypot(x, y):.0f} um from the fiber's center at "
            f"{hour} o'clock, is neither a known mark nor a part of the fiber; clean the face and take the picture "
            "again; if this is said again, look at that place and decide by eye"
        )


def _edges(square: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """By how many gray levels the fiber changes around each of its square micrometers, uint8 (104, 104)."""
    half = round(_SIDE_UM / UM_PER_PX / 2)
    middle = slice(SQUARE_PX // 2 - half, SQUARE_PX // 2 + half)
    reduced = cv2.resize(square[middle, middle], (_SIDE_UM, _SIDE_UM), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(reduced, (0, 0), _BLUR_UM)
    window = np.ones((_WINDOW_UM, _WINDOW_UM), np.uint8)
    return cv2.subtract(cv2.dilate(smooth, window), cv2.erode(smooth, window)).astype(np.uint8, copy=False)


def _known(fiber: Fiber, placement: Placement, profile: Profile, *, other_core: bool) -> _Known:
    """What the core that was located, or that the profile is for, says about the fiber."""
    seen_um = (core_um(fiber, placement) or 0.0) / 2
    only_multimode = profile.core_um is not None and 50.0 in profile.core_um and 9.0 not in profile.core_um
    small = seen_um < _SINGLE_MODE_UM[1] and (other_core or not only_multimode)
    center_um = (0.0, 0.0)
    if fiber.core is not None and (small or seen_um > _MULTIMODE_UM):
        x, y = (placement.to_square(np.array([fiber.core.center_px]))[0] - SQUARE_CENTER_PX) * UM_PER_PX
        center_um = float(x), float(y)
    if seen_um > _MULTIMODE_UM:
        inside_um = seen_um - _CORE_EDGE_UM
        return _Known(center_um, inside_um, (_DIP_UM, min(inside_um, _NO_EDGE_UM[1])))
    from_um = _UNSEEN_DIP_UM if only_multimode and not (small and seen_um > 0) else _GLOW_UM
    single_mode = small and seen_um > _SINGLE_MODE_UM[0]
    return _Known(center_um, 0.0, (from_um, _NO_EDGE_UM[single_mode]))


def _explained(levels: NDArray[np.uint8], known: _Known) -> NDArray[np.float32]:
    """Gray levels of edges uint8 (104, 104) that the fiber explains on each ring, 1 um wide: float32 (52,)."""
    x, y = (at + np.float32(off) for at, off in zip(_directions(), known.center_um, strict=True))
    rings = cv2.remap(levels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    radius_um = np.arange(len(rings)) + 0.5
    own = RING_FACTOR * cv2.dilate(median(rings), np.ones((3, 1), np.uint8)).ravel()  # a ring may be 1 um off
    free = (radius_um > known.free_um[0]) & (radius_um < known.free_um[1])
    own[free] = np.minimum(own[free], OWN_LEVELS)
    for part in (radius_um < known.inside_um, radius_um >= known.inside_um):
        if part.any():
            calm = CALM_FACTOR * quantile(rings[part].ravel(), CALM_SHARE)
            own[part] = np.maximum(own[part], np.clip(calm, MIN_LEVELS, CALM_LEVELS))
    return own.astype(np.float32, copy=False)


@cache
def _directions() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Where the rings around the center lie in ``_edges``: x and y, float32 (52, 180) each."""
    radius_um = np.arange(_SIDE_UM // 2)[:, None] + 0.5
    angle = np.arange(_DIRECTIONS) * (2 * math.pi / _DIRECTIONS)
    middle = (_SIDE_UM - 1) / 2
    x, y = (middle + radius_um * along(angle) for along in (np.cos, np.sin))
    return x.astype(np.float32), y.astype(np.float32)


def _structure(part: NDArray[np.bool_], along_um: NDArray[np.float64]) -> Structure:
    rows, columns = np.nonzero(part)
    points_um = np.column_stack((along_um[columns], along_um[rows])).astype(np.float32)
    (x, y), radius_um = cv2.minEnclosingCircle(points_um)
    thinned = points_um[:: math.ceil(len(points_um) / _MOST_POINTS)]
    return Structure(
        center_um=(round(x, 1), round(y, 1)),
        size_um=round(max(2 * (radius_um - _NEAR_UM), 1.0), 1),
        area_um2=float(len(points_um)),
        points_um=tuple((float(x), float(y)) for x, y in thinned),
    )


def _unmarked_share(structure: Structure, near: NDArray[np.uint8]) -> float:
    """Share of a structure's points that no mark is near."""
    at = np.round(np.array(structure.points_um) / UM_PER_PX + SQUARE_CENTER_PX).astype(int)
    return float((near[at[:, 1], at[:, 0]] == 0).mean())
