"""A mark as it lies on a raster, before it is seen through a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from endface_build.drawing.raster import Field, Raster, Window, smooth_noise

EDGE_UM = 0.4
"""Width over which a mark's outline goes from full to nothing: about half the resolution of a 0.5 NA objective."""


@dataclass(frozen=True)
class DrawnMark:
    """A mark on a raster: the window it touches, its shape 0 to 1 and its tone -1 to 1 there."""

    window: Window
    shape: Field
    tone: Field


def speckled(rng: np.random.Generator, raster: Raster, shape: tuple[int, ...], speckle: float) -> Field:
    """Factor on the tone of an area with bright speckles about 1.2 um wide."""
    grain_px = max(1.5, 1.2 / raster.um_per_px[0])
    factor = 1 - speckle * np.clip(np.abs(smooth_noise(rng, shape, grain_px)) - 0.6, 0, 2)
    return np.asarray(factor, np.float32)
