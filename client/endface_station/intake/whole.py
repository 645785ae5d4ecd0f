"""Whether the file of a picture is whole, as far as its own bytes tell."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

from endface.contract import MAX_IMAGE_BYTES

_ENDS: Final = {b"\x89PNG": b"IEND\xaeB`\x82", b"\xff\xd8": b"\xff\xd9"}
"""First bytes of a PNG and of a JPEG, and their last ones."""

_TIFF: Final = {b"II*\0": "<", b"MM\0*": ">"}
_PARTS: Final = ((273, 279), (324, 325))
"""Tags with the places and the sizes of a TIFF's strips, and of its tiles (TIFF 6.0, sections 8 and 15)."""

_INTEGERS: Final = {3: "H", 4: "I"}  # SHORT and LONG


def is_whole(path: Path) -> bool:
    """Whether a file can be read and is not cut short.

    A PNG and a JPEG end with their last mark, a BMP is as long as it says, and a TIFF holds its first page's directory
    and all strips or tiles that it names.  What is no picture is whole unless it is empty or nothing but zeros.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IMAGE_BYTES + 1)
    except OSError:
        return False
    if len(data) > MAX_IMAGE_BYTES:
        return True  # it is no picture, whatever is missing
    for start, end in _ENDS.items():
        if data.startswith(start):
            return data.endswith(end)
    if data.startswith(b"BM"):
        return len(data) >= max(int.from_bytes(data[2:6], "little"), 6)
    if data[:4] in _TIFF:
        return _is_whole_tiff(data, _TIFF[data[:4]])
    return bool(data.strip(b"\0"))


def _is_whole_tiff(data: bytes, order: str) -> bool:
    try:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, at)
        entries = {
            tag: (kind, number, at + 10 + 12 * each)
            for each in range(count)
            for tag, kind, number in [struct.unpack_from(f"{order}HHI", data, at + 2 + 12 * each)]
        }
        ends = [
            sum(part)
            for tags in _PARTS
            if entries.keys() >= set(tags)
            for part in zip(*(_integers(data, order, *entries[tag]) for tag in tags), strict=False)
        ]
    except struct.error:  # what it points to is beyond its end
        return False
    return at > 0 and len(data) >= max(ends, default=0)


def _integers(data: bytes, order: str, kind: int, number: int, at: int) -> tuple[int, ...]:
    """Values of a directory's entry: at its place where they fit into four bytes, else where that says.

    Raises:
        struct.error: they are beyond the end.
    """
    form = f"{order}{min(number, len(data))}{_INTEGERS.get(kind, 'I')}"
    if struct.calcsize(form) > 4:
        (at,) = struct.unpack_from(f"{order}I", data, at)
    return struct.unpack_from(form, data, at)
