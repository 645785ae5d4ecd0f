from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from io import BytesIO
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pytest import approx

from endface.contract import MAX_IMAGE_BYTES
from endface.errors import EmptyImageError, OversizedImageError, PictureError, TooManyPixelsError, UndecodableError
from endface.picture.decode import check_size, decode

GRAY = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64) % 251


def encoded(values: np.ndarray[Any, Any], ending: str) -> bytes:
    """The picture in the format of that ending."""
    return cv2.imencode(ending, values)[1].tobytes()


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("ending", [".png", ".bmp", ".tiff"])
def test_8_bit_gray_comes_through_unchanged(ending: str) -> None:
    """Lossless formats give exactly the gray levels that went in."""
    gray = GRAY.astype(np.uint8)

    assert (decode(encoded(gray, ending)).gray == gray).all()


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_16_bit_file_is_scaled_by_the_cameras_depth(ending: str, bits: int) -> None:
    """A 10, 12 or 14 bit camera's picture is as bright as a 16 bit one, to one level."""
    values = (GRAY * ((1 << bits) - 1) // 250).astype(np.uint16)

    gray = decode(encoded(values, ending)).gray

    assert gray.dtype == np.uint8
    assert np.abs(gray.astype(int) - GRAY * 255 // 250).max() <= 1


def tiff(values: np.ndarray[Any, Any], order: str, *, white_is_zero: bool) -> bytes:
    """An uncompressed gray TIFF in one strip (TIFF 6.0, section 4)."""
    height, width = values.shape
    data = values.astype(values.dtype.newbyteorder("<" if order == "<" else ">")).tobytes()
    longs = {256: width, 257: height, 273: 8, 278: height, 279: len(data)}
    shorts = {258: 8 * values.itemsize, 259: 1, 262: 0 if white_is_zero else 1, 277: 1}
    entries = {tag: struct.pack(f"{order}HHII", tag, 4, 1, value) for tag, value in longs.items()}
    entries |= {tag: struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0) for tag, value in shorts.items()}
    directory = struct.pack(f"{order}H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries))
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8 + len(data))
    return head + data + directory + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"], ids=["little-endian", "big-endian"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("white_is_zero", [False, True])
def test_tiff_is_read_as_its_bytes_and_its_white_say(order: str, bits: int, *, white_is_zero: bool) -> None:
    """Either order of bytes gives the same picture; where 0 is white, it is turned around."""
    gray = (GRAY * 255 // 250).astype(np.uint8)
    stored = np.bitwise_not(gray) if white_is_zero else gray
    values = stored if bits == 8 else stored.astype(np.uint16) * 257

    assert (decode(tiff(values, order, white_is_zero=white_is_zero)).gray == gray).all()


@pytest.mark.parametrize(
    ("ending", "bits"), [(".png", 8), (".bmp", 8), (".tiff", 8), (".jpg", 8), (".png", 16), (".tiff", 16)]
)
def test_color_becomes_luma(ending: str, bits: int) -> None:
    """Color is weighed as ITU-R 601 does: 0.299 red, 0.587 green, 0.114 blue."""
    color = np.full((32, 32, 3), (200, 100, 50), np.uint8)  # OpenCV's order: blue, green, red
    values = color if bits == 8 else color.astype(np.uint16) << 8

    assert decode(encoded(values, ending)).gray == approx(0.299 * 50 + 0.587 * 100 + 0.114 * 200, abs=1.5)


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK"])
def test_other_pixel_layouts_are_read(mode: str) -> None:
    """Black and white, palettes, transparency and print colors are pictures, too."""
    stream = BytesIO()
    Image.new("L", (40, 30), 255).convert(mode).save(stream, "TIFF" if mode == "CMYK" else "PNG")

    gray = decode(stream.getvalue()).gray

    assert gray.shape == (30, 40)
    assert gray == approx(255, abs=1)


def test_exif_orientation_is_ignored() -> None:
    """Pixels stay where the camera put them, whatever a viewer would turn."""
    stream, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6  # "turn by 90 degrees"
    Image.new("L", (64, 48), 90).save(stream, "JPEG", exif=exif)

    assert decode(stream.getvalue()).gray.shape == (48, 64)


def test_padding_behind_a_picture_is_allowed() -> None:
    """Some cameras fill their files up to a fixed size."""
    data = encoded(GRAY.astype(np.uint8), ".jpg")

    assert (decode(data + b"\xff\x00" * 500).gray == decode(data).gray).all()


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp", ".tiff"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_truncated_picture_is_refused(ending: str, share: float) -> None:
    """Half a picture is no picture, whatever its format."""
    noise = np.random.default_rng(1).integers(0, 255, (120, 160), dtype=np.uint8)
    data = encoded(noise, ending)

    with pytest.raises(UndecodableError, match="cannot be decoded"):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(b"just a text, no picture", "cannot be decoded", id="text"),
        pytest.param(b"\x00" * 4096, "cannot be decoded", id="zeros"),
        pytest.param(b"\xff\xd8\xff", "cannot be decoded", id="three-bytes-of-jpeg"),
        pytest.param(b"GIF89a" + b"\x00" * 100, "cannot be decoded", id="gif"),
        pytest.param(b"%PDF-1.7\n", "cannot be decoded", id="pdf"),
        pytest.param(encoded(np.full((20, 20), 0.5, np.float32), ".tiff"), "8 or 16 bits", id="floating-point"),
    ],
)
def test_what_is_no_picture_of_a_camera_is_refused(data: bytes, reason: str) -> None:
    """Any other bytes give one clear error."""
    with pytest.raises(UndecodableError, match=reason):
        decode(data)


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (10_000, 5_001), (12_000, 9_000)])
def test_too_many_pixels_are_refused_before_decoding(width: int, height: int) -> None:
    """The header alone decides: nothing of that size is ever allocated."""
    with pytest.raises(TooManyPixelsError, match="pixels"):
        decode(png_header(width, height))


def test_empty_and_oversized_bytes_are_refused() -> None:
    """No bytes, or more than the limit, are refused before anything reads them."""
    largest = bytes(MAX_IMAGE_BYTES)

    check_size(largest)
    with pytest.raises(EmptyImageError):
        check_size(b"")
    with pytest.raises(OversizedImageError):
        check_size(largest + b"x")


@given(
    st.binary(min_size=1, max_size=300),
    st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\x00"]),
)
def test_no_bytes_crash_the_decoder(data: bytes, magic: bytes) -> None:
    """Random bytes give a picture or a PictureError, nothing else."""
    with suppress(PictureError):
        assert decode(magic + data).gray.dtype == np.uint8


@given(st.data())
def test_no_mutation_crashes_the_decoder(data: st.DataObject) -> None:
    """Flipped bytes in real files give a picture or a PictureError, nothing else."""
    ending = data.draw(st.sampled_from([".png", ".jpg", ".bmp", ".tiff"]))
    mutated = bytearray(encoded(GRAY.astype(np.uint8), ending))
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(mutated) - 1), st.integers(0, 255)), max_size=8)):
        mutated[at] = value
    with suppress(PictureError):
        assert decode(bytes(mutated)).gray.ndim == 2
