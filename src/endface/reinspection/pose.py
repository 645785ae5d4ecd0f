"""Pose of a face against an earlier picture of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pose:
    """How a face lies now against an earlier picture: a point p of it lies at R p + shift now.

    Attributes:
        turn_deg: angle of R, from x to y, which is clockwise on the screen.
        shift_um: in x and y.
    """

    turn_deg: float
    shift_um: tuple[float, float]

    @property
    def rotation(self) -> Floats:
        """R, float64 (2, 2)."""
        cosine, sine = math.cos(math.radians(self.turn_deg)), math.sin(math.radians(self.turn_deg))
        return np.array([[cosine, -sine], [sine, cosine]])

    def forward(self, points_um: Floats) -> Floats:
        """Points (N, 2) of the earlier picture in this one, in um from the fiber's center."""
        return np.asarray(points_um @ self.rotation.T + np.asarray(self.shift_um), np.float64)

    def back(self, points_um: Floats) -> Floats:
        """Points (N, 2) of this picture in the earlier one, in um from the fiber's center."""
        return np.asarray((points_um - np.asarray(self.shift_um)) @ self.rotation, np.float64)

    def turned_back(self, image: NDArray[np.float32], um_per_px: float) -> NDArray[np.float32]:
        """An image (N, N) of this picture around the fiber's center, as it lay in the earlier one; 0 where unseen."""
        center = (image.shape[0] - 1) / 2
        offset = center - self.rotation @ (center, center) + np.asarray(self.shift_um) / um_per_px
        matrix = np.column_stack([self.rotation, offset])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(image, matrix, image.shape[::-1], flags=flags), np.float32)
