"""Files that a run wrote, which the next run may therefore remove.

A page and an overlay carry a mark inside.  A report is one of a run if the run's overlay lies beside it.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from endface import connector
from endface.files import ASIDE
from endface.report import SCHEMA_VERSION

PAGE: Final = "index.html"
OVERLAY: Final = ".overlay.png"
REPORT: Final = ".json"
CONNECTOR: Final = ".connector.json"

_MARK: Final = b"tEXtSoftware\0endface"
_HEADER_BYTES: Final = 33  # of a PNG: its signature and the chunk IHDR
_PAGE_MARKS: Final = (b'<meta name="generator" content="endface', b"<title>End faces, ")
_REPORT_START: Final = f'{{"schema_version":"{SCHEMA_VERSION}"'.encode()
_CONNECTOR_START: Final = f'{{"schema_version":"{connector.SCHEMA_VERSION}"'.encode()


def marked(png: bytes) -> bytes:
    """The PNG with the text "Software: endface" in it."""
    length = len(_MARK) - 4  # the chunk's data, without its type
    chunk = length.to_bytes(4, "big") + _MARK + zlib.crc32(_MARK).to_bytes(4, "big")
    return png[:_HEADER_BYTES] + chunk + png[_HEADER_BYTES:]


def _is_overlay(path: Path) -> bool:
    """Whether a run wrote this overlay; those of earlier versions have no mark, but their report beside them."""
    if not path.name.endswith(OVERLAY):
        return False
    return _MARK in _start(path) or _start(_report_of(path)).startswith(_REPORT_START)


def _is_page(path: Path) -> bool:
    """Whether a run wrote this page."""
    return path.name == PAGE and any(mark in _start(path) for mark in _PAGE_MARKS)


def _is_connector(path: Path) -> bool:
    """Whether it is the verdict on a connector, under the name that a run gives it."""
    return path.name.endswith(CONNECTOR) and _start(path).startswith(_CONNECTOR_START)


def files_of_runs(folder: Path) -> Iterator[Path]:
    """What earlier runs have left in a folder, half-written files of a killed one included."""
    for path in sorted(folder.iterdir()):
        if _is_page(path) or _is_connector(path) or path.name.startswith(ASIDE):
            yield path
        elif _is_overlay(path):
            yield path
            if _start(_report_of(path)).startswith(_REPORT_START):
                yield _report_of(path)


def _report_of(overlay: Path) -> Path:
    return overlay.with_name(overlay.name.removesuffix(OVERLAY) + REPORT)


def _start(path: Path) -> bytes:
    """The first bytes of a file; none where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(500)
    except OSError:
        return b""
