"""Pictures of cases for a browser: decoded and encoded anew, so that no byte of a file from outside gets there."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.errors import PictureError, RequestError, ReviewError
from endface.picture.decode import decode
from endface.report import DefectType, Report
from endface.review.case import Case

THUMBNAIL_PX: Final = 260

COLORS: Final[dict[DefectType, tuple[int, int, int]]] = {
    "scratch": (248, 189, 56),
    "pit": (182, 114, 244),
    "contamination": (36, 191, 251),
    "chip": (53, 230, 163),
}
"""Blue, green, red; the same colors as in the run's page and in review.css."""


def as_png(case: Case) -> bytes:
    """The picture in the gray levels that were judged.

    Raises:
        ReviewError: it cannot be decoded.
    """
    return _encoded(".png", _gray(case), [cv2.IMWRITE_PNG_COMPRESSION, 1])


def thumbnail(case: Case) -> bytes:
    """The face with its marks' outlines, as a JPEG of ``THUMBNAIL_PX`` a side.

    Raises:
        ReviewError: the picture cannot be decoded.
    """
    gray = _gray(case)
    x, y, width, height = view_of(case.report, (gray.shape[1], gray.shape[0]))
    scale = THUMBNAIL_PX / max(width, height)
    to_small = np.array([[scale, 0, -scale * (x + 0.5) + scale / 2], [0, scale, -scale * (y + 0.5) + scale / 2]])
    wide = cv2.GaussianBlur(gray, (0, 0), 0.4 / scale) if scale < 1 else gray  # else fine lines would flicker away
    small = cv2.warpAffine(wide, to_small, (THUMBNAIL_PX, THUMBNAIL_PX), flags=cv2.INTER_LINEAR)
    colored = cv2.cvtColor(small, cv2.COLOR_GRAY2BGR)
    for mark in case.marks:
        rings = [np.asarray(ring) * scale + to_small[:, 2] for ring in mark.rings]
        lines = [np.round(ring * 16).astype(np.int32) for ring in rings]
        cv2.polylines(colored, lines, True, COLORS[mark.type], 1, cv2.LINE_AA, 4)
    return _encoded(".jpg", colored, [cv2.IMWRITE_JPEG_QUALITY, 82])


def view_of(report: Report, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """The square of a picture that shows the face and its zones: x, y, width and height in pixels."""
    if report.fiber is None or report.calibration is None:
        longest = max(size)
        return (size[0] - longest) / 2, (size[1] - longest) / 2, longest, longest
    outer_um = max((zone.outer_um for zone in report.zones), default=250.0)
    side = 1.06 * outer_um / min(report.calibration.um_per_px)
    x, y = report.fiber.cladding.center_px
    return x - side / 2, y - side / 2, side, side


def _gray(case: Case) -> NDArray[np.uint8]:
    try:
        return decode(case.picture()).gray
    except (PictureError, RequestError) as exc:
        raise ReviewError(f"The picture of the case {case.name} cannot be shown: {exc}.") from exc


def _encoded(ending: str, pixels: NDArray[np.uint8] | cv2.typing.MatLike, options: list[int]) -> bytes:
    _, data = cv2.imencode(ending, pixels, options)
    return data.tobytes()
