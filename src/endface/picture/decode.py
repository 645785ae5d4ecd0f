"""Encoded bytes to a gray picture, within limits; the square and the camera's coordinates.

Pillow reads what ``endface.picture.sanitize`` leaves of the bytes: it tells format and size before it decodes, refuses
a truncated file, and stays quiet about the padding that some cameras write behind the picture.  Of a TIFF with several
pages the first one is taken.  The orientation that a file asks for is ignored on purpose: it would turn the picture
away from the pixels that the camera and the report name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from endface.contract import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS, SQUARE_CENTER_PX, SQUARE_PX, UM_PER_PX
from endface.errors import (
    EmptyImageError,
    OversizedImageError,
    PictureError,
    TooManyPixelsError,
    UndecodableError,
)
from endface.picture.sanitize import essence

FORMATS: Final = ("PNG", "JPEG", "BMP", "TIFF")

_TIFF_COMPRESSIONS: Final = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "jpeg")
"""Pillow's names of those that cameras write; faxes and the rest only open more of a decoder to damaged files."""

_BMP_RUNS: Final = (1, 2)  # BI_RLE8 and BI_RLE4, which Pillow reads in Python, at a microsecond a run

_FRAME_SHARE: Final = 0.05
"""A black frame is looked for in this share of the picture at each side (seen: 2 %)."""

_FRAME_DARKNESS: Final = 0.5
"""A line of pixels belongs to the frame where its median is below this share of the lines further in."""

_FRAME_MARGIN_PX: Final = 4
"""The camera's sharpening rings this far into the picture behind a black frame."""

_FRAME_STEP: Final = 8
"""Of each line every so many pixels are enough for its median."""

_SHRINK_FROM: Final = 1.5
"""Camera pixels per square pixel from which bilinear sampling would alias and areas are averaged first."""


@dataclass(frozen=True)
class Rect:
    """Pixels x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True)
class Picture:
    """A decoded picture: ``gray`` is uint8 (H, W)."""

    gray: NDArray[np.uint8]

    @cached_property
    def field(self) -> Rect:
        """The part inside the camera's black frame, or the whole picture where there is none."""
        height, width = self.gray.shape
        left, right = _frame_lines(self.gray[::_FRAME_STEP].T)
        top, bottom = _frame_lines(self.gray[:, ::_FRAME_STEP])
        return Rect(left, top, width - right, height - bottom)


@dataclass(frozen=True)
class Placement:
    """Where the square lies in the camera picture: the fiber's centre and the camera's scale in x and y."""

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

    def seen(self, field: Rect) -> NDArray[np.bool_]:
        """Pixels of the square (512, 512) that lie in the camera's field."""
        corners = np.array([[field.x0 - 0.5, field.y0 - 0.5], [field.x1 - 0.5, field.y1 - 0.5]])
        (x0, y0), (x1, y1) = self.to_square(corners)
        at = np.arange(SQUARE_PX)
        columns, rows = (at >= x0) & (at <= x1), (at >= y0) & (at <= y1)
        seen: NDArray[np.bool_] = np.logical_and.outer(rows, columns)
        return seen


def check_size(data: bytes) -> None:
    """Refuse what no picture can be.

    Raises:
        EmptyImageError: no bytes at all.
        OversizedImageError: more bytes than ``MAX_IMAGE_BYTES``.
    """
    if not data:
        raise EmptyImageError("the picture is empty; send the whole encoded file")
    if len(data) > MAX_IMAGE_BYTES:
        raise OversizedImageError(
            f"the picture has {len(data):,} bytes, at most {MAX_IMAGE_BYTES:,} are taken; send it compressed or cropped"
        )


def decode(data: bytes) -> Picture:
    """Decode PNG, JPEG, BMP or TIFF, 8 or 16 bit, gray or colour (as ITU-R 601 luma).

    Raises:
        UndecodableError: not such a file, damaged or cut short.
        TooManyPixelsError: the header announces more than ``MAX_IMAGE_PIXELS``; nothing was decoded.
    """
    try:
        with Image.open(BytesIO(essence(data)), formats=FORMATS) as image:
            _check_pixels(*image.size)
            _check_compression(image)
            return Picture(_gray(image))
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise TooManyPixelsError(
            f"the picture's header announces more than {MAX_IMAGE_PIXELS:,} pixels; crop it to the end face"
        ) from exc
    except Exception as exc:  # Pillow's readers raise whatever their parsing stumbles over: any of it means "damaged"
        reason = "it is no PNG, JPEG, BMP or TIFF" if isinstance(exc, UnidentifiedImageError) else str(exc)
        raise UndecodableError(f"the picture cannot be decoded: {reason}; send it again or check the camera") from exc


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


def _check_pixels(width: int, height: int) -> None:
    if width * height > MAX_IMAGE_PIXELS:
        raise TooManyPixelsError(
            f"the picture has {width} x {height} pixels, at most {MAX_IMAGE_PIXELS:,} are decoded; "
            "crop it to the end face"
        )


def _check_compression(image: Image.Image) -> None:
    if image.format == "TIFF" and image.info.get("compression", "raw") not in _TIFF_COMPRESSIONS:
        raise UndecodableError(
            f"the TIFF is compressed by {image.info['compression']!r}, which is not read; save it with LZW or as PNG"
        )
    if image.format == "BMP" and image.info.get("compression") in _BMP_RUNS:
        raise UndecodableError("the BMP is compressed in runs, which is not read; save it uncompressed or as PNG")


def _gray(image: Image.Image) -> NDArray[np.uint8]:
    if image.format == "JPEG":
        image.draft("L", None)  # decodes the luma alone, a third of the work
    if image.mode.startswith("I"):
        return _to_8_bit(np.asarray(image))
    if image.mode == "F":
        raise UndecodableError("the picture holds floating-point pixels; save it with 8 or 16 bits")
    return np.asarray(image if image.mode == "L" else image.convert("L"))


def _to_8_bit(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale by the camera's bit depth: the smallest of 8, 10, 12, 14 and 16 bits that holds the brightest pixel.

    Cameras store 10, 12 or 14 bits in 16-bit files without saying so; a fixed shift by 8 would leave those black.
    """
    brightest = int(values.max())
    if brightest >= 1 << 16 or int(values.min()) < 0:
        raise UndecodableError("the picture holds more than 16 bits a pixel; save it with 8 or 16 bits")
    bits = next(bits for bits in (8, 10, 12, 14, 16) if brightest < 1 << bits)
    return np.right_shift(values.astype(np.uint16), bits - 8).astype(np.uint8)


def _frame_lines(lines: NDArray[np.uint8]) -> tuple[int, int]:
    """Black lines at the beginning and at the end of lines (N, pixels), the sharpened border included."""
    if len(lines) < 2:
        return 0, 0  # nothing is further in
    reach = max(int(len(lines) * _FRAME_SHARE), 1)

    def black(side: NDArray[np.uint8]) -> int:
        levels = np.median(side[: 2 * reach], axis=1)
        dark = np.flatnonzero(levels[:reach] < _FRAME_DARKNESS * np.median(levels[reach:]))
        return int(dark[-1]) + 1 + _FRAME_MARGIN_PX if len(dark) else 0

    return black(lines), black(lines[::-1])
