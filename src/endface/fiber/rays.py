"""Gray levels along rays from the center of an ellipse."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.fiber.ellipse import FloatArray
from endface.report import Ellipse

RAYS: Final = 180
"""Two degrees apart: a chip that hides the edge on one ray seldom hides it on the next."""

MIN_RAYS_SEEN: Final = 0.4
"""Share of the circumference that must lie in the picture."""

SMOOTHING_PX: Final = 1.5
"""Standard deviation of the smoothing along rays."""


@dataclass(frozen=True)
class Strip:
    """The surroundings of a guessed edge, unwrapped: levels and their slopes along rays that lie in the picture.

    Attributes:
        around: the guess.
        shares: distances along a ray in parts of the guess's radius (samples,).
        directions: the rays' vectors, one radius long (rays, 2).
        levels: smoothed gray levels float32 (rays, samples).
        slopes: their change from one sample to the next.
    """

    around: Ellipse
    shares: FloatArray
    directions: FloatArray
    levels: NDArray[np.float32]
    slopes: NDArray[np.float32]

    @property
    def radius_px(self) -> float:
        """The guess's mean radius."""
        return sum(self.around.radii_px) / 2

    def facing(self, angle_rad: float, least: float) -> Strip:
        """The rays of which the cosine to a direction is larger than ``least``."""
        along = self.directions / self.around.radii_px @ (math.cos(angle_rad), math.sin(angle_rad))
        rays = along > least
        return replace(self, directions=self.directions[rays], levels=self.levels[rays], slopes=self.slopes[rays])

    @property
    def step_px(self) -> float:
        """Distance of the samples along a ray."""
        return float(self.shares[1] - self.shares[0]) * self.radius_px


def unwrap(gray: NDArray[np.uint8], guess: Ellipse, reach: float) -> Strip | None:
    """The rays within ``reach`` of a guess; None where too few lie in the picture."""
    radius_px = sum(guess.radii_px) / 2
    shares = 1 + np.linspace(-reach, reach, max(int(4 * reach * radius_px), 16) + 1)
    step_px = float(shares[1] - shares[0]) * radius_px
    rays, directions = sample_rays(gray, guess, shares, count=min(RAYS, int(4 * radius_px)))
    if rays is None:
        return None
    levels = cv2.GaussianBlur(rays, (0, 0), sigmaX=SMOOTHING_PX / step_px, sigmaY=0.5).astype(np.float32, copy=False)
    slopes = np.zeros_like(levels)
    slopes[:, 1:-1] = (levels[:, 2:] - levels[:, :-2]) / 2
    return Strip(guess, shares, directions, levels, slopes)


def sample_rays(
    gray: NDArray[np.uint8], around: Ellipse, shares: FloatArray, *, count: int = RAYS
) -> tuple[NDArray[np.float32] | None, FloatArray]:
    """Levels along those rays that lie in the picture: float32 (rays, shares), and the rays' vectors (rays, 2).

    No levels where too few of the ``count`` rays do.
    """
    directions: FloatArray = circle(count) * around.radii_px
    ends = np.array(around.center_px) + directions * shares[-1]
    directions = directions[((ends >= 0) & (ends <= np.array(gray.shape[::-1]) - 1)).all(axis=1)]
    if len(directions) < MIN_RAYS_SEEN * count:
        return None, directions
    x, y = (
        along[:, None] * shares.astype(np.float32) + np.float32(middle)
        for along, middle in zip(directions.T.astype(np.float32), around.center_px, strict=True)
    )
    levels = cv2.remap(gray, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return levels.astype(np.float32), directions


@lru_cache(maxsize=RAYS)
def circle(count: int) -> FloatArray:
    """Vectors of length 1 (count, 2), clockwise on the screen from the right; read-only."""
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    directions: FloatArray = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    directions.setflags(write=False)
    return directions
