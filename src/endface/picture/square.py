"""The network's square: where it lies in the camera's picture, and its gray levels."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX
from endface.picture.picture import Picture, Rect
from endface.report import Ellipse

_SHRINK_FROM: Final = 1.5
"""Camera pixels per square pixel from which bilinear sampling would alias and areas are averaged first."""


@dataclass(frozen=True)
class Placement:
    """Where the square lies in the camera picture: the fiber's center and the camera's scale in x and y."""

    center_px: tuple[float, float]
    um_per_px: tuple[float, float]

    def to_camera(self, square_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Square pixels (N, 2) as x, y to camera pixels (N, 2)."""
        step: NDArray[np.float64] = UM_PER_PX / np.asarray(self.um_per_px, np.float64)
        return (square_xy - SQUARE_CENTER_PX) * step + np.asarray(self.center_px, np.float64)

    def to_square(self, camera_xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Camera pixels (N, 2) as x, y to square pixels (N, 2)."""
        step: NDArray[np.float64] = np.asarray(self.um_per_px, np.float64) / UM_PER_PX
        return (camera_xy - np.asarray(self.center_px, np.float64)) * step + SQUARE_CENTER_PX

    def seen(self, field: Rect, circle: Ellipse | None = None) -> NDArray[np.bool_]:
        """Pixels of the square (512, 512) that lie in the camera's field, and in its circle where it is a round one."""
        corners = np.array([[field.x0 - 0.5, field.y0 - 0.5], [field.x1 - 0.5, field.y1 - 0.5]])
        (x0, y0), (x1, y1) = self.to_square(corners)
        at = np.arange(SQUARE_PX)
        columns, rows = (at >= x0) & (at <= x1), (at >= y0) & (at <= y1)
        seen: NDArray[np.bool_] = np.logical_and.outer(rows, columns)
        if circle is not None:
            (x, y), (edge_x, edge_y) = self.to_square(
                np.array([circle.center_px, np.add(circle.center_px, circle.radii_px)])
            )
            seen &= ((at[:, None] - y) / (edge_y - y)) ** 2 + ((at - x) / (edge_x - x)) ** 2 <= 1
        return seen


@cache
def diameters_um() -> NDArray[np.float32]:
    """Diameter of the circle around the fiber's center on which each pixel of the square lies.

    Returns:
        Read-only float32 (512, 512) in um.
    """
    offset_um = (np.arange(SQUARE_PX) - SQUARE_CENTER_PX) * UM_PER_PX
    diameters = (2 * np.hypot(offset_um[:, None], offset_um[None, :])).astype(np.float32)
    diameters.setflags(write=False)
    return diameters


def resample(picture: Picture, placement: Placement) -> NDArray[np.uint8]:
    """The square: uint8 (512, 512), 0.5 um per pixel, what the camera did not see continued from its border."""
    field = picture.field
    inside = picture.gray[field.y0 : field.y1, field.x0 : field.x1]
    step = UM_PER_PX / np.asarray(placement.um_per_px)  # camera pixels per square pixel
    shrink = np.where(step >= _SHRINK_FROM, step, 1.0)
    if (shrink > 1).any():
        size = np.maximum(np.round(np.array(inside.shape[::-1]) / shrink).astype(int), 1)
        shrink = np.array(inside.shape[::-1]) / size
        inside = cv2.resize(inside, (int(size[0]), int(size[1])), interpolation=cv2.INTER_AREA).astype(np.uint8)
    origin = placement.to_camera(np.zeros((1, 2)))[0] - (field.x0, field.y0)
    scale, offset = step / shrink, (origin + 0.5) / shrink - 0.5
    matrix = np.array([[scale[0], 0, offset[0]], [0, scale[1], offset[1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    square = cv2.warpAffine(inside, matrix, (SQUARE_PX, SQUARE_PX), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return square.astype(np.uint8, copy=False)


def resample_paint(paint: NDArray[np.bool_], picture: Picture, placement: Placement) -> NDArray[np.bool_]:
    """Where the square lies under the paint that was found on a reduced copy of a picture: bool (512, 512)."""
    height, width = picture.gray.shape
    factor = np.array([width / paint.shape[1], height / paint.shape[0]])
    step = UM_PER_PX / np.asarray(placement.um_per_px) / factor
    offset = (placement.to_camera(np.zeros((1, 2)))[0] + 0.5) / factor - 0.5
    matrix = np.array([[step[0], 0, offset[0]], [0, step[1], offset[1]]])
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(paint.astype(np.uint8), matrix, (SQUARE_PX, SQUARE_PX), flags=flags) > 0
