"""Pictures that no camera sends: real files with damage of every kind, and sound files of what no microscope shows.

picture(seed, number)    # the same two numbers give the same bytes
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Final, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from tests.png import SIGNATURE, chunk

_Thing = TypeVar("_Thing")

Mutation = Callable[[bytes, np.random.Generator], bytes]

DRAWN_SHARE: Final = 0.2
"""Share of sound files: they get past the decoder, to the search for a fiber."""

_EDGES: Final = (0, 1, 2, 7, 8, 16, 127, 128, 254, 255, 256, 32767, 32768, 65535, 1 << 31, (1 << 32) - 1)
"""Numbers at which programs stumble."""

_BOMB: Final = b"a\0\0" + zlib.compress(bytes(1 << 20))  # a text that is a thousand times as long as it looks
_SEGMENT: Final = re.compile(rb"\xff[^\x00\xff]")  # where a part of a JPEG begins


def picture(seed: int, number: int) -> bytes:
    """One picture of a series."""
    rng = np.random.default_rng([seed, number])
    if rng.random() < DRAWN_SHARE:
        return _encoded(_drawn(rng), rng)
    data = choice(faces(), rng)
    for _ in range(rng.integers(1, 4)):
        data = choice(_MUTATIONS, rng)(data, rng)
    return data


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes of anything with damage that knows no format."""
    for _ in range(rng.integers(1, 4)):
        data = choice(_FORMLESS, rng)(data, rng)
    return data


def repeated_scans(times: int) -> bytes:
    """A progressive JPEG whose last pass over the pixels comes again and again."""
    data = saved(Image.fromarray(face()), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xda")
    return data[:start] + data[start:-2] * times + data[-2:]


def choice(things: tuple[_Thing, ...], rng: np.random.Generator) -> _Thing:
    """One of some."""
    return things[rng.integers(len(things))]


@lru_cache
def face(width: int = 480, height: int = 400) -> NDArray[np.uint8]:
    """A face that is inspected in some milliseconds."""
    scale = min(0.6 * 480 / width, 0.95)  # a small one is coarse, but not too coarse
    return photograph(Face(), Camera(width, height, um_per_px=(scale, scale)), seed=5).picture


@lru_cache
def faces() -> tuple[bytes, ...]:
    """The face in every way that is read and some that are not, large and small."""
    return tuple(data for size in ((480, 400), (240, 200)) for data in ways(Image.fromarray(face(*size))))


def ways(face: Image.Image) -> list[bytes]:
    """A picture in every way that is read, and some that are not."""
    deep = Image.fromarray(np.asarray(face).astype(np.uint16) * 257)
    ways: list[tuple[Image.Image, str, dict[str, object]]] = [
        (face, "PNG", {}),
        (face.convert("RGB"), "PNG", {}),
        (face.convert("P"), "PNG", {}),
        (face.convert("LA"), "PNG", {"compress_level": 1}),
        (deep, "PNG", {}),
        (face.copy(), "PNG", _pages(face)),
        (face, "JPEG", {}),
        (face.convert("RGB"), "JPEG", {"progressive": True}),
        (face.convert("CMYK"), "JPEG", {"restart_marker_rows": 1}),
        (face.copy(), "MPO", _pages(face)),
        (face, "BMP", {}),
        (face.convert("RGB"), "BMP", {}),
        (face.convert("1"), "BMP", {}),
        (face, "TIFF", {}),
        (face.copy(), "TIFF", _pages(face)),
        (deep, "TIFF", {}),
        *((face, "TIFF", {"compression": how}) for how in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")),
        (face.convert("1"), "TIFF", {"compression": "group4"}),
        (face.convert("RGB"), "TIFF", {"compression": "tiff_lzw"}),
        (face.copy(), "GIF", _pages(face)),
    ]
    return [saved(image, kind, **options) for image, kind, options in ways]


def _pages(face: Image.Image) -> dict[str, object]:
    """Three of them; copies, for what is saved as one kind cannot be saved as another."""
    return {"save_all": True, "append_images": [face.rotate(90), face.copy()]}


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """A picture as a file."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def _flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    bits = bytearray(data)
    for at in rng.integers(len(bits) or 1, size=rng.integers(1, 32)):
        if bits:
            bits[at] ^= 1 << int(rng.integers(8))
    return bytes(bits)


def _edit_numbers(data: bytes, rng: np.random.Generator) -> bytes:
    """Numbers at a file's beginning or end, where headers and directories lie, become edge cases."""
    edited = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        form = "<>"[rng.integers(2)] + "BHI"[rng.integers(3)]
        size = struct.calcsize(form)
        if len(edited) <= size:
            return bytes(edited)
        reach = min(len(edited) - size, 256)
        at = int(rng.integers(reach))
        at = at if rng.random() < 0.7 else len(edited) - size - at
        struct.pack_into(form, edited, at, choice(_EDGES, rng) & ((1 << 8 * size) - 1))
    return bytes(edited)


def _truncate(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data) + 1)]


def _cut(data: bytes, rng: np.random.Generator) -> bytes:
    begin, end = _span(data, rng)
    return data[:begin] + data[end:]


def _repeat(data: bytes, rng: np.random.Generator) -> bytes:
    begin, end = _span(data, rng)
    times = int(rng.integers(2, 64)) if end - begin < 4096 else 2
    return data[:begin] + data[begin:end] * times + data[end:]


def _insert(data: bytes, rng: np.random.Generator) -> bytes:
    at = int(rng.integers(len(data) + 1))
    return data[:at] + rng.bytes(int(rng.integers(1, 512))) + data[at:]


def _splice(data: bytes, rng: np.random.Generator) -> bytes:
    """The beginning of one file, the end of another."""
    other = choice(faces(), rng)
    return data[: rng.integers(len(data) + 1)] + other[rng.integers(len(other) + 1) :]


def _span(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    begin = int(rng.integers(len(data) + 1))
    return begin, min(begin + int(rng.integers(1, 8192)), len(data))


def _edit_png(data: bytes, rng: np.random.Generator) -> bytes:
    """A PNG with other chunks in another order, each with its right check sum; other files as they are."""
    chunks = _chunks(data)
    if not chunks:
        return data
    kind, content = chunks[0]
    if kind == b"IHDR" and len(content) == 13 and rng.random() < 0.7:
        header = list(struct.unpack(">IIBBBBB", content))
        at = int(rng.integers(7))
        header[at] = choice(_EDGES, rng) & (0xFFFFFFFF if at < 2 else 0xFF)
        chunks[0] = kind, struct.pack(">IIBBBBB", *header)
    for _ in range(rng.integers(0, 3)):
        at, to = int(rng.integers(len(chunks))), int(rng.integers(len(chunks) + 1))
        new = choice((chunks[at], (b"tEXt", rng.bytes(20)), (b"zTXt", _BOMB)), rng)
        chunks.insert(to, new)
    return data[: len(SIGNATURE)] + b"".join(chunk(kind, content) for kind, content in chunks)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks = []
    at = len(SIGNATURE)
    while data.startswith(SIGNATURE[:4]) and at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return chunks


def _edit_jpeg(data: bytes, rng: np.random.Generator) -> bytes:
    """A JPEG with a segment moved or repeated, scans included; other files as they are."""
    starts = [found.start() for found in _SEGMENT.finditer(data, 2)]
    if not data.startswith(b"\xff\xd8") or len(starts) < 2:
        return data
    first, to = (int(rng.integers(len(starts) - 1)) for _ in range(2))
    segment = data[starts[first] : starts[first + 1]] * int(rng.integers(1, 200))
    return data[: starts[to]] + segment + data[starts[to] :]


_FORMLESS: Final[tuple[Mutation, ...]] = (
    _flip_bits, _edit_numbers, _truncate, _cut, _repeat, _insert, _splice,
)  # fmt: skip
_MUTATIONS: Final = (*_FORMLESS, _edit_png, _edit_jpeg)


def _drawn(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Levels that keep the search for a fiber busy: many edges, round ones above all."""
    height, width = (int(side) for side in rng.integers(1, 700, 2))
    levels = np.full((height, width), rng.integers(256), np.uint8)
    kind = rng.integers(5)
    if kind == 0:
        return rng.integers(0, 256, (height, width), np.uint8)
    if kind == 1:
        y, x = np.mgrid[:height, :width]
        return ((np.hypot(x - width / 2, y - height / 2) * rng.uniform(0.2, 4)).astype(int) % 256).astype(np.uint8)
    if kind == 2:
        y, x = np.mgrid[:height, :width] // int(rng.integers(1, 64))
        return ((x + y) % 2 * int(rng.integers(1, 256))).astype(np.uint8)
    step = int(rng.integers(8, 200))
    for y, x in np.ndindex(max(height // step, 1), max(width // step, 1)):
        center = (int((x + 0.5) * step), int((y + 0.5) * step))
        axes = (int(rng.integers(1, step + 1)), int(rng.integers(1, step + 1)))
        thickness = cv2.FILLED if kind == 3 else int(rng.integers(1, 6))
        cv2.ellipse(levels, center, axes, 0, 0, 360, (int(rng.integers(256)),), thickness)
    return levels


def _encoded(levels: NDArray[np.uint8], rng: np.random.Generator) -> bytes:
    kind = ("PNG", "JPEG", "BMP", "TIFF")[rng.integers(4)]
    return saved(Image.fromarray(levels), kind)
