"""Large structure in and around the core that neither a mark nor the fiber explains.

Round dirt in the core looks like the edge of a core, and a network may leave all of it unlabeled.  Its edges show: gray
levels change by much within a few micrometers where a fiber has no edge.  Such a face must not pass unmarked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import OUTLINE, SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX
from endface.criteria.profile import Profile
from endface.errors import UnexplainedStructureError
from endface.frame import Structure

SEARCHED_UM: Final = 65.0
"""Diameter inside which structure is looked for: zone A of multimode profiles."""

MIN_LEVELS: Final = 22
"""Least difference in gray levels within ``_WINDOW_UM`` on an edge of structure."""

MIN_AREA_UM2: Final = 125.0
"""Least area of such differences: the edge of a disc 8 um wide has it.

Of 42 photographs and samples that pass and 205 clean drawn faces none has both, of 261 with unmarked dirt 60 gray
levels dark in the core all have."""

_SIDE_UM: Final = 72
_WINDOW_UM: Final = 5
_BLUR_UM: Final = 1.0
_MOST_POINTS: Final = 48
_NEAR_UM: Final = 2.5
"""How far beside a mark its edge reaches."""

_CORE_EDGE_UM: Final = (4.5, 4.0)
"""What the edge of a located core takes inside and outside of its radius, with its bright or dark rim."""

_SINGLE_MODE_UM: Final = (3.75, 7.0)
_MULTIMODE_UM: Final = 22.0
"""Radii of single-mode cores, and from which a located core is a multimode one; what lies between is none."""

_GLOW_UM: Final = 12.0
"""Radius to which a single-mode core's light reaches."""

_DIP_UM: Final = 7.0
"""Radius to which the dip in the middle of a multimode core reaches."""

_MULTIMODE_EDGES_UM: Final = (20.0, 35.0)
"""Radii between which the edges of cores of 50 and 62.5 um lie."""


def find_structures(
    square: NDArray[np.uint8], core_um: float | None, profile: Profile, *, other_core: bool = False
) -> tuple[Structure, ...]:
    """Structure that the fiber does not explain; marks may.

    Args:
        square: uint8 (512, 512).
        core_um: diameter of the core that was located; None where none is seen.
        profile: the limits; without a judged zone around the center nothing is looked for.
        other_core: whether the request insists on a core that the profile is not for.
    """
    judged = [limits.zone for limits in profile.rows if limits.judged]
    if all(zone.inner_um > 0 for zone in judged):
        return ()
    searched_um = min(SEARCHED_UM, max(zone.outer_um for zone in judged))
    half = round(_SIDE_UM / UM_PER_PX / 2)
    middle = slice(SQUARE_PX // 2 - half, SQUARE_PX // 2 + half)
    reduced = cv2.resize(square[middle, middle], (_SIDE_UM, _SIDE_UM), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(reduced, (0, 0), _BLUR_UM)
    window = np.ones((_WINDOW_UM, _WINDOW_UM), np.uint8)
    levels = cv2.subtract(cv2.dilate(smooth, window), cv2.erode(smooth, window)).astype(np.uint8, copy=False)
    along_um = np.arange(_SIDE_UM) - (_SIDE_UM - 1) / 2
    radius_um = np.hypot(along_um[:, None], along_um[None, :])
    found = (levels > MIN_LEVELS) & (radius_um < searched_um / 2)
    for inner_um, outer_um in _fiber_rings_um(core_um, profile, other_core=other_core):
        found &= (radius_um <= inner_um) | (radius_um >= outer_um)
    if np.count_nonzero(found) < MIN_AREA_UM2:
        return ()
    count, parts, statistics, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    large = [part for part in range(1, count) if statistics[part, cv2.CC_STAT_AREA] >= MIN_AREA_UM2]
    return tuple(_structure(parts == part, levels, along_um) for part in large)


def require_explained(
    structures: Sequence[Structure], labels: NDArray[np.uint8], confidence: NDArray[np.uint8]
) -> None:
    """Refuse a face without a mark where structure is.

    Args:
        structures: what ``find_structures`` saw.
        labels: uint8 (512, 512).
        confidence: uint8 (512, 512).

    Raises:
        UnexplainedStructureError: naming the largest structure's place, size and contrast.
    """
    if not structures:
        return
    reach = 2 * round(_NEAR_UM / UM_PER_PX) + 1
    marked = ((labels > 0) & (confidence > OUTLINE)).astype(np.uint8)
    near = cv2.dilate(marked, np.ones((reach, reach), np.uint8)).astype(np.uint8, copy=False)
    left = [each for each in structures if each.area_um2 * _unmarked_share(each, near) >= MIN_AREA_UM2]
    if left:
        largest = max(left, key=lambda each: each.size_um)
        raise UnexplainedStructureError(
            f"something {largest.size_um:.0f} um wide lies {math.hypot(*largest.center_um):.0f} um from the fiber's "
            f"center and stands out by {largest.levels} gray levels, and neither a mark nor the fiber explains it; "
            "clean the face and take the picture again; if it stays, look at the picture and decide by eye"
        )


def _fiber_rings_um(core_um: float | None, profile: Profile, *, other_core: bool) -> tuple[tuple[float, float], ...]:
    """Inner and outer radii of rings in which the fiber has edges of its own."""
    radius_um = 0.0 if core_um is None else core_um / 2
    if radius_um > _MULTIMODE_UM:
        return ((radius_um - _CORE_EDGE_UM[0], radius_um + _CORE_EDGE_UM[1]),)
    only_multimode = profile.core_um is not None and 50.0 in profile.core_um and 9.0 not in profile.core_um
    single_mode = _SINGLE_MODE_UM[0] < radius_um < _SINGLE_MODE_UM[1]
    if only_multimode and not (other_core and single_mode):
        return (-1.0, _DIP_UM), _MULTIMODE_EDGES_UM
    if single_mode:
        return ((-1.0, _GLOW_UM),)
    return (-1.0, _GLOW_UM), _MULTIMODE_EDGES_UM


def _structure(part: NDArray[np.bool_], levels: NDArray[np.uint8], along_um: NDArray[np.float64]) -> Structure:
    rows, columns = np.nonzero(part)
    points_um = np.column_stack((along_um[columns], along_um[rows])).astype(np.float32)
    (x, y), radius_um = cv2.minEnclosingCircle(points_um)
    thinned = points_um[:: math.ceil(len(points_um) / _MOST_POINTS)]
    return Structure(
        center_um=(round(x, 1), round(y, 1)),
        size_um=round(2 * radius_um, 1),
        levels=int(levels[part].max()),
        area_um2=float(len(points_um)),
        points_um=tuple((float(x), float(y)) for x, y in thinned),
    )


def _unmarked_share(structure: Structure, near: NDArray[np.uint8]) -> float:
    """Share of a structure's points that no mark is near."""
    at = np.round(np.array(structure.points_um) / UM_PER_PX + SQUARE_CENTER_PX).astype(int)
    return float((near[at[:, 1], at[:, 0]] == 0).mean())
