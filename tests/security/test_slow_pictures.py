"""Files that would keep a reader busy for minutes, or take all memory: refused, or read without what makes them so."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from endface.contract import MAX_IMAGE_PIXELS
from endface.errors import UndecodableError
from endface.picture.decode import decode
from endface.picture.sanitize import MAX_PARTS, MAX_SCANS
from tests.png import chunk, gray
from tests.security import fuzz, mutations

MANY = 200_000
"""Parts of a file; 64 MiB have room for sixteen million."""


def saved(kind: str, mode: str = "L", **options: object) -> bytes:
    """A face in a file."""
    return mutations.saved(Image.fromarray(mutations.face()).convert(mode), kind, **options)


def tiff(
    rows: list[tuple[int, int, int, int]], size: tuple[int, int] = (64, 64), pixels: bytes = bytes(64 * 64)
) -> bytes:
    """One of 8 bits: pixels, then a directory of these rows (tag, type, count, value) beside the usual."""
    usual = [(256, 4, 1, size[0]), (257, 4, 1, size[1]), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    chosen = {row[0]: row for row in (*usual, (273, 4, 1, 8), (278, 4, 1, size[1]), (279, 4, 1, len(pixels)))}
    listed = sorted((chosen | {row[0]: row for row in rows}).values())
    directory = struct.pack("<H", len(listed)) + b"".join(struct.pack("<HHII", *row) for row in listed) + bytes(4)
    return b"II*\0" + struct.pack("<I", 8 + len(pixels)) + pixels + directory


def png_of_many_texts() -> bytes:
    """Pixels behind them."""
    data = saved("PNG")
    return data[:33] + chunk(b"tEXt", b"a\0b") * MANY + data[33:]


def png_in_crumbs() -> bytes:
    """Each byte of the pixels in a chunk of its own."""
    pixels = zlib.compress(np.random.default_rng(0).integers(0, 256, 40_200, np.uint8).tobytes(), 0)
    return gray(200, 200, *(bytes([byte]) for byte in pixels))


def png_of_empty_chunks() -> bytes:
    """Between its pixels."""
    data = saved("PNG")
    end = data.rindex(b"IEND") - 4
    return data[:end] + chunk(b"IDAT") * MANY + data[end:]


def jpeg_of_many_comments() -> bytes:
    """Each of them empty."""
    data = saved("JPEG")
    return data[:2] + b"\xff\xfe\0\x02" * MANY + data[2:]


def jpeg_of_many_scans() -> bytes:
    """Each pass over the pixels costs a few bytes of the file and much time of the server."""
    return mutations.repeated_scans(100)


def tiff_of_repeated_strips() -> bytes:
    """Nearly the whole picture a thousand times, from the same bytes."""
    places = struct.pack("<1000I", *[8] * 1000)
    pixels = bytes(64 * 64) + places
    return tiff([(273, 4, 1000, 8 + 64 * 64), (278, 4, 1, 63), (279, 4, 1, 64)], pixels=pixels)


def tiff_of_overlapping_strips() -> bytes:
    """Each row of pixels names all bytes."""
    tables = struct.pack("<64I", *[8] * 64) + struct.pack("<64I", *[64 * 64] * 64)
    at = 8 + 64 * 64
    rows = [(273, 4, 64, at), (278, 4, 1, 1), (279, 4, 64, at + 256)]
    return tiff(rows, pixels=bytes(64 * 64) + tables)


def tiff_of_many_strips() -> bytes:
    """More than any picture has rows."""
    return tiff([(273, 4, MAX_PARTS + 1, 8)])


def tiff_of_tiles() -> bytes:
    """One that is a thousand times as large as the picture."""
    return tiff([(322, 4, 1, 65_536), (323, 4, 1, 65_536), (324, 4, 1, 8), (325, 4, 1, 64)])


def tiff_of_many_scans() -> bytes:
    """A JPEG in its only strip."""
    data = mutations.repeated_scans(2 * MAX_SCANS)
    return tiff([(259, 3, 1, 7), (279, 4, 1, len(data))], (480, 400), data)


def bmp_in_runs() -> bytes:
    """Each pixel a run of its own."""
    pixels = b"\x01\x80" * (200 * 200)
    head = struct.pack("<IiiHHIIiiII", 40, 200, 200, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    palette = bytes(range(256)) * 4
    return b"BM" + struct.pack("<IHHI", 1078 + len(pixels), 0, 0, 1078) + head + palette + pixels


REFUSED: dict[Callable[[], bytes], str] = {
    png_of_many_texts: "more than 20,000 chunks",
    png_in_crumbs: "more than 20,000 chunks",
    png_of_empty_chunks: "more than 20,000 chunks",
    jpeg_of_many_comments: "more than 20,000 segments",
    jpeg_of_many_scans: f"more than {MAX_SCANS} scans",
    tiff_of_repeated_strips: "more strips than rows",
    tiff_of_overlapping_strips: "strips are larger than the file",
    tiff_of_many_strips: "more than 20,000 strips",
    tiff_of_tiles: "made of tiles",
    tiff_of_many_scans: f"more than {MAX_SCANS} scans",
    bmp_in_runs: "compressed in runs",
}


@pytest.mark.parametrize(("made", "sentence"), REFUSED.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_busywork_is_refused(made: Callable[[], bytes], sentence: str) -> None:
    """A few bytes of a file that cost a reader much time each are not read at all; the report is invalid."""
    data = made()
    with pytest.raises(UndecodableError, match=sentence):
        decode(data)
    assert fuzz.inspect(data) == "undecodable"


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_notes_are_not_read(kind: str) -> None:
    """Thousands of entries that all name the same bytes would fill the memory; they are left out, the pixels stay."""
    blob = bytes(60_000)
    if kind == "JPEG":
        rows = b"".join(struct.pack("<HHII", 1000 + number, 1, 50_000, 8) for number in range(5_000))
        notes = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 5_000) + rows + bytes(4)
        data = saved("JPEG")
        data = data[:2] + (b"\xff\xe1" + struct.pack(">H", len(notes) + 2) + notes) * 100 + data[2:]
        assert (decode(data).gray == decode(saved("JPEG")).gray).all()
    else:
        several = [(1000 + number, 1, len(blob), 8) for number in range(60_000)]
        assert decode(tiff(several, (200, 300), blob)).gray.shape == (300, 200)


def test_padding_of_a_jpeg_is_skipped_at_once() -> None:
    """Millions of fill bytes before a marker, and millions that end in nothing."""
    data = saved("JPEG")

    assert (decode(data[:2] + b"\xff" * 10_000_000 + data[2:]).gray == decode(data).gray).all()
    with pytest.raises(UndecodableError):
        decode(data[:2] + b"\xff" * 10_000_000)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "ICO", "PPM", "TGA", "PCX", "JPEG2000"])
def test_other_formats_are_not_read(kind: str) -> None:
    """Animated ones among them; each reader less is one less to attack."""
    with pytest.raises(UndecodableError, match="no PNG, JPEG, BMP or TIFF"):
        decode(saved(kind))


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_faxes_are_not_read(compression: str) -> None:
    """Their decoder writes a line into the log for every damaged one of the picture."""
    with pytest.raises(UndecodableError, match="is compressed by"):
        decode(saved("TIFF", mode="1", compression=compression))


def test_first_of_many_frames_is_read() -> None:
    """An animated PNG, a TIFF of many pages and a JPEG of many pictures cost no more than one."""
    face = Image.fromarray(mutations.face())
    for kind in ("PNG", "TIFF", "MPO"):
        data = saved(kind, save_all=True, append_images=[face.rotate(90)] * 5)
        assert np.abs(decode(data).gray.astype(int) - mutations.face()).max() <= (25 if kind == "MPO" else 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_largest_pictures_are_answered(kind: str) -> None:
    """All the pixels that are allowed, in a file as small as the format makes it."""
    side = int(MAX_IMAGE_PIXELS**0.5)
    options = {"JPEG": {"progressive": True}, "TIFF": {"compression": "tiff_adobe_deflate"}}.get(kind, {})
    data = mutations.saved(Image.new("L" if kind == "BMP" else "RGB", (side, side)), kind, **options)

    assert len(data) < 64 << 20 or kind == "BMP"
    assert fuzz.inspect(data) == "no_fiber"
