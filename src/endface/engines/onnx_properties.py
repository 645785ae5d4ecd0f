"""The properties in an ONNX file, read without a library: a server may run a network in an engine that has none.

An ONNX file is a message of protocol buffers; its properties are entries of the outermost level
(https://github.com/onnx/onnx/blob/main/onnx/onnx.proto, https://protobuf.dev/programming-guides/encoding/).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from endface.contract import SEGMENT_CONTRACT
from endface.errors import ConfigurationError

CONTRACT: Final = "contract"
"""The property that says which contract a network speaks."""

_METADATA_PROPS: Final = 14
_KEY: Final = 1
_VALUE: Final = 2
"""Numbers of fields in ``ModelProto`` and in ``StringStringEntryProto``."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
"""Wire types of protocol buffers."""


def check_contract(path: Path, content: bytes) -> None:
    """Refuse a network whose outputs mean something else, though they have the same names and shapes.

    A network that does not say its contract is taken for one of the present contract.

    Args:
        path: its file, for the message.
        content: the file's bytes.

    Raises:
        ConfigurationError: it speaks another contract.
    """
    found = properties(content).get(CONTRACT, SEGMENT_CONTRACT)
    if found != SEGMENT_CONTRACT:
        raise ConfigurationError(
            f"the network {path} speaks the contract {found}, this release needs {SEGMENT_CONTRACT}: write it anew "
            f"with `endface-build convert {path.parent}`, which keeps its weights; export a trained run again; or "
            "import a network of your own again"
        )


def properties(content: bytes) -> dict[str, str]:
    """The properties of an ONNX file; none where it is no such file."""
    try:
        entries = [dict(_fields(value)) for number, value in _fields(content) if number == _METADATA_PROPS]
        return {entry[_KEY].decode(): entry.get(_VALUE, b"").decode() for entry in entries}
    except (IndexError, KeyError, UnicodeDecodeError, ValueError):
        return {}  # the engine that loads it says what is wrong


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Numbers and values of a message's fields that hold bytes."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        kind = key & 7
        if kind == _VARINT:
            _, place = _varint(message, place)
        elif kind == _BYTES:
            length, place = _varint(message, place)
            yield key >> 3, message[place : place + length]
            place += length
        elif kind in (_FIXED64, _FIXED32):
            place += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"no wire type: {kind}")


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """An integer of seven bits a byte, the lowest first, and the place behind it."""
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
