from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin

from endface.errors import UndecodableError
from endface.picture.sanitize import strip_metadata

NOTE = "a note that says nothing about pixels"


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A file."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pixels(data: bytes) -> NDArray[Any]:
    """As Pillow reads them."""
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image)


PICTURE = Image.fromarray(np.arange(60 * 80).reshape(60, 80).astype(np.uint8))
"""Gray levels, no two rows alike."""

DEEP = Image.fromarray(np.asarray(PICTURE).astype(np.uint16) * 250)
BIG_ENDIAN = Image.frombytes("I;16B", PICTURE.size, np.asarray(PICTURE).astype(">u2").tobytes())
TEXT = PngImagePlugin.PngInfo()
TEXT.add_text("Comment", NOTE)
TURNED = TiffImagePlugin.ImageFileDirectory_v2()
TURNED[274] = 6  # Pillow turns by this tag, which says how the camera was held


@pytest.mark.parametrize(
    "data",
    [
        *(saved(PICTURE.convert(mode), kind) for mode in ("1", "L", "P", "RGB", "RGBA") for kind in ("PNG", "TIFF")),
        *(saved(DEEP, kind) for kind in ("PNG", "TIFF")),
        *(
            saved(PICTURE.convert("RGB"), "TIFF", compression=compression)
            for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
        ),
        *(
            saved(PICTURE.convert(mode), "JPEG", comment=NOTE, **options)  # CMYK has Adobe's segment: what colors mean
            for mode in ("L", "RGB", "CMYK")
            for options in ({}, {"progressive": True}, {"restart_marker_rows": 1})
        ),
        saved(BIG_ENDIAN, "TIFF"),
        saved(PICTURE, "PNG", pnginfo=TEXT),
        saved(PICTURE, "BMP"),
    ],
)
def test_pixels_stay_and_notes_go(data: bytes) -> None:
    """Bit by bit, in every format, mode and compression."""
    left = strip_metadata(data)

    assert (pixels(left) == pixels(data)).all()
    assert NOTE.encode() not in left


def test_what_concerns_pixels_is_told_from_what_does_not() -> None:
    """A PNG's transparency stays; a TIFF is not turned, for coordinates are those of the stored pixels."""
    turned = saved(PICTURE, "TIFF", tiffinfo=TURNED)

    assert b"tRNS" in strip_metadata(saved(PICTURE, "PNG", transparency=3))
    assert pixels(turned).shape == (80, 60)
    assert (pixels(strip_metadata(turned)) == np.asarray(PICTURE)).all()


@pytest.mark.parametrize("start", [b"II+\0\x08\0", b"II\0*", b"GIF89a", b"RIFF", b"", b"\xff\xd8"])
def test_nothing_else_is_read(start: bytes) -> None:
    """Also no TIFF for more than 4 GB, nor one that only some readers know."""
    with pytest.raises(UndecodableError, match="no PNG, JPEG, BMP or TIFF"):
        strip_metadata(start + bytes(100))
