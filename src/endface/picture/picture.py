"""A decoded picture, and the part of it that shows something: inside a frame, or a round field of view."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.fiber.ellipse import moved
from endface.order import median
from endface.picture.paint import remove_paint
from endface.picture.round_field import find_round_field
from endface.report import Ellipse

_FRAME_SHARE: Final = 0.05
"""A black frame is looked for in this share of the picture at each side (seen: 2 %)."""

_FRAME_DARKNESS: Final = 0.5
"""A line of pixels belongs to the frame where its median is below this share of the lines further in."""

_FRAME_MARGIN_PX: Final = 4
"""The camera's sharpening rings this far into the picture behind a black frame."""

_FRAME_STEP: Final = 16
"""Of each line every so many pixels are enough for its median."""

_PAPER_LEVEL: Final = 250
_PAPER_JUMP: Final = 15
"""Lines of at least this median level are paper around a printed picture where those behind them are darker by so
much."""


@dataclass(frozen=True)
class Rect:
    """Pixels x0 <= x < x1, y0 <= y < y1."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes:
        gray: gray levels uint8 (H, W).
        paint: where a reduced copy is painted in saturated color, bool (H', W'); None where nowhere.
    """

    gray: NDArray[np.uint8]
    paint: NDArray[np.bool_] | None = None

    @cached_property
    def field(self) -> Rect:
        """The part inside the camera's black frame, or the whole picture where there is none."""
        height, width = self.gray.shape
        left, right = _frame_lines(self.gray[::_FRAME_STEP].T)
        top, bottom = _frame_lines(self.gray[:, ::_FRAME_STEP])
        return Rect(left, top, width - right, height - bottom)

    @cached_property
    def circle(self) -> Ellipse | None:
        """The round field of view inside ``field``, where the picture is black around one."""
        field = self.field
        circle = find_round_field(self.gray[field.y0 : field.y1, field.x0 : field.x1])
        return None if circle is None else moved(circle, field.x0, field.y0)

    @cached_property
    def unpainted(self) -> NDArray[np.uint8]:
        """The gray levels, uint8 (H, W), with what is around the paint in its place: no edge of it is an edge."""
        return self.gray if self.paint is None else remove_paint(self.gray, self.paint)


def _frame_lines(lines: NDArray[np.uint8]) -> tuple[int, int]:
    """Black or white lines at the beginning and at the end of lines (N, pixels), the sharpened border included."""
    if len(lines) < 2:
        return 0, 0  # nothing is further in
    reach = max(int(len(lines) * _FRAME_SHARE), 1)

    def frame(side: NDArray[np.uint8]) -> int:
        levels = median(np.ascontiguousarray(side[: 2 * reach]))
        further = float(median(levels[reach:]))
        dark = levels[:reach] < _FRAME_DARKNESS * further
        paper = (levels[:reach] >= _PAPER_LEVEL) & (further < _PAPER_LEVEL - _PAPER_JUMP)
        lines = np.flatnonzero(dark | paper)
        return int(lines[-1]) + 1 + _FRAME_MARGIN_PX if len(lines) else 0

    return frame(lines), frame(lines[::-1])
