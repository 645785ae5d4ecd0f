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


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """Gray levels, no two rows alike."""
    return Image.fromarray(np.arange(60 * 80).reshape(60, 80).astype(np.uint8))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_pixels_stay_in_every_mode(picture: Image.Image, mode: str, kind: str) -> None:
    """Bit by bit."""
    image = Image.fromarray(np.asarray(picture).astype(np.uint16) * 250) if mode == "I;16" else picture.convert(mode)
    data = saved(image, kind)

    assert (pixels(strip_metadata(data)) == pixels(data)).all()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_pixels_stay_in_every_compression(picture: Image.Image, compression: str) -> None:
    """Of a TIFF."""
    data = saved(picture.convert("RGB"), "TIFF", compression=compression)

    assert (pixels(strip_metadata(data)) == pixels(data)).all()


def test_big_endian_tiff(picture: Image.Image) -> None:
    """Its numbers are the other way round."""
    big = Image.frombytes("I;16B", picture.size, np.asarray(picture).astype(">u2").tobytes())
    data = saved(big, "TIFF")

    assert data.startswith(b"MM")
    assert (pixels(strip_metadata(data)) == np.asarray(picture)).all()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_pixels_of_a_jpeg_stay(picture: Image.Image, mode: str, options: dict[str, Any]) -> None:
    """Adobe's segment among them, which says how colors are meant."""
    data = saved(picture.convert(mode), "JPEG", comment=NOTE, **options)
    left = strip_metadata(data)

    assert (pixels(left) == pixels(data)).all()
    assert NOTE.encode() not in left


def test_notes_of_a_png_are_left_out(picture: Image.Image) -> None:
    """Transparency, which is about pixels, stays."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", NOTE)
    data = saved(picture, "PNG", pnginfo=notes, transparency=3)
    left = strip_metadata(data)

    assert NOTE.encode() in data
    assert NOTE.encode() not in left
    assert b"tRNS" in left


def test_tiff_is_not_turned(picture: Image.Image) -> None:
    """Pillow turns by the tag that says how the camera was held; coordinates are those of the stored pixels."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[274] = 6
    data = saved(picture, "TIFF", tiffinfo=tags)

    assert pixels(data).shape == (80, 60)
    assert (pixels(strip_metadata(data)) == np.asarray(picture)).all()


def test_bmp_stays_as_it_is(picture: Image.Image) -> None:
    """It has no such parts."""
    data = saved(picture, "BMP")

    assert strip_metadata(data) == data


@pytest.mark.parametrize("start", [b"II+\0\x08\0", b"II\0*", b"GIF89a", b"RIFF", b"", b"\xff\xd8"])
def test_nothing_else_is_read(start: bytes) -> None:
    """Also no TIFF for more than 4 GB, nor one that only some readers know."""
    with pytest.raises(UndecodableError, match="no PNG, JPEG, BMP or TIFF"):
        strip_metadata(start + bytes(100))
