"""What of a face survives cleaning: its texture, with light and rings taken out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import SQUARE_PX, UM_PER_PX
from endface.reinspection.area import Area
from endface.reinspection.face import Face

CONTENT_PX: Final = SQUARE_PX // 2
CONTENT_UM_PER_PX: Final = 2 * UM_PER_PX

_REACH_UM: Final = 124.0  # a face is compared within this radius: beyond it a turned square has corners missing
_BROAD_UM: Final = 4.0  # what is broader is light, not texture
_LOCAL_UM: Final = 10.0  # within which contrast is made even, so that a scratch counts no more than a square of grain
_LEAST_CONTRAST: Final = 0.5  # gray levels; below it is no texture to make even
_MOST: Final = 3.0  # deviations that one pixel may stand out
_RIM_UM: Final = 5.0  # around the cladding's edge, which looks the same at any turn
_CORE_UM: Final = 4.0  # around the core; in it is the lamp's structure, which does not turn with the face
_MARK_UM: Final = 2.0  # around a mark
_UNSEEN_PX: Final = 5

Field = NDArray[np.float32]


@dataclass(frozen=True)
class Content:
    """Content of a face, float32 (256, 256) each, 1 um per pixel, about 0 and of about unit deviation.

    Attributes:
        whole: with its marks.
        texture: without them, 0 where they are: cleaning does not change it.
    """

    whole: Field
    texture: Field

    @classmethod
    def of(cls, face: Face) -> Content:
        """The content of a face."""
        gray = cv2.resize(face.square, (CONTENT_PX, CONTENT_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
        judged = _comparable(face)
        marked = np.zeros((SQUARE_PX, SQUARE_PX), np.uint8)
        for defect in face.report.defects:
            Area.of(face.outline_um(defect), _MARK_UM).paint(marked)
        unmarked = cv2.resize(marked, (CONTENT_PX, CONTENT_PX), interpolation=cv2.INTER_AREA) == 0
        return cls(_even(gray, judged), _even(gray, judged & unmarked))


@cache
def radii_um() -> Field:
    """Distance of each pixel of a content from the fiber's center, read-only float32 (256, 256)."""
    at = (np.arange(CONTENT_PX) - (CONTENT_PX - 1) / 2) * CONTENT_UM_PER_PX
    radii = np.hypot(at[:, None], at[None, :]).astype(np.float32)
    radii.setflags(write=False)
    return radii


@cache
def inside() -> NDArray[np.bool_]:
    """The disc in which faces are compared, read-only bool (256, 256)."""
    disc = radii_um() < _REACH_UM
    disc.setflags(write=False)
    return disc


def _comparable(face: Face) -> NDArray[np.bool_]:
    """Where a face shows content that turns with it, bool (256, 256)."""
    seen = cv2.resize(face.seen.astype(np.uint8), (CONTENT_PX, CONTENT_PX), interpolation=cv2.INTER_AREA)
    seen = cv2.erode(seen, np.ones((_UNSEEN_PX, _UNSEEN_PX), np.uint8))
    off_rim = np.abs(radii_um() - face.cladding_radius_um) > _RIM_UM
    return np.asarray((seen > 0) & inside() & off_rim & (radii_um() > face.core_radius_um + _CORE_UM), np.bool_)


def _even(gray: Field, judged: NDArray[np.bool_]) -> Field:
    """Gray levels without broad light, with even contrast, and without what is the same all around."""
    weight = judged.astype(np.float32)

    def local_mean(values: Field, sigma_um: float) -> Field:
        sigma_px = sigma_um / CONTENT_UM_PER_PX
        share = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma_px), 1e-3)
        return np.asarray(cv2.GaussianBlur(values * weight, (0, 0), sigma_px) / share, np.float32)

    fine = (gray - local_mean(gray, _BROAD_UM)) * weight
    contrast = np.sqrt(local_mean(fine * fine, _LOCAL_UM))
    even = np.clip(fine / np.maximum(contrast, _LEAST_CONTRAST), -_MOST, _MOST)
    rings = np.rint(radii_um()[judged] / CONTENT_UM_PER_PX).astype(np.intp)
    sums = np.bincount(rings, even[judged], CONTENT_PX)
    counts = np.bincount(rings, minlength=CONTENT_PX)
    even[judged] -= (sums / np.maximum(counts, 1))[rings].astype(np.float32)
    return np.asarray(even, np.float32)
