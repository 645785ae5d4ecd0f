"""Canvas of gray levels and, beside them, the truth about every mark as a person would outline it.

The outline follows the labelling convention for real end faces: a pixel belongs to a mark where the mark, seen
through the optics, has at least 45 % of its own peak contrast; bright relief flanks do not belong to it.  Marks too
faint to be labelled by eye are left out, those at the limit are undecided.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import Label
from endface_build.drawing.drawn_mark import DrawnMark
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.marks import Mark
from endface_build.drawing.raster import Field, Raster

UNDECIDED = 255
"""Label of pixels on marks that are neither clear nor invisible; training and scores leave them out."""

OUTLINE = 0.45
"""Share of its own peak contrast from which a pixel belongs to a mark (labelling convention)."""

SPOT_LIMITS = (3.0, 5.5)
"""Peak contrast of a compact mark, or of a piece along the rim, in noise deviations: invisible below the first, clear
above the second.
"""

EXTENDED_LIMITS = (1.4, 2.5)
"""The same for the contrast over an area or along a short line, which the eye follows through much more noise."""

LONG_LINE_LIMITS = (0.5, 0.8)
"""The same for the contrast along a long line: each pixel drowns in noise, its length does not."""

LINE_LENGTHS_UM = (8.0, 20.0)
"""Up to the first length a line is short, from the second it is long; between them the limits fall evenly."""

LEAST_NOISE = (1.5, 2.5)
"""Noise in gray levels of spots and of lines below which they do not get clearer: by the convention nobody labels lines
of one gray level, or spots of four.
"""

HOLE_UM = 1.5
"""Holes up to this width belong to the mark around them."""

EXTENDED_UM = 8.0
"""Width from which a compact mark is an area to the eye."""


FINE = 4
"""Samples along a pixel's side for the share of it that a mark covers."""

TOUCHED = 32
"""Coverage from which a pixel carries its mark's label: an eighth of 255."""


class CoveredLabels(NamedTuple):
    """Label map with each pixel's coverage, uint8 (H, W) both.

    Attributes:
        labels: ``Label`` codes and ``UNDECIDED`` where a mark covers at least an eighth of the pixel.
        coverage: 255 times the share of the pixel's area that a mark covers.
    """

    labels: NDArray[np.uint8]
    coverage: NDArray[np.uint8]


@dataclass(frozen=True)
class Truth:
    """Truth about a picture, ready to be resampled: how far each pixel is inside a mark, and which.

    Attributes:
        strength: float32 (H, W), the mark's share of its own peak contrast, 0 to 1.
        kind: uint8 (H, W), a ``Label`` or ``UNDECIDED``, also a little around each mark.
    """

    strength: Field
    kind: NDArray[np.uint8]

    @property
    def labels(self) -> NDArray[np.uint8]:
        """The label map, uint8 (H, W): ``Label`` codes and ``UNDECIDED``."""
        return np.where(self.strength >= OUTLINE, self.kind, np.uint8(Label.BACKGROUND)).astype(np.uint8)

    def resample(self, matrix: NDArray[np.float64], shape: tuple[int, int]) -> CoveredLabels:
        """The truth through an affine matrix (2, 3) that takes this picture's pixels to those of another of
        ``shape``, as the share of each pixel's area that a mark covers.
        """
        height_px, width_px = shape
        if not self.kind.any():
            return CoveredLabels(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8))
        fine = FINE * matrix + np.array([[0, 0, (FINE - 1) / 2]] * 2)
        size = (FINE * width_px, FINE * height_px)
        level = np.asarray(np.rint(200 * self.strength), np.uint8)  # as bytes, which are quicker to resample
        strength = cv2.warpAffine(level, fine, size, flags=cv2.INTER_LINEAR)
        around = cv2.dilate(self.kind, np.ones((3, 3), np.uint8))  # strength reaches between pixels, kind must follow
        kinds = np.where(self.kind == Label.BACKGROUND, around, self.kind)
        kind = cv2.warpAffine(kinds, fine, size, flags=cv2.INTER_NEAREST)
        inside = np.asarray(strength >= 200 * OUTLINE, np.uint8)
        coverage = cv2.resize(255 * inside, (width_px, height_px), interpolation=cv2.INTER_AREA)
        most = cv2.dilate(kind * inside, np.ones((FINE, FINE), np.uint8), anchor=(0, 0))[::FINE, ::FINE]
        labels = np.where(coverage >= TOUCHED, most, np.uint8(Label.BACKGROUND))
        return CoveredLabels(np.asarray(labels, np.uint8), np.asarray(coverage, np.uint8))


class Noise(NamedTuple):
    """Deviation of the camera's noise and the face's own clutter in gray levels, float32 (H, W) each.

    Attributes:
        spots: What spots drown in.
        lines: What faint lines drown in; coarse noise and compression hide them first.
    """

    spots: Field
    lines: Field


class Canvas:
    """Gray levels on a raster, float32 0 to 255, with the truth of the marks that were put on them.

    Args:
        raster: The pixel grid.
        level: Gray levels (H, W) of the face without marks; taken over and changed.
        blur_um: Deviation of the optics' blur.
        noise: What decides which marks are too faint to be labelled.
        light: Direction x, y and strength of the relief's bright flank, as one vector; (0, 0) for flat light.
    """

    def __init__(
        self,
        raster: Raster,
        level: Field,
        *,
        blur_um: float,
        noise: Noise,
        light: tuple[float, float] = (0.0, 0.0),
    ):
        self.raster = raster
        self.level = level
        self.blur_um = blur_um
        self.noise = Noise(*(np.maximum(field, least) for field, least in zip(noise, LEAST_NOISE, strict=True)))
        self.light = light
        self._strength = np.zeros(raster.shape, np.float32)
        self._kind = np.zeros(raster.shape, np.uint8)

    @property
    def truth(self) -> Truth:
        """The truth so far."""
        return Truth(self._strength, self._kind)

    def put(self, mark: Mark) -> None:
        """Put a mark on the canvas, seen through the optics; nothing happens outside the raster."""
        drawn = mark.draw(self.raster, 3 * self.blur_um + 1.0)
        if drawn is None:
            return
        shape = self.raster.blur(drawn.shape, self.blur_um)
        peak = float(shape.max())
        if peak < 0.02:
            return
        before = self.level[drawn.window].copy()
        change = self._change(drawn, shape, before)
        self.level[drawn.window] = before + change + self._flank(drawn, shape, before)
        self._record(mark, drawn, self._share(mark, drawn, shape, np.abs(change)), np.abs(change))

    def _change(self, drawn: DrawnMark, shape: Field, before: Field) -> Field:
        """Gray levels that a mark adds; a tone that varies over the mark is blurred with its shape."""
        if np.ptp(drawn.tone) < 1e-6:
            return np.asarray(np.where(drawn.tone < 0, before, 255 - before) * drawn.tone * shape, np.float32)
        taken = self.raster.blur(drawn.shape * np.maximum(-drawn.tone, 0), self.blur_um)
        added = self.raster.blur(drawn.shape * np.maximum(drawn.tone, 0), self.blur_um)
        return np.asarray((255 - before) * added - before * taken, np.float32)

    def _flank(self, drawn: DrawnMark, shape: Field, before: Field) -> Field | float:
        """The bright side of a mark under slanting light: its shape moved along the light, less the mark itself."""
        if self.light == (0.0, 0.0):
            return 0.0
        strength = float(np.hypot(*self.light))
        step_px = [
            1.0 * component / strength / scale
            for component, scale in zip(self.light, self.raster.um_per_px, strict=True)
        ]
        matrix = np.array([[1, 0, step_px[0]], [0, 1, step_px[1]]], np.float64)
        moved = cv2.warpAffine(shape * np.abs(drawn.tone), matrix, (shape.shape[1], shape.shape[0]))
        return np.asarray(strength * moved * (1 - shape) * (255 - before) * 0.8, np.float32)

    def _share(self, mark: Mark, drawn: DrawnMark, shape: Field, contrast: Field) -> Field:
        """Each pixel's share of its mark's peak: of the contrast for compact marks, of the tone for larger ones, which
        may lie on bright and dark ground, and of the shape for lines, whose strength changes along them; small holes
        are filled as a person fills them.
        """
        if isinstance(mark, LineMark):
            return np.asarray(shape / shape.max(), np.float32)
        extended = mark.width_um > EXTENDED_UM
        strength = self.raster.blur(drawn.shape * np.abs(drawn.tone), self.blur_um) if extended else contrast
        hole_px = [2 * round(HOLE_UM / scale / 2) + 1 for scale in self.raster.um_per_px]
        filled = cv2.morphologyEx(strength, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, hole_px))
        return np.asarray(filled / max(float(filled.max()), 1e-6), np.float32)

    def _record(self, mark: Mark, drawn: DrawnMark, share: Field, contrast: Field) -> None:
        """Enter a mark into the truth, as far as it can be seen; background leaves no label."""
        if mark.kind == Label.BACKGROUND:
            return
        if isinstance(mark, LineMark) and mark.kind != Label.CHIP:
            low, high = _line_limits(mark.length_um)
            traced = contrast * math.sqrt(mark.filled) / np.maximum(share, 0.2)
            seen = self._bridged(traced / self.noise.lines[drawn.window], mark.gap_um)
        else:
            low, high = EXTENDED_LIMITS if mark.width_um > EXTENDED_UM else SPOT_LIMITS
            seen = np.full_like(contrast, (contrast / self.noise.spots[drawn.window]).max())
        share = np.where(seen < low, 0, share)
        code = np.where(seen < high, UNDECIDED, int(mark.kind)).astype(np.uint8)
        known, kind = self._strength[drawn.window], self._kind[drawn.window]
        settled = (known >= OUTLINE) & (kind != UNDECIDED) & (code == UNDECIDED)  # a clear mark under a doubtful one
        stronger = (share > known) & (share > 0.1) & ~settled
        self._strength[drawn.window] = np.maximum(known, share)
        self._kind[drawn.window] = np.where(stronger, code, kind)

    def _bridged(self, seen: Field, gap_um: float) -> Field:
        """How well a line is seen, with its gaps up to ``gap_um`` and its changes of sign as clear as what is around
        them.
        """
        side_px = [2 * round((gap_um + 2) / scale / 2) + 1 for scale in self.raster.um_per_px]
        return np.asarray(cv2.dilate(seen, np.ones(side_px[::-1], np.uint8)), np.float32)


def _line_limits(length_um: float) -> tuple[float, float]:
    """Contrast in noise deviations from which a line is not invisible, and from which it is clear."""
    low, high = (
        float(np.interp(length_um, LINE_LENGTHS_UM, pair))
        for pair in zip(EXTENDED_LIMITS, LONG_LINE_LIMITS, strict=True)
    )
    return low, high
