"""A camera that OpenCV opens, and one that shows the project's samples where there is none."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.errors import ConfigurationError
from endface_station.arrival import RefusedInput

_LIVE_WIDTH_PX: Final = 640

_STALE_FRAMES: Final = 4
"""Frames that a camera's driver has kept from before the button was pressed."""

_CLEAN: Final = "multimode-clean.jpg"
_PITS: Final = "pits-in-core.jpg"
_BLURRED: Final = "out-of-focus.jpg"
_CLEANING: Final = ("dirty.jpg", "wiped.jpg", "clean.jpg")
_PITTED: Final = 5
_LOOKS: Final[dict[int, Sequence[str]]] = {3: _CLEANING, 7: (_BLURRED, _CLEAN)}
_TURN_DEG: Final = 137.5
"""By which a face is turned at each look: nobody puts a connector back as it lay."""


class Camera:
    """A camera by its number in the system; threads may share it.

    Args:
        number: 0 is the first one.

    Raises:
        ConfigurationError: it cannot be opened.
    """

    def __init__(self, number: int) -> None:
        self._lock = threading.Lock()
        self._capture = cv2.VideoCapture(number)
        self._name = f"camera-{number}"
        if not self._capture.isOpened():
            raise ConfigurationError(f"camera {number} cannot be opened; check its cable, and that no program uses it")

    def take(self) -> tuple[bytes, str]:
        """A picture as PNG without loss, and its name.

        Raises:
            RefusedInput: the camera gives none.
        """
        with self._lock:
            for _ in range(_STALE_FRAMES):
                self._capture.grab()
            frame = self._read()
        return png(frame), f"{self._name}.png"

    def look(self) -> bytes:
        """What the camera sees now, as a small JPEG.

        Raises:
            RefusedInput: the camera gives no picture.
        """
        with self._lock:
            return small_jpeg(self._read())

    def _read(self) -> NDArray[np.uint8]:
        is_there, frame = self._capture.read()
        if not is_there:
            raise RefusedInput("the camera gives no picture; check its cable")
        return np.asarray(frame, np.uint8)


class SampleCamera:
    """A microscope that is played: it shows the samples as the twelve fibers of connector after connector.

    The third fiber is dirty, still has some dirt at the second look, and is clean at the third; the seventh is out of
    focus once; the fifth of every third connector has pits that stay.  A face lies turned at each look, and each
    picture has noise of its own, as a camera's have.

    Args:
        samples: the folder of the project's samples; the face that is cleaned lies beside it, in ``samples-cleaning``.
        aim: gives the part and the fiber that are under the microscope.

    Raises:
        ConfigurationError: one of them is missing.
    """

    def __init__(self, samples: Path, aim: Callable[[], tuple[str, int]]) -> None:
        self._aim = aim
        self._lock = threading.Lock()
        self._random = np.random.default_rng(1)
        self._looks: Counter[tuple[str, int]] = Counter()
        self._connectors: list[str] = []
        self._pictures = {name: _read(samples / name) for name in (_CLEAN, _PITS, _BLURRED)}
        cleaning = samples.with_name(f"{samples.name}-cleaning")
        self._pictures |= {name: _read(cleaning / name) for name in _CLEANING}

    def take(self) -> tuple[bytes, str]:
        """A picture of the fiber under the microscope, and its name."""
        with self._lock:
            at = self._aim()
            levels, name = self._seen(*at), Path(self._name(*at)).stem
            self._looks[at] += 1
            return png(levels), f"{name}.png"

    def look(self) -> bytes:
        """What is under the microscope, as a small JPEG."""
        with self._lock:
            return small_jpeg(self._seen(*self._aim()))

    def _name(self, part: str, fiber: int) -> str:
        """Which sample it is."""
        if part and part not in self._connectors:
            self._connectors.append(part)
        if part and self._connectors.index(part) % 3 == 2 and fiber == _PITTED:
            return _PITS
        looks = _LOOKS.get(fiber, (_CLEAN,))
        return looks[min(self._looks[part, fiber], len(looks) - 1)]

    def _seen(self, part: str, fiber: int) -> NDArray[np.uint8]:
        """The picture of a fiber as it lies now, with noise."""
        name = self._name(part, fiber)
        levels = self._pictures[name]
        if name != _BLURRED:  # its pixels are not square
            levels = _turned(levels, _TURN_DEG * (self._looks[part, fiber] + fiber))
        return np.clip(levels + self._random.normal(0.0, 1.0, levels.shape), 0, 255).astype(np.uint8)


def _turned(levels: NDArray[np.uint8], turn_deg: float) -> NDArray[np.uint8]:
    """Levels uint8 (H, W), turned clockwise around the middle."""
    height, width = levels.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -turn_deg, 1.0)
    turned = cv2.warpAffine(levels, turn, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(turned, np.uint8)


def png(levels: NDArray[np.uint8]) -> bytes:
    """Levels uint8 (H, W) or (H, W, 3) as PNG."""
    _, data = cv2.imencode(".png", levels, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return data.tobytes()


def small_jpeg(levels: NDArray[np.uint8]) -> bytes:
    """Levels uint8 (H, W) or (H, W, 3) as a JPEG of 640 pixels in width."""
    height = max(1, round(levels.shape[0] * _LIVE_WIDTH_PX / levels.shape[1]))
    _, data = cv2.imencode(".jpg", cv2.resize(levels, (_LIVE_WIDTH_PX, height)), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return data.tobytes()


def _read(path: Path) -> NDArray[np.uint8]:
    levels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if levels is None:
        raise ConfigurationError(f"{path} is no picture; name the folder of the project's samples")
    return np.asarray(levels, np.uint8)
