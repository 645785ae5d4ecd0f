"""Files beside a success: a text for people, the drawn report, a plain overlay and the mask of all defects."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.files import write_whole
from endface.picture.decode import decode
from endface.report import Report
from endface_client.legacy._defects import Values, mask
from endface_client.legacy._text import detailed
from endface_client.output.overlay import overlay_png

DETAILED: Final = "_detailed.txt"
ANALYSIS: Final = "_analysis.png"
SIMPLE: Final = "_analysis_simple.png"
MASK: Final = "_defect_mask.npy"
ENDINGS: Final = (DETAILED, ANALYSIS, SIMPLE, MASK)
"""Endings of the files beside the JSON; all but the first only where the configuration asks for pictures."""

_BLUE: Final = (255, 0, 0)  # as OpenCV orders it
_OPACITY: Final = 0.5


def write_side_files(stem: Path, values: Values, report: Report, data: bytes, *, pictures: bool) -> None:
    """Write the files beside the JSON.

    Args:
        stem: folder and beginning of their names.
        values: the JSON that was written.
        report: endface's own report.
        data: the picture that was inspected.
        pictures: whether to draw, and to write the mask.
    """
    write_whole(stem.with_name(stem.name + DETAILED), detailed(values, report).encode("utf-8", "backslashreplace"))
    if not pictures:
        return
    gray = decode(data).gray
    defects = defect_mask(report, (gray.shape[1], gray.shape[0]))
    write_whole(stem.with_name(stem.name + ANALYSIS), overlay_png(gray, report))
    write_whole(stem.with_name(stem.name + SIMPLE), _simple_png(gray, defects))
    file = BytesIO()
    np.save(file, defects)
    write_whole(stem.with_name(stem.name + MASK), file.getvalue())


def defect_mask(report: Report, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """All defects of a report, counted or not: 255 on them and 0 elsewhere, uint8 (H, W) of the picture."""
    levels = np.zeros(size_px[::-1], np.uint8)
    for defect in report.defects:
        filled, (x, y) = mask(defect, size_px)
        height, width = filled.shape
        levels[y : y + height, x : x + width][filled] = 255
    return levels


def _simple_png(gray: NDArray[np.uint8], defects: NDArray[np.uint8]) -> bytes:
    """The picture with its defects in blue."""
    picture = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    blue = cv2.addWeighted(picture, 1 - _OPACITY, np.full_like(picture, _BLUE), _OPACITY, 0)
    picture = np.where(defects[:, :, None] > 0, blue, picture)
    _, png = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return png.tobytes()
