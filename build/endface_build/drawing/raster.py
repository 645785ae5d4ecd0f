"""Pixel grids in micrometers around the fiber, and fields of smooth noise on them.

Everything in the generator is placed in micrometers from the fiber's center, x to the right and y down, so that one
face can be drawn for any camera.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from endface import contract

Field = NDArray[np.float32]
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Raster:
    """A grid of pixels: its size, where the fiber's center lies (x, y; pixel centers at whole numbers) and its scale
    in x and y.
    """

    width_px: int
    height_px: int
    center_px: tuple[float, float]
    um_per_px: tuple[float, float]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.height_px, self.width_px

    @property
    def pitch_um(self) -> float:
        """Mean side of a pixel: an edge drawn over less than that would be jagged, and its place wrong."""
        return math.sqrt(self.um_per_px[0] * self.um_per_px[1])

    @property
    def whole(self) -> Window:
        """The window that is the whole raster."""
        return slice(0, self.height_px), slice(0, self.width_px)

    def grid(self, window: Window) -> tuple[Field, Field]:
        """Micrometers x (1, W) and y (H, 1) of a window's pixels, ready for broadcasting."""
        rows, columns = window
        x_um = (np.arange(columns.start, columns.stop, dtype=np.float32) - self.center_px[0]) * self.um_per_px[0]
        y_um = (np.arange(rows.start, rows.stop, dtype=np.float32) - self.center_px[1]) * self.um_per_px[1]
        return x_um[None, :].astype(np.float32), y_um[:, None].astype(np.float32)

    def window(self, low_um: tuple[float, float], high_um: tuple[float, float]) -> Window | None:
        """The pixels of a box between two corners (x, y), cut to the raster; None where nothing is left."""
        spans = []
        for axis, size_px in ((1, self.height_px), (0, self.width_px)):
            start = math.floor(low_um[axis] / self.um_per_px[axis] + self.center_px[axis])
            stop = math.ceil(high_um[axis] / self.um_per_px[axis] + self.center_px[axis]) + 1
            spans.append(slice(max(0, start), min(size_px, stop)))
        rows, columns = spans
        return (rows, columns) if rows.start < rows.stop and columns.start < columns.stop else None

    def blur(self, field: Field, sigma_um: float) -> Field:
        """A field blurred by a Gaussian of ``sigma_um``; unchanged where that is far below a pixel."""
        sigmas_px = [sigma_um / scale for scale in self.um_per_px]
        if max(sigmas_px) < 0.2:
            return field
        if min(sigmas_px) > COARSE_BLUR_PX:
            return self._blur_coarsely(field, sigmas_px)
        blurred = cv2.GaussianBlur(field, (0, 0), sigmas_px[0], sigmaY=sigmas_px[1], borderType=cv2.BORDER_REPLICATE)
        return np.asarray(blurred, np.float32)

    def _blur_coarsely(self, field: Field, sigmas_px: list[float]) -> Field:
        """A broad blur on every fourth pixel, which is sixteen times quicker and looks the same."""
        height_px, width_px = field.shape
        small = cv2.resize(field, (max(1, width_px // 4), max(1, height_px // 4)), interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(
            small, (0, 0), sigmas_px[0] / 4, sigmaY=sigmas_px[1] / 4, borderType=cv2.BORDER_REPLICATE
        )
        return np.asarray(cv2.resize(small, (width_px, height_px), interpolation=cv2.INTER_LINEAR), np.float32)


COARSE_BLUR_PX = 6.5
"""Blur in pixels above which not every pixel needs to be looked at."""

SQUARE = Raster(
    contract.SQUARE_PX,
    contract.SQUARE_PX,
    (contract.SQUARE_CENTER_PX, contract.SQUARE_CENTER_PX),
    (contract.UM_PER_PX, contract.UM_PER_PX),
)
"""The network's square."""


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], grain_px: float) -> Field:
    """Noise of about unit deviation whose grains are ``grain_px`` wide, float32 of ``shape``."""
    coarse = tuple(max(2, math.ceil(side / max(grain_px, 1.0)) + 1) for side in shape)
    field = rng.standard_normal(coarse, dtype=np.float32)
    return np.asarray(cv2.resize(field, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


WOBBLE_STEPS = 8192
"""Angles around the circle at which a wobble is known: 0.05 um apart on a cladding's edge."""


def wobble(rng: np.random.Generator, angle_rad: Field, orders: tuple[int, int]) -> Field:
    """A periodic random function of the angle of about unit deviation, made of harmonics from ``orders[0]`` to
    ``orders[1]``.
    """
    count = orders[1] - orders[0] + 1
    cosines, sines = rng.standard_normal((2, count)) / math.sqrt(count)
    spectrum = np.zeros(WOBBLE_STEPS // 2 + 1, np.complex128)
    spectrum[orders[0] : orders[1] + 1] = (cosines - 1j * sines) * (WOBBLE_STEPS / 2)
    table = np.fft.irfft(spectrum, WOBBLE_STEPS).astype(np.float32)
    places = (angle_rad * np.float32(WOBBLE_STEPS / (2 * math.pi))).astype(np.int32)
    return np.asarray(np.take(table, places, mode="wrap"), np.float32)
