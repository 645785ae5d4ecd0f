"""Changes of a picture that leave the part as it is: pose, scale, light, border, file, noise and focus.

Each is defined on the decoded picture, so that photographs and drawn pictures are changed alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface_build.evaluation.repeated_parts import Matrix, turn

Gray = NDArray[np.uint8]

BORDER_PX: Final = 40
NOISE_LEVELS: Final = 2.0
NOISE_SEED: Final = 0
JPEG_QUALITY: Final = 50
BLUR_SIGMAS_PX: Final = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)


def _no_turn() -> Matrix:
    return np.eye(2)


@dataclass(frozen=True)
class Change:
    """A change of a picture.

    Attributes:
        name: What to call it.
        apply: The changed picture uint8 (H, W) of a picture uint8 (H, W); the sizes may differ.
        pose: What it does to x and y, in micrometers from the fiber's center.
    """

    name: str
    apply: Callable[[Gray], Gray]
    pose: Matrix = field(default_factory=_no_turn)


def _turned(number: int, name: str) -> Change:
    """One of the eight ways in which a picture can lie on its grid."""
    return Change(name, lambda gray: turn(gray, number)[0], turn(np.zeros((1, 1), np.uint8), number)[1])


def _scaled(gray: Gray, factor: float) -> Gray:
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(gray, None, fx=factor, fy=factor, interpolation=way), np.uint8)


def _leveled(gray: Gray, gain: float, offset: float) -> Gray:
    return np.clip(gray * gain + offset, 0, 255).astype(np.uint8)


def _recoded(gray: Gray) -> Gray:
    _, data = cv2.imencode(".jpg", gray, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def _noisy(gray: Gray) -> Gray:
    noise = np.random.default_rng(NOISE_SEED).normal(0, NOISE_LEVELS, gray.shape)
    return np.clip(gray + noise, 0, 255).astype(np.uint8)


def _bordered(gray: Gray, level: int) -> Gray:
    sides = (BORDER_PX,) * 4
    return np.asarray(cv2.copyMakeBorder(gray, *sides, cv2.BORDER_CONSTANT, value=(level,)), np.uint8)


def _shifted(gray: Gray) -> Gray:
    matrix = np.array([[1, 0, 0.5], [0, 1, 0.5]], np.float32)
    return np.asarray(cv2.warpAffine(gray, matrix, gray.shape[::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _blurred(gray: Gray, sigma_px: float) -> Gray:
    return np.asarray(cv2.GaussianBlur(gray, (0, 0), sigma_px), np.uint8)


POSES: Final = (
    _turned(4, "mirrored"),
    _turned(1, "turned 90"),
    _turned(2, "turned 180"),
    _turned(3, "turned 270"),
    Change("shifted half a pixel", _shifted),
    *(Change(f"{factor:g} x", partial(_scaled, factor=factor)) for factor in (0.7, 1.5, 2.0)),
    Change("white border", partial(_bordered, level=255)),
    Change("black border", partial(_bordered, level=0)),
    Change("brighter 1.15", partial(_leveled, gain=1.15, offset=0.0)),
    Change("darker 0.8", partial(_leveled, gain=0.8, offset=0.0)),
    Change("less contrast", partial(_leveled, gain=0.8, offset=25.0)),
    Change("noise 2", _noisy),
    Change("JPEG 50", _recoded),
)
"""Changes after which a report should say the same."""

BLURS: Final = tuple(
    Change(f"blur {sigma_px:g} px", partial(_blurred, sigma_px=sigma_px)) for sigma_px in BLUR_SIGMAS_PX
)
"""Defocus in steps: a part that fails must not pass on the way to a picture that is refused."""
