"""The network's maps as a perfect network would give them: how much of each pixel a mark covers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from endface.contract import CANDIDATE, Label
from endface.defects.measure import measure
from endface.defects.shapes import SizeDefinition
from endface.defects.zones import Zone
from endface.picture.square import Placement
from endface.report import Defect

ZONES = (Zone("A", 0, 65), Zone("B", 65, 115), Zone("C", 115, 135), Zone("D", 135, 250))
SAME = Placement(center_px=(255.5, 255.5), um_per_px=(0.5, 0.5))
"""The camera's pixels are the square's."""

_FINE = 16
"""Points per pixel, in x and in y, of which the share inside a mark is its coverage."""

Floats = NDArray[np.float64]


class DrawnMap:
    """Maps on which marks are drawn; x runs right and y down, in um from the fiber's center."""

    def __init__(self) -> None:
        self.labels = np.zeros((512, 512), np.uint8)
        self.chance = np.zeros((512, 512))

    @property
    def confidence(self) -> NDArray[np.uint8]:
        """The probability as the network's byte."""
        return np.round(self.chance * 255).astype(np.uint8)

    def disc(self, label: Label, x_um: float, y_um: float, diameter_um: float, *, chance: float = 1.0) -> DrawnMap:
        """Draw a round mark."""
        radius = diameter_um / 2
        window, x, y = _fine_grid(x_um - radius, y_um - radius, x_um + radius, y_um + radius)
        return self._draw(label, window, np.hypot(x - x_um, y - y_um) <= radius, chance)

    def line(
        self,
        label: Label,
        ends_um: tuple[float, float, float, float],
        width_um: float,
        *,
        chance: float = 1.0,
    ) -> DrawnMap:
        """Draw a stroke with square ends between two points."""
        x0, y0, x1, y1 = ends_um
        length = math.hypot(x1 - x0, y1 - y0)
        window, x, y = _fine_grid(
            min(x0, x1) - width_um, min(y0, y1) - width_um, max(x0, x1) + width_um, max(y0, y1) + width_um
        )
        x, y = x - (x0 + x1) / 2, y - (y0 + y1) / 2
        along = (x * (x1 - x0) + y * (y1 - y0)) / length
        across = (y * (x1 - x0) - x * (y1 - y0)) / length
        return self._draw(label, window, (abs(along) <= length / 2) & (abs(across) <= width_um / 2), chance)

    def turned(self, turns: int, *, mirrored: bool = False) -> DrawnMap:
        """The face turned by quarters, counter-clockwise on the screen, after mirroring it left to right."""
        found = DrawnMap()
        found.labels, found.chance = (
            np.ascontiguousarray(np.rot90(each[:, ::-1] if mirrored else each, turns))
            for each in (self.labels, self.chance)
        )
        return found

    def moved(self, columns: int, rows: int) -> DrawnMap:
        """The face moved by whole pixels; what leaves at one side comes in at the other."""
        found = DrawnMap()
        found.labels, found.chance = (np.roll(each, (rows, columns), (0, 1)) for each in (self.labels, self.chance))
        return found

    def defects(self, size: SizeDefinition = "enclosing_circle") -> tuple[Defect, ...]:
        """What is measured on it."""
        return measure(self.labels, self.confidence, SAME, ZONES, size=size)

    def only(self, size: SizeDefinition = "enclosing_circle") -> Defect:
        """The one defect that is measured on it."""
        (defect,) = self.defects(size)
        return defect

    def _draw(self, label: Label, window: tuple[slice, slice], inside: NDArray[np.bool_], chance: float) -> DrawnMap:
        rows, columns = (span.stop - span.start for span in window)
        cover = chance * inside.reshape(rows, _FINE, columns, _FINE).mean(axis=(1, 3))
        before = self.chance[window]
        self.labels[window] = np.where((cover > before) & (cover * 255 >= CANDIDATE), label, self.labels[window])
        self.chance[window] = np.maximum(before, cover)
        return self


def _fine_grid(x0_um: float, y0_um: float, x1_um: float, y1_um: float) -> tuple[tuple[slice, slice], Floats, Floats]:
    """The pixels around a box, and x and y in um of the fine points in them."""
    spans, points = [], []
    for low, high in ((y0_um, y1_um), (x0_um, x1_um)):
        span = slice(max(0, math.floor(low * 2 + 254)), min(512, math.ceil(high * 2 + 258)))
        fine = (np.arange(span.start * _FINE, span.stop * _FINE) + 0.5) / _FINE - 0.5
        spans.append(span)
        points.append((fine - 255.5) * 0.5)
    return (spans[0], spans[1]), points[1][None, :], points[0][:, None]
