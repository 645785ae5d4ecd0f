"""Structure over a whole face that is no mark: interference fringes, and the even grain that polishing leaves."""

from __future__ import annotations

import math

import cv2
import numpy as np

from endface_build.drawing.raster import Field, Raster, smooth_noise


def fringes(rng: np.random.Generator, raster: Raster) -> Field:
    """Interference fringes: waves across the face, straight or around a far center, of about unit height, stronger
    here than there.

    Args:
        rng: Source of every choice.
        raster: Where the fiber lies in the picture.

    Returns:
        float32 (H, W).
    """
    x_um, y_um = raster.grid(raster.whole)
    angle, away_um, period_um = rng.uniform(0, 2 * math.pi), math.exp(rng.uniform(3.5, 7)), rng.uniform(7, 40)
    reach_um = np.hypot(x_um - away_um * math.cos(angle), y_um - away_um * math.sin(angle))
    waves = np.cos(2 * math.pi * reach_um / period_um + rng.uniform(0, 2 * math.pi))
    patches = np.clip(0.7 + 0.5 * smooth_noise(rng, raster.shape, 60 / raster.um_per_px[0]), 0, 1)
    return np.asarray(waves * patches, np.float32)


def polish(rng: np.random.Generator, raster: Raster) -> Field:
    """Grain of a polished ferrule: streaks side by side in one direction, none of which stands out, of about unit
    deviation.

    Args:
        rng: Source of every choice.
        raster: Where the fiber lies in the picture.

    Returns:
        float32 (H, W).
    """
    side_px = math.ceil(math.hypot(*raster.shape))
    across_px = max(1.0, rng.uniform(0.5, 2.5) / raster.pitch_um)
    along_px = across_px * rng.uniform(8, 60)
    coarse = rng.standard_normal(
        (math.ceil(side_px / across_px) + 1, math.ceil(side_px / along_px) + 1), dtype=np.float32
    )
    streaks = cv2.resize(coarse, (side_px, side_px), interpolation=cv2.INTER_CUBIC)
    height_px, width_px = raster.shape
    turn = cv2.getRotationMatrix2D((side_px / 2, side_px / 2), rng.uniform(0, 180), 1.0)
    turn = turn + np.array([[0, 0, (width_px - side_px) / 2], [0, 0, (height_px - side_px) / 2]])
    return np.asarray(cv2.warpAffine(streaks, turn, (width_px, height_px), borderMode=cv2.BORDER_REFLECT), np.float32)
