"""PNG files that no program writes, made chunk by chunk (https://www.w3.org/TR/png-3/)."""

from __future__ import annotations

import struct
import zlib
from typing import Final

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """One part of a file, with its length and its check sum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def gray(width_px: int, height_px: int, *pixels: bytes) -> bytes:
    """A file of 8 bits that announces a size; the packed pixels, one chunk for each argument, may be none."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, 8, 0, 0, 0, 0))
    return SIGNATURE + header + b"".join(chunk(b"IDAT", each) for each in pixels) + chunk(b"IEND")
