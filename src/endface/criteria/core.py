"""The fiber's core against the profile: whether the limits are those of this kind of fiber.

The core is where ``locate`` saw the largest step.  Where the fiber is not lit that may be an index ring or a shadow, so
a core is only held against the request where its step is clear all around.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX
from endface.criteria.profile import Profile
from endface.errors import NoCoreError, ProfileMismatchError
from endface.picture.square import Placement
from endface.report import Fiber

CLEAR_LEVELS: Final = 8.0
CLEAR_SHARE: Final = 0.95
"""Least step across the edge of a clear core in gray levels, and in how many of the directions it is half of that.

Of 330 drawn faces of each kind of fiber, lit and unlit, none has a clear core of the other kind, nor has any photograph
of a known fiber; two of three are recognized by the limits of the other kind."""

RINGS_UM: Final = 75.0
RING_LEVELS: Final = 12.0
"""Diameter from which broad lines along the rim look like a core, and the step from which one is no such line."""

RIM_UM: Final = 100.0
"""Diameter from which a step is the rim's."""

DIP_UM: Final = 7.5
"""Diameter below which a core may be the dip in the middle of a multimode one."""

_DIRECTIONS: Final = 24
_GAP_UM: Final = 0.75
_SIDE_SHARE: Final = 0.35
_SIDE_UM: Final = (2.0, 8.0)
"""What is left out around the edge, and how much beside it is compared: a share of the radius, within these bounds."""

NO_CORE: Final = "no core is seen, so nothing says that the profile is that of this fiber"


def core_um(fiber: Fiber, placement: Placement) -> float | None:
    """The core's diameter; None where none is seen."""
    if fiber.core is None:
        return None
    return sum(radius * scale for radius, scale in zip(fiber.core.radii_px, placement.um_per_px, strict=True))


def check_core(  # noqa: PLR0913 # what is seen, and what is asked
    profile: Profile,
    fiber: Fiber,
    square: NDArray[np.uint8],
    placement: Placement,
    *,
    any_core: bool,
    structure: bool = True,
) -> tuple[str, ...]:
    """Refuse a fiber that the profile is not for.

    Args:
        profile: the limits.
        fiber: as it was found.
        square: uint8 (512, 512).
        placement: where the square lies.
        any_core: whether a core of another kind is to be overlooked.
        structure: whether a core, a ring or anything else of a fiber is seen inside the cladding.

    Returns:
        Notes for the report: that a core was overlooked.

    Raises:
        NoCoreError: no core is seen, and the profile requires one; or nothing of a fiber, and it expects one.
        ProfileMismatchError: naming the diameter found.
    """
    diameter_um = core_um(fiber, placement)
    if diameter_um is None:
        if not structure and profile.core != "optional":
            raise NoCoreError(
                "nothing of a fiber is seen inside the disc, no core and no ring; light the fiber from its other end, "
                "or check that a fiber is under the microscope"
            )
        if profile.core == "required":
            raise NoCoreError(
                f"no core is seen, and {profile.name} requires one; light the fiber from its other end, or check that "
                "a fiber is under the microscope"
            )
        return ()
    if profile.core_um is None or diameter_um in profile.core_um or diameter_um < DIP_UM:
        return ()
    if not _is_clear(fiber, square, placement, diameter_um):
        return ()
    found = f"the core is {diameter_um:.0f} um wide, and {profile.name} is for cores {profile.core_um.in_words}"
    if any_core:
        return (f"{found}; the request insisted on it",)
    raise ProfileMismatchError(f"{found}; name the profile of this fiber, or insist on this one (any_core)")


def _is_clear(fiber: Fiber, square: NDArray[np.uint8], placement: Placement, diameter_um: float) -> bool:
    """Whether the core's level differs from its surroundings all around."""
    assert fiber.core is not None
    (x, y) = (placement.to_square(np.array([fiber.core.center_px]))[0] - SQUARE_CENTER_PX) * UM_PER_PX
    along = (np.arange(SQUARE_PX) - SQUARE_CENTER_PX) * UM_PER_PX
    across_x, across_y = along[None, :] - x, along[:, None] - y
    outside_um = np.hypot(across_x, across_y) - diameter_um / 2
    angle = np.arctan2(across_y, across_x) / (2 * math.pi)
    direction = np.floor(angle * _DIRECTIONS).astype(int) % _DIRECTIONS
    low, high = _SIDE_UM
    reach_um = _GAP_UM + min(max(low, _SIDE_SHARE * diameter_um / 2), high)
    beside = (np.abs(outside_um) > _GAP_UM) & (np.abs(outside_um) < reach_um)
    means = [
        np.bincount(direction[side], square[side], _DIRECTIONS)
        / np.maximum(np.bincount(direction[side], minlength=_DIRECTIONS), 1)
        for side in (beside & (outside_um < 0), beside & (outside_um > 0))
    ]
    steps = means[0] - means[1]
    step = float(np.median(steps))
    share = float((steps * math.copysign(1, step) > abs(step) / 2).mean())
    needed = CLEAR_LEVELS if diameter_um < RINGS_UM else RING_LEVELS if diameter_um < RIM_UM else math.inf
    return abs(step) >= needed and share >= CLEAR_SHARE
