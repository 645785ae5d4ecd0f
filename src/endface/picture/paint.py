"""Paint: circles, lines and text that a microscope's software drew into a picture in saturated colors.

The light of a microscope has one tint; what differs much from it in color was not in front of the camera.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

LONGEST_PX: Final = 300
"""Longer side of the copy on which colors are compared, about: a line of one pixel still shows on it."""

MIN_CHROMA: Final = 24
"""Least distance from the picture's own tint in levels of Cb or Cr; fringes of lenses reach 20."""

MIN_RELATIVE: Final = 3.0
"""And this many times the distance that nine tenths of the picture keep: noisy colors are no paint."""

MAX_SHARE: Final = 0.25
"""What colors more of the picture than this is no overlay but light of another color."""

_REDUCED: Final = {
    1: cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION,
    2: cv2.IMREAD_REDUCED_COLOR_2 | cv2.IMREAD_IGNORE_ORIENTATION,
    4: cv2.IMREAD_REDUCED_COLOR_4 | cv2.IMREAD_IGNORE_ORIENTATION,
    8: cv2.IMREAD_REDUCED_COLOR_8 | cv2.IMREAD_IGNORE_ORIENTATION,
}
"""OpenCV's flags by how many times it reduces."""

GRAY_MODES: Final = ("1", "L", "LA", "I", "F")


def reduction(width_px: int, height_px: int) -> int:
    """How many times a picture is reduced before its colors are compared: 1, 2, 4 or 8, as JPEG decoders do it."""
    return next((k for k in (1, 2, 4) if max(width_px, height_px) / k <= LONGEST_PX), 8)


def read_chroma(image: Image.Image) -> NDArray[np.uint8] | None:
    """Cb and Cr uint8 (H', W', 2) of a reduced copy; None where the picture has no colors."""
    if image.mode in GRAY_MODES or image.mode.startswith("I;"):
        return None
    factor = reduction(*image.size)
    image.draft("YCbCr", (image.width // factor, image.height // factor))
    if image.mode != "YCbCr":
        image = image.convert("RGB")
    rest = reduction(*image.size)
    reduced = image.reduce(rest) if rest > 1 else image
    values = np.asarray(reduced if reduced.mode == "YCbCr" else reduced.convert("YCbCr"))
    return np.ascontiguousarray(values[..., 1:])


def read_jpeg_chroma(data: bytes, width_px: int, height_px: int) -> NDArray[np.uint8]:
    """The same of a JPEG of three components by its bytes: in less time, but with bright colors less saturated.

    It tells whether there is paint, not where.  The file must have been decoded before.
    """
    values = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[reduction(width_px, height_px)])
    _, red, blue = cv2.split(cv2.cvtColor(values, cv2.COLOR_BGR2YCrCb))
    return np.asarray(cv2.merge([blue, red]), np.uint8)


def find_paint(chroma: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Where a reduced copy is painted, bool (H', W'); None where it is nowhere."""
    planes = cv2.split(chroma)
    if all(most - least < MIN_CHROMA for least, most, _, _ in map(cv2.minMaxLoc, planes)):
        return None
    off = np.zeros(chroma.shape[:2], np.uint8)
    for plane in planes:
        tint = int(np.searchsorted(np.cumsum(np.bincount(plane.ravel(), minlength=256)), plane.size / 2))
        off = np.maximum(off, cv2.absdiff(plane, np.full_like(plane, tint)))
    if int(off.max()) < MIN_CHROMA:
        return None
    painted = off >= max(MIN_CHROMA, MIN_RELATIVE * float(np.percentile(off, 90)))
    return painted if 0 < painted.mean() < MAX_SHARE else None


def remove_paint(gray: NDArray[np.uint8], painted: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Gray levels uint8 (H, W) in which the paint of a reduced copy is filled from around it (Telea, 2004)."""
    height, width = gray.shape
    around = cv2.dilate(painted.astype(np.uint8), np.ones((3, 3), np.uint8))
    mask = cv2.resize(around, (width, height), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.inpaint(gray, mask, 3, cv2.INPAINT_TELEA), np.uint8)
