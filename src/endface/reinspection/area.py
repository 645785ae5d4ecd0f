"""Area of a mark on the square, cut to the mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX

_BITS: Final = 4  # OpenCV fills at sixteenths of a pixel


@dataclass(frozen=True)
class Area:
    """Some pixels of the square.

    Attributes:
        x0: first column.
        y0: first row.
        mask: uint8 (H, W), 1 inside; empty for what lies outside of the square.
    """

    x0: int
    y0: int
    mask: NDArray[np.uint8]

    @classmethod
    def of(cls, rings_um: list[NDArray[np.float64]], widened_um: float) -> Area:
        """The area inside an outline.

        Args:
            rings_um: (N, 2) each, in um from the fiber's center; holes are rings of their own.
            widened_um: by how much more than the outline is covered.
        """
        rings = [ring / UM_PER_PX + SQUARE_CENTER_PX for ring in rings_um]
        grown = round(widened_um / UM_PER_PX)
        corners = np.concatenate(rings)
        x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - grown - 1, 0)
        x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + grown + 2, SQUARE_PX)
        mask = np.zeros((max(y1 - y0, 0), max(x1 - x0, 0)), np.uint8)
        if mask.size:
            points = [np.round((ring - (x0, y0)) * (1 << _BITS)).astype(np.int32) for ring in rings]
            cv2.fillPoly(mask, points, (1,), shift=_BITS)
            mask = _grown(mask, grown)
        return cls(int(x0), int(y0), mask)

    @property
    def pixels(self) -> int:
        """How many there are."""
        return int(self.mask.sum())

    def share(self, other: Area) -> float:
        """Share of the smaller of two areas that the other one covers."""
        x0, y0 = max(self.x0, other.x0), max(self.y0, other.y0)
        x1 = min(self.x0 + self.mask.shape[1], other.x0 + other.mask.shape[1])
        y1 = min(self.y0 + self.mask.shape[0], other.y0 + other.mask.shape[0])
        if x0 >= x1 or y0 >= y1:
            return 0.0
        both = self._window(x0, y0, x1, y1) & other._window(x0, y0, x1, y1)
        return float(both.sum()) / max(min(self.pixels, other.pixels), 1)

    def around(self, margin_um: float) -> Area:
        """The area with what lies within a margin around it."""
        grown = round(margin_um / UM_PER_PX)
        x0, y0 = max(self.x0 - grown, 0), max(self.y0 - grown, 0)
        x1 = min(self.x0 + self.mask.shape[1] + grown, SQUARE_PX)
        y1 = min(self.y0 + self.mask.shape[0] + grown, SQUARE_PX)
        mask = np.zeros((max(y1 - y0, 0), max(x1 - x0, 0)), np.uint8)
        if not self.mask.size:
            return Area(x0, y0, mask)
        rows = slice(self.y0 - y0, self.y0 - y0 + self.mask.shape[0])
        mask[rows, self.x0 - x0 : self.x0 - x0 + self.mask.shape[1]] = self.mask
        return Area(x0, y0, _grown(mask, grown))

    def without(self, inner: Area) -> Area:
        """The area less one that lies inside it."""
        mask = self.mask.copy()
        top, left = inner.y0 - self.y0, inner.x0 - self.x0
        height, width = inner.mask.shape
        mask[top : top + height, left : left + width] &= (1 - inner.mask).astype(np.uint8)
        return Area(self.x0, self.y0, mask)

    def of_square(self, square: NDArray[np.generic], x_px: int = 0, y_px: int = 0) -> NDArray[np.generic]:
        """The square's pixels (N,) in the area, or in the area moved by whole pixels."""
        rows, columns = np.nonzero(self.mask)
        last = SQUARE_PX - 1
        moved = np.clip(rows + self.y0 + y_px, 0, last), np.clip(columns + self.x0 + x_px, 0, last)
        return np.asarray(square[moved])

    def paint(self, square: NDArray[np.uint8]) -> None:
        """Set the square's pixels in the area to 1."""
        height, width = self.mask.shape
        square[self.y0 : self.y0 + height, self.x0 : self.x0 + width] |= self.mask

    def _window(self, x0: int, y0: int, x1: int, y1: int) -> NDArray[np.uint8]:
        return self.mask[y0 - self.y0 : y1 - self.y0, x0 - self.x0 : x1 - self.x0]


def _grown(mask: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return np.asarray(cv2.dilate(mask, disc), np.uint8)
