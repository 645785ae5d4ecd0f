"""Marks on an end face: a blob (pit, particle, droplet, chip) and a line (scratch, lint, streak), each placed in
micrometers.

A mark knows its shape, 0 to 1, and its tone: below zero it takes that share of the light away, above zero it adds
that share of what is missing to white.  How a mark looks through a camera is ``canvas``'s part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from endface.contract import CLADDING_UM, Label
from endface_build.drawing.drawn_mark import EDGE_UM, DrawnMark, speckled
from endface_build.drawing.line_marks import LineMark
from endface_build.drawing.raster import Raster, wobble


@dataclass(frozen=True)
class Blob:
    """A compact mark: an ellipse with a rough outline, filled or ring-shaped, plain or speckled.

    Attributes:
        kind: What the label map calls it.
        center_um: x and y from the fiber's center.
        length_um: Long diameter.
        width_um: Short diameter.
        angle_deg: Direction of the long diameter, from x towards y.
        tone: Share of the light that is taken (below zero) or added (above zero).
        roughness: Relative deviation of the outline from the ellipse.
        ring: How much of the tone is lost in the middle; above 1 the middle turns to the other side.
        speckle: Relative deviation of the tone over the area.
        seed: Fixes outline and speckle.
    """

    kind: Label
    center_um: tuple[float, float]
    length_um: float
    width_um: float
    angle_deg: float = 0.0
    tone: float = -0.6
    roughness: float = 0.0
    ring: float = 0.0
    speckle: float = 0.0
    seed: int = 0

    def draw(self, raster: Raster, margin_um: float) -> DrawnMark | None:
        """The blob on a raster with ``margin_um`` around it; None outside the raster."""
        reach_um = self.length_um / 2 * (1 + 3 * self.roughness) + EDGE_UM + margin_um
        x0_um, y0_um = self.center_um
        window = raster.window((x0_um - reach_um, y0_um - reach_um), (x0_um + reach_um, y0_um + reach_um))
        if window is None:
            return None
        rng = np.random.default_rng(self.seed)
        x_um, y_um = raster.grid(window)
        cosine, sine = math.cos(math.radians(self.angle_deg)), math.sin(math.radians(self.angle_deg))
        along = ((x_um - x0_um) * cosine + (y_um - y0_um) * sine) / (self.length_um / 2)
        across = ((y_um - y0_um) * cosine - (x_um - x0_um) * sine) / (self.width_um / 2)
        radius = np.hypot(along, across)
        if self.roughness > 0:
            around_rad = np.arctan2(across, along)
            fine = 0.4 * wobble(rng, around_rad, (4, 12))
            outline = 1 + self.roughness * (0.9 * wobble(rng, around_rad, (2, 3)) + fine)
            radius = radius / np.maximum(outline, 0.3)
        shape = np.clip((1 - radius) * self.width_um / 2 / max(EDGE_UM, raster.pitch_um) + 0.5, 0, 1)
        tone = np.full(shape.shape, self.tone, np.float32)
        if self.ring > 0:
            tone *= 1 - self.ring * np.clip((0.75 - radius) / 0.35, 0, 1)
        if self.speckle > 0:
            tone *= speckled(rng, raster, shape.shape, self.speckle)
        return DrawnMark(window, shape.astype(np.float32), np.clip(tone, -0.95, 0.95))


Mark = Blob | LineMark


def pit(center_um: tuple[float, float], diameter_um: float, *, tone: float = -0.6) -> Blob:
    """A round pit."""
    return Blob(Label.PIT, center_um, diameter_um, diameter_um, tone=tone)


def particle(center_um: tuple[float, float], diameter_um: float, *, tone: float = -0.6, seed: int = 0) -> Blob:
    """A piece of loose dirt with a rough outline."""
    return Blob(
        Label.CONTAMINATION,
        center_um,
        diameter_um,
        0.8 * diameter_um,
        tone=tone,
        roughness=0.12,
        speckle=0.2,
        seed=seed,
    )


def scratch(
    start_um: tuple[float, float], end_um: tuple[float, float], width_um: float, *, tone: float = -0.3
) -> LineMark:
    """A straight unbroken scratch."""
    return LineMark(Label.SCRATCH, (start_um, end_um), width_um, tone)


def chip(angle_deg: float, length_um: float, depth_um: float, *, seed: int = 0) -> Blob:
    """A nick that reaches ``depth_um`` from the rim into the glass and runs ``length_um`` along it.

    Args:
        angle_deg: Where on the rim, from x towards y (so 90 is the bottom).
        length_um: Extent along the rim.
        depth_um: Extent towards the center.
        seed: Fixes the outline.
    """
    middle_um = CLADDING_UM / 2 - depth_um / 2
    center_um = (middle_um * math.cos(math.radians(angle_deg)), middle_um * math.sin(math.radians(angle_deg)))
    if length_um >= depth_um:
        return Blob(Label.CHIP, center_um, length_um, depth_um, angle_deg + 90, -0.7, 0.08, seed=seed)
    return Blob(Label.CHIP, center_um, depth_um, length_um, angle_deg, -0.7, 0.08, seed=seed)
