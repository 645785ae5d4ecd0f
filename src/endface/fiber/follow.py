"""A cladding's edge at full resolution, followed from a guess."""

from __future__ import annotations

from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.fiber.coarse import stands_out
from endface.fiber.edge import SIDE_PX, Edge, fit_cladding_edge, fit_twice
from endface.report import Ellipse

EDGE_REACH: Final = 0.09
"""How far off the edge on the small copy may lie from the one at full resolution, as a share of the radius."""

FAR_REACH: Final = 0.15
"""The same where only a center and about a radius are known."""

FAR_OFF: Final = 0.05
"""An edge is followed again from itself where the guess was off by more than this share of the radius."""

CLEAR_SUPPORT: Final = 0.8
"""An edge that fewer of the rays support competes with what other outlines of the same rim lead to."""


def follow(gray: NDArray[np.uint8], guess: Ellipse) -> Edge | None:
    """The cladding's edge near a guess at full resolution; None where none can be followed that stands out."""
    reach = max(EDGE_REACH, SIDE_PX / min(guess.radii_px))  # of a small fiber both sides must be seen as well
    # One of few rays that is not found again from itself is not kept: its radii would be the scale of all sizes.
    edge = fit_twice(partial(fit_cladding_edge, gray, reach=reach), guess, far_off=FAR_OFF, keep_from=CLEAR_SUPPORT)
    return edge if edge is not None and stands_out(edge) else None


def follow_far(gray: NDArray[np.uint8], place: Ellipse) -> Edge | None:
    """The cladding's edge near a place that is less certain than a guess of a small copy; None where there is none."""
    near = fit_cladding_edge(gray, place, reach=FAR_REACH)
    return None if near is None else follow(gray, near.ellipse)
