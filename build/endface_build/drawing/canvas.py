"""Canvas of gray levels and, beside them, the truth about every mark as a person would outline it.

The outline follows the labelling convention for real end faces: a pixel belongs to a mark where the mark, seen
through the optics, has at least half of its own peak contrast; bright relief flanks do not belong to it.  Marks too
faint to be labelled by eye are left out, those at the limit are undecided.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import Label
from endface_build.drawing.marks import DrawnMark, LineMark, Mark
from endface_build.drawing.raster import Field, Raster

UNDECIDED = 255
"""Label of pixels on marks that are neither clear nor invisible; training and scores leave them out."""

OUTLINE = 0.5
"""Share of its own peak contrast from which a pixel belongs to a mark (labelling convention)."""

SPOT_LIMITS = (4.0, 7.0)
"""Peak contrast of a compact mark in noise deviations: invisible below the first, clear above the second."""

EXTENDED_LIMITS = (1.4, 2.5)
"""The same for the contrast along a line or over an area, which the eye follows through much more noise."""

HOLE_UM = 1.5
"""Holes up to this width belong to the mark around them."""

EXTENDED_UM = 8.0
"""Width from which a compact mark is an area to the eye."""


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

    def resample(self, matrix: NDArray[np.float64], shape: tuple[int, int]) -> Truth:
        """The truth through an affine matrix (2, 3) that takes this picture's pixels to those of another of
        ``shape``.
        """
        size = (shape[1], shape[0])
        strength = cv2.warpAffine(self.strength, matrix, size, flags=cv2.INTER_LINEAR)
        kind = cv2.warpAffine(self.kind, matrix, size, flags=cv2.INTER_NEAREST)
        return Truth(np.asarray(strength, np.float32), np.asarray(kind, np.uint8))


class Canvas:
    """Gray levels on a raster, float32 0 to 255, with the truth of the marks that were put on them.

    Args:
        raster: The pixel grid.
        level: Gray levels (H, W) of the face without marks; taken over and changed.
        blur_um: Deviation of the optics' blur.
        noise: Deviation of the camera's noise and the face's own clutter in the canvas's gray levels, (H, W); decides
            what is too faint to be labelled.
        light: Direction x, y and strength of the relief's bright flank, as one vector; (0, 0) for flat light.
    """

    def __init__(
        self, raster: Raster, level: Field, *, blur_um: float, noise: Field, light: tuple[float, float] = (0.0, 0.0)
    ):
        self.raster = raster
        self.level = level
        self.blur_um = blur_um
        self.noise = noise
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
        change = np.where(drawn.tone < 0, before, 255 - before) * drawn.tone * shape
        self.level[drawn.window] = before + change + self._flank(drawn, shape, before)
        self._record(mark, drawn, self._share(mark, drawn, shape, np.abs(change)), np.abs(change))

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
        is_line = isinstance(mark, LineMark)
        extended = is_line or mark.width_um > EXTENDED_UM
        low, high = EXTENDED_LIMITS if extended else SPOT_LIMITS
        seen = contrast / self.noise[drawn.window]
        seen = seen / np.maximum(share, 0.2) if is_line else np.full_like(seen, seen.max())
        share = np.where(seen < low, 0, share)
        code = np.where(seen < high, UNDECIDED, int(mark.kind)).astype(np.uint8)
        known = self._strength[drawn.window]
        stronger = (share > known) & (share > 0.1)
        self._strength[drawn.window] = np.maximum(known, share)
        self._kind[drawn.window] = np.where(stronger, code, self._kind[drawn.window])
