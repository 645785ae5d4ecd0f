"""Encoded bytes to a gray picture, within limits; the square and the camera's coordinates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, UM_PER_PX


@dataclass(frozen=True)
class Placement:
    """Where the square lies in the camera picture: the fiber's centre and the camera's scale in x and y."""

    center_px: tuple[float, float]
    um_per_px: tuple[float, float]

    def to_camera(self, square_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Square pixels (N, 2) as x, y to camera pixels (N, 2)."""
        return (square_xy - SQUARE_CENTER_PX) * UM_PER_PX / np.asarray(self.um_per_px) + np.asarray(self.center_px)

    def to_square(self, camera_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Camera pixels (N, 2) as x, y to square pixels (N, 2)."""
        return (camera_xy - np.asarray(self.center_px)) * np.asarray(self.um_per_px) / UM_PER_PX + SQUARE_CENTER_PX
