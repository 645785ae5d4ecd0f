"""Removal of everything in an encoded picture that says nothing about its pixels.

A picture file has parts that say nothing about pixels: texts, thumbnails, camera notes, color profiles, further pages.
Readers walk through them one by one, and a small file can hold millions, or name the same bytes thousands of times, so
that a reader takes minutes or all memory.  Therefore the file is walked through here first, within limits, and leaves
those parts behind; the pixels stay the same, bit by bit.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from typing import Final

from endface.errors import UndecodableError

MAX_PARTS: Final = 20_000
"""Most chunks, segments or strips of a file: a PNG of 64 MiB in chunks of 8 KiB, as libpng writes them, has 8,192."""

MAX_SCANS: Final = 20
"""Most passes that a JPEG may make over its pixels: cameras make 1 to 4, progressive files about 10, and a few
kilobytes can ask for thousands over 50 megapixels."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_ANCILLARY: Final = 0x20  # this bit of a chunk's first letter (PNG, 5.4): a decoder may do without it
_PNG_TRANSPARENCY: Final = b"tRNS"  # the one of those that says something about pixels here

_BMP: Final = b"BM"

_JPEG: Final = b"\xff\xd8\xff"
_JPEG_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")  # any number of FF may stand in front (ITU-T T.81, B.1.1.2)
_JPEG_SCAN: Final = b"\xff\xda"  # start of scan; in coded pixels FF is followed by 00 or a restart (B.1.1)
_JPEG_LONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})  # without a length: TEM and restarts
_JPEG_END: Final = frozenset({0xD9, 0xDA})  # end of image, start of scan
_JPEG_LEFT: Final = frozenset({*range(0xE1, 0xEE), 0xEF, 0xFE})  # APP but JFIF (E0) and Adobe (EE), comments

_TIFF: Final = {b"II*\0": "<", b"MM\0*": ">"}
_TIFF_KEPT: Final = (
    *(256, 257, 258, 259, 262, 266, 273, 277, 278, 279),  # size, bits, compression, gray or color, bit order, strips
    *(284, 292, 293, 317, 320, 338, 339, 347),  # planes, fax options, predictor, palette, alpha, sign, JPEG tables
    *(529, 530, 531, 532),  # YCbCr
)
_TIFF_TILES: Final = frozenset({322, 323, 324, 325})
_TIFF_STRIPS, _TIFF_STRIP_BYTES, _TIFF_STRIP_ROWS = 273, 279, 278
_TIFF_HEIGHT, _TIFF_SAMPLES, _TIFF_PLANES, _TIFF_COMPRESSION = 257, 277, 284, 259
_TIFF_PHOTOMETRIC, _TIFF_BITS = 262, 258
_TIFF_JPEG: Final = 7  # value of the compression
_TIFF_INTEGERS: Final = {1: "B", 3: "H", 4: "I"}  # BYTE, SHORT, LONG (TIFF 6.0, section 2)


def strip_metadata(data: bytes) -> bytes:
    """A PNG, JPEG or TIFF without the parts that say nothing about pixels; a BMP has none.

    Raises:
        UndecodableError: it is none of these, or no camera writes such a file: too many parts, tiles, or the same bytes
            several times.
        struct.error: its directory is cut off.
    """
    if data.startswith(_PNG):
        return b"".join(_png_chunks(data))
    if data.startswith(_JPEG):
        _check_scans(data)
        return b"".join(_jpeg_segments(data))
    if data[:4] in _TIFF:
        return _tiff(data, _TIFF[data[:4]])
    if data.startswith(_BMP):
        return data
    raise UndecodableError(
        "the picture cannot be decoded: it is no PNG, JPEG, BMP or TIFF; send it again or check the camera"
    )


def has_white_as_zero(data: bytes) -> bool:
    """Whether a TIFF has 16 bits a pixel and says that 0 is white, which its decoder does not turn around.

    Raises:
        struct.error: its directory is cut off.
    """
    order = _TIFF.get(data[:4])
    return order is not None and _is_white_zero(data, _tiff_entries(data, order), order)


def _png_chunks(data: bytes) -> Iterator[bytes]:
    yield _PNG
    at = len(_PNG)
    for _ in range(MAX_PARTS):
        kind = data[at + 4 : at + 8]
        if len(kind) < 4:
            return  # the decoder says what is missing
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if not kind[0] & _PNG_ANCILLARY or kind == _PNG_TRANSPARENCY:
            yield data[at:end]
        if kind == b"IEND":
            return
        at = end
    raise _too_many("PNG", "chunks")


def _jpeg_segments(data: bytes) -> Iterator[bytes]:
    yield data[:2]
    at = 2
    for _ in range(MAX_PARTS):
        found = _JPEG_MARKER.search(data, at)
        if found is None:
            return
        marker, start, at = found[1][0], found.start(), found.end()
        if marker in _JPEG_END:
            yield data[start:]
            return
        if marker not in _JPEG_LONE:
            at += int.from_bytes(data[at : at + 2])
        if marker not in _JPEG_LEFT:
            yield data[start:at]
    raise _too_many("JPEG", "segments")


def _check_scans(data: bytes) -> None:
    if data.count(_JPEG_SCAN) > MAX_SCANS:
        raise UndecodableError(
            f"the JPEG has more than {MAX_SCANS} scans, no camera writes that; save it as a baseline JPEG or PNG"
        )


def _tiff(data: bytes, order: str) -> bytes:
    """The first page with a new directory behind it, which has only what is needed."""
    entries = _tiff_entries(data, order)
    if _TIFF_TILES & entries.keys():
        raise UndecodableError("the TIFF is made of tiles, which are not read; save it in strips or as PNG")
    kept: dict[int, bytes] = {tag: entries[tag] for tag in _TIFF_KEPT if tag in entries}
    for content in kept.values():
        if struct.unpack_from(f"{order}I", content, 2)[0] > MAX_PARTS:
            raise _too_many("TIFF", "strips")
    _check_strips(data, {tag: _integers(data, content, order) for tag, content in kept.items()})
    if _is_white_zero(data, kept, order):
        kept[_TIFF_PHOTOMETRIC] = struct.pack(f"{order}HIHH", 3, 1, 1, 0)  # SHORT, one of them: 0 is black
    directory = struct.pack(f"{order}H", len(kept)) + b"".join(
        struct.pack(f"{order}H10s", tag, content) for tag, content in sorted(kept.items())
    )
    place = len(data) + len(data) % 2
    return b"".join((data[:4], struct.pack(f"{order}I", place), data[8:].ljust(place - 8, b"\0"), directory, bytes(4)))


def _tiff_entries(data: bytes, order: str) -> dict[int, bytes]:
    """Contents of the first directory by their tags."""
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    return dict(struct.unpack_from(f"{order}H10s", data, at + 2 + 12 * number) for number in range(count))


def _is_white_zero(data: bytes, entries: dict[int, bytes], order: str) -> bool:
    photometric, bits = (
        _integers(data, entries[tag], order) if tag in entries else () for tag in (_TIFF_PHOTOMETRIC, _TIFF_BITS)
    )
    return photometric == (0,) and bits == (16,)


def _check_strips(data: bytes, values: dict[int, tuple[int, ...]]) -> None:
    """Refuse a TIFF of which a row of pixels, or a byte, would be read twice."""

    def value(tag: int, default: int) -> int:
        return values[tag][0] if values.get(tag) else default

    strips, sizes = values.get(_TIFF_STRIPS, ()), values.get(_TIFF_STRIP_BYTES, ())
    height = value(_TIFF_HEIGHT, 0)
    layers = value(_TIFF_SAMPLES, 1) if value(_TIFF_PLANES, 1) == 2 else 1
    if len(strips) > layers * math.ceil(height / max(value(_TIFF_STRIP_ROWS, height), 1)):
        raise UndecodableError("the TIFF has more strips than rows of pixels; send it again or save it as PNG")
    if sum(sizes) > len(data):
        raise UndecodableError("the TIFF's strips are larger than the file; send it again or save it as PNG")
    if value(_TIFF_COMPRESSION, 1) == _TIFF_JPEG:
        for start, size in zip(strips, sizes, strict=False):
            _check_scans(data[start : start + size])


def _integers(data: bytes, content: bytes, order: str) -> tuple[int, ...]:
    """Values of a directory's entry: inside it where they fit into four bytes, else where it says."""
    kind, count, place = struct.unpack(f"{order}HII", content)
    form = f"{order}{count}{_TIFF_INTEGERS.get(kind, 'B')}"
    inside = struct.calcsize(form) <= 4
    values: tuple[int, ...] = struct.unpack_from(form, content if inside else data, 6 if inside else place)
    return values


def _too_many(kind: str, parts: str) -> UndecodableError:
    return UndecodableError(
        f"the {kind} has more than {MAX_PARTS:,} {parts}, no camera writes that; save it as another file"
    )
