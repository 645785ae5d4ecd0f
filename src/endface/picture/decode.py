"""Decoding of an encoded picture to gray levels, within limits.

Pillow reads what ``endface.picture.sanitize`` leaves of the bytes: it tells format and size before it decodes, refuses
a truncated file, and stays quiet about the padding that some cameras write behind the picture.  Of a TIFF with several
pages the first one is taken.  The orientation that a file asks for is ignored on purpose: it would turn the picture
away from the pixels that the camera and the report name.
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from endface.contract import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS
from endface.errors import (
    EmptyImageError,
    OversizedImageError,
    PictureError,
    TooManyPixelsError,
    UndecodableError,
)
from endface.picture.paint import find_paint, read_chroma, read_jpeg_chroma
from endface.picture.picture import Picture
from endface.picture.sanitize import has_white_as_zero, strip_metadata

FORMATS: Final = ("PNG", "JPEG", "BMP", "TIFF")

_TIFF_COMPRESSIONS: Final = ("raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "jpeg")
"""Pillow's names of those that cameras write; faxes and the rest only open more of a decoder to damaged files."""

_BMP_RUNS: Final = (1, 2)  # BI_RLE8 and BI_RLE4, which Pillow reads in Python, at a microsecond a run


def check_size(data: bytes) -> None:
    """Refuse a file of a size that no picture has.

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
    """Decode PNG, JPEG, BMP or TIFF, 8 or 16 bit, gray or color (as ITU-R 601 luma).

    Raises:
        UndecodableError: not such a file, damaged or cut short.
        TooManyPixelsError: the header announces more than ``MAX_IMAGE_PIXELS``; nothing was decoded.
    """
    try:
        stripped = strip_metadata(data)
        with Image.open(BytesIO(stripped), formats=FORMATS) as image:
            _check_pixels(*image.size)
            _check_compression(image)
            mode = image.mode
            gray = _gray(image)
            return Picture(np.bitwise_not(gray) if has_white_as_zero(data) else gray, _paint(stripped, image, mode))
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise TooManyPixelsError(
            f"the picture's header announces more than {MAX_IMAGE_PIXELS:,} pixels; crop it to the end face"
        ) from exc
    except Exception as exc:  # Pillow's readers raise errors of many kinds: each means "damaged"
        if isinstance(exc, UnidentifiedImageError):
            reason = "it is no PNG, JPEG, BMP or TIFF"
        else:  # what is no OSError speaks of a reader's inside, such as "unpack_from requires a buffer"
            reason = str(exc) if isinstance(exc, OSError | SyntaxError) else "its data is damaged or ends early"
        raise UndecodableError(f"the picture cannot be decoded: {reason}; send it again or check the camera") from exc


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


def _paint(data: bytes, image: Image.Image, mode: str) -> NDArray[np.bool_] | None:
    """Where a picture of ``mode`` that was decoded is painted in color; None where nowhere."""
    if image.format == "JPEG":
        if mode == "RGB" and find_paint(read_jpeg_chroma(data, *image.size)) is None:
            return None
        image = Image.open(BytesIO(data), formats=FORMATS)
    chroma = read_chroma(image)
    return None if chroma is None else find_paint(chroma)


def _to_8_bit(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Scale by the camera's bit depth: the smallest of 8, 10, 12, 14 and 16 bits that holds the brightest pixel.

    Cameras store 10, 12 or 14 bits in 16-bit files without saying so; a fixed shift by 8 would leave those black.
    """
    brightest = int(values.max())
    if brightest >= 1 << 16 or int(values.min()) < 0:
        raise UndecodableError("the picture holds more than 16 bits a pixel; save it with 8 or 16 bits")
    bits = next(bits for bits in (8, 10, 12, 14, 16) if brightest < 1 << bits)
    return np.right_shift(values.astype(np.uint16), bits - 8).astype(np.uint8)
