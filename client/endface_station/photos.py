"""The last pictures as a browser can show them, in memory; which ones stay is bounded."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.report import Report
from endface_client.output.overlay import gray_levels
from endface_client.output.page import photo_jpeg
from endface_client.record.entry import RecordError
from endface_client.record.pictures import Pictures
from endface_station.part import Attempt

_MOST: Final = 64
"""About 150 kB each."""

_THUMB_PX: Final = 144
_REACH: Final = 2.1
"""Half the side of a small picture, in radii of the cladding."""


@dataclass(frozen=True)
class Photo:
    """A picture as JPEG, and a small square around its fiber."""

    jpeg: bytes
    thumb: bytes


class Photos:
    """The last pictures by SHA-256; what the record keeps is read again from there.

    Args:
        record: the record's folder.
    """

    def __init__(self, record: Path) -> None:
        self._kept = Pictures(record)
        self._photos: OrderedDict[str, Photo] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, attempt: Attempt, data: bytes) -> None:
        """Keep a picture; one that cannot be decoded is not kept."""
        gray = gray_levels(data)
        if gray is not None:
            photo = Photo(photo_jpeg(gray), photo_jpeg(_around_fiber(gray, attempt.report)))
            with self._lock:
                self._photos[attempt.picture] = photo
                while len(self._photos) > _MOST:
                    self._photos.popitem(last=False)

    def of(self, attempt: Attempt) -> Photo | None:
        """The picture of an attempt; None where it is kept nowhere."""
        with self._lock:
            if attempt.picture in self._photos:
                return self._photos[attempt.picture]
        if not attempt.file:
            return None
        try:
            data = self._kept.path(attempt.file).read_bytes()
        except (OSError, RecordError):
            return None
        self.add(attempt, data)
        return self._photos.get(attempt.picture)

    def shown(self, sha256: str) -> Photo | None:
        """A picture that was asked for before."""
        with self._lock:
            return self._photos.get(sha256)


def _around_fiber(gray: NDArray[np.uint8], report: Report | None) -> NDArray[np.uint8]:
    """The square around the fiber, uint8 (144, 144); the whole picture where none was found."""
    if report is None or report.fiber is None:
        scale = _THUMB_PX / min(gray.shape)
        x, y = (gray.shape[1] * scale - _THUMB_PX) / 2, (gray.shape[0] * scale - _THUMB_PX) / 2
        fit = np.array([[scale, 0, -x], [0, scale, -y]])
    else:
        (cx, cy), (rx, ry) = report.fiber.cladding.center_px, report.fiber.cladding.radii_px
        sx, sy = (_THUMB_PX / (2 * _REACH * max(radius, 1.0)) for radius in (rx, ry))
        fit = np.array([[sx, 0, _THUMB_PX / 2 - sx * cx], [0, sy, _THUMB_PX / 2 - sy * cy]])
    small = cv2.warpAffine(gray, fit, (_THUMB_PX, _THUMB_PX), flags=cv2.INTER_LINEAR, borderValue=(16,))
    return small.astype(np.uint8, copy=False)
