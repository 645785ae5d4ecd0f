"""Lamp structure in a lit core: what light from the far end shows there although the face is sound.

A core that is lit from the other end shows rings of its modes, the shape of the lamp's filament, clouds and a fine
mottling, none of which lies on the face.
"""

from __future__ import annotations

import math

import numpy as np

from endface_build.drawing.raster import Field, Raster, smooth_noise

CLUTTER_UM = 3.0
"""Structure that is coarser than this cannot be taken for a mark."""


def lamp_structure(rng: np.random.Generator, raster: Raster, core_um: float) -> Field:
    """Lamp structure in and around a core, of about unit deviation in its middle.

    Args:
        rng: Source of every choice.
        raster: Where the fiber lies in the picture.
        core_um: Radius of the core.

    Returns:
        float32 (H, W).
    """
    spread_um = 0.08 * core_um
    x_um, y_um = raster.grid(raster.whole)
    radius_um = np.hypot(x_um - rng.normal(0, spread_um), y_um - rng.normal(0, spread_um))
    parts = (_rings, _cloud, _mottling, _filament, _spot)
    level = np.zeros(raster.shape, np.float32)
    for part in parts:
        level += rng.choice([0, rng.uniform(0.1, 1.2)], p=[0.4, 0.6]) * part(rng, raster, radius_um, core_um)
    return level


def clutter_of(structure: Field, raster: Raster) -> Field:
    """Local deviation of what is fine enough in a structure to be taken for a mark, float32 (H, W)."""
    fine = structure - raster.blur(structure, CLUTTER_UM)
    return np.sqrt(raster.blur(np.square(fine), 2 * CLUTTER_UM))


def _bell(distance_um: Field, half_um: float) -> Field:
    return np.asarray(np.exp(-((distance_um / half_um) ** 2)), np.float32)


def _rings(rng: np.random.Generator, raster: Raster, radius_um: Field, core_um: float) -> Field:
    """Rings around about the core's middle, evenly spaced or closer to each other outwards, fading to one side."""
    period_um, crowding = rng.uniform(3, 16), rng.choice([1.0, rng.uniform(1, 2)])
    waves = np.cos(2 * math.pi * radius_um**crowding / period_um**crowding + rng.uniform(0, 2 * math.pi))
    uneven = np.clip(1 + rng.uniform(0, 0.8) * smooth_noise(rng, raster.shape, 30 / raster.um_per_px[0]), 0, 2)
    return np.asarray(waves * uneven * _bell(radius_um, rng.uniform(0.3, 2.0) * core_um), np.float32)


def _cloud(rng: np.random.Generator, raster: Raster, radius_um: Field, core_um: float) -> Field:
    """Soft patches."""
    grain_px = rng.uniform(4, 12) / raster.um_per_px[0]
    return np.asarray(smooth_noise(rng, raster.shape, grain_px) * _bell(radius_um, rng.uniform(0.3, 2.0) * core_um))


def _mottling(rng: np.random.Generator, raster: Raster, radius_um: Field, core_um: float) -> Field:
    """Fine grains, like speckle of coherent light."""
    grain_px = rng.uniform(0.8, 3.5) / raster.um_per_px[0]
    return np.asarray(smooth_noise(rng, raster.shape, grain_px) * _bell(radius_um, rng.uniform(0.3, 2.0) * core_um))


def _filament(rng: np.random.Generator, raster: Raster, radius_um: Field, core_um: float) -> Field:
    """Parallel bright and dark strokes near the middle: the turns of a filament."""
    del radius_um
    x_um, y_um = raster.grid(raster.whole)
    angle, period_um = rng.uniform(0, math.pi), rng.uniform(2, 9)
    along_um = x_um * math.cos(angle) + y_um * math.sin(angle)
    across_um = y_um * math.cos(angle) - x_um * math.sin(angle)
    turns = np.cos(2 * math.pi * along_um / period_um + rng.uniform(0, 2 * math.pi))
    reach = _bell(across_um, rng.uniform(0.05, 0.5) * core_um) * _bell(along_um, rng.uniform(0.1, 0.7) * core_um)
    bent = np.clip(smooth_noise(rng, raster.shape, 6 / raster.um_per_px[0]), -1.5, 1.5)
    return np.asarray(2 * (turns + 0.7 * bent) * reach, np.float32)


def _spot(rng: np.random.Generator, raster: Raster, radius_um: Field, core_um: float) -> Field:
    """A bright or dark middle."""
    del raster
    return np.asarray(_bell(radius_um, rng.uniform(0.05, 0.8) * core_um) * rng.uniform(-1, 3), np.float32)
