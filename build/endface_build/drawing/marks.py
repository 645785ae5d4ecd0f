"""Marks on an end face: a blob (pit, particle, droplet, chip) and a line (scratch, lint, streak), each placed in
micrometers.

A mark knows its shape, 0 to 1, and its tone: below zero it takes that share of the light away, above zero it adds
that share of what is missing to white.  How a mark looks through a camera is ``canvas``'s part.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from endface.contract import CLADDING_UM, Label
from endface_build.drawing.raster import Field, Raster, Window, smooth_noise, wobble

EDGE_UM = 0.4
"""Width over which a mark's outline goes from full to nothing: about half the resolution of a 0.5 NA objective."""


@dataclass(frozen=True)
class DrawnMark:
    """A mark on a raster: the window it touches, its shape 0 to 1 and its tone -1 to 1 there."""

    window: Window
    shape: Field
    tone: Field


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
            tone *= _speckled(rng, raster, shape.shape, self.speckle)
        return DrawnMark(window, shape.astype(np.float32), np.clip(tone, -0.95, 0.95))


@dataclass(frozen=True)
class LineMark:
    """A thin mark along a polyline.

    Attributes:
        kind: What the label map calls it.
        points_um: Corners (x, y) of the polyline, at least two.
        width_um: Width.
        tone: Tone outside the cladding, and inside where ``inside_tone`` is None.
        inside_tone: Tone within ``inside_um`` of the center: many scratches are dark on the ferrule and bright on the
            glass.
        inside_um: Radius of the glass.
        broken: Share of the length without a trace, 0 to 0.9.
        grain_um: Typical length of a stretch between changes of strength and width.
        edge_um: Width over which the line's flanks go from full to nothing.
        uneven: Relative deviation of the width along the line.
        ring: How much of the tone is lost in the middle; above 1 the middle turns to the other side.
        speckle: Relative deviation of the tone over the area.
        core_tone: Tone within ``core_um`` of the center, or None for that of the glass.
        core_um: Radius of the core.
        beads_um: Where along the line beads lie, and how long each is; none for a line without gaps.
        flipped: Share of the beads whose tone has the other sign.
        whole_inside: Whether the line has no gaps on the glass.
        seed: Fixes strength and width along the line, of its beads, and the speckle.
    """

    kind: Label
    points_um: tuple[tuple[float, float], ...]
    width_um: float
    tone: float = -0.2
    inside_tone: float | None = None
    inside_um: float = 62.5
    broken: float = 0.0
    grain_um: float = 15.0
    edge_um: float = EDGE_UM
    uneven: float = 0.0
    ring: float = 0.0
    speckle: float = 0.0
    core_tone: float | None = None
    core_um: float = 25.0
    beads_um: tuple[tuple[float, float], ...] = ()
    flipped: float = 0.0
    whole_inside: bool = False
    seed: int = 0

    @property
    def length_um(self) -> float:
        """Length along the line."""
        return sum(math.dist(one, other) for one, other in itertools.pairwise(self.points_um))

    @property
    def filled(self) -> float:
        """Share of the length that its beads fill; 1 for a line without gaps."""
        return min(1.0, sum(long for _, long in self.beads_um) / self.length_um) if self.beads_um else 1.0

    @property
    def gap_um(self) -> float:
        """The longest gap between two beads."""
        spaces = [b - a - (la + lb) / 2 for (a, la), (b, lb) in itertools.pairwise(self.beads_um)]
        return max((0.0, *spaces))

    def draw(self, raster: Raster, margin_um: float) -> DrawnMark | None:
        """The line on a raster with ``margin_um`` around it; None outside the raster."""
        corners = np.asarray(self.points_um, np.float64)
        reach_um = self.width_um / 2 * (1 + 2 * self.uneven) + self.edge_um + margin_um
        low, high = corners.min(axis=0) - reach_um, corners.max(axis=0) + reach_um
        window = raster.window((low[0], low[1]), (high[0], high[1]))
        if window is None:
            return None
        distance_um, along_um = self._distance(raster, window, reach_um)
        half_um = self.width_um / 2 * self._widening(along_um)
        shape = np.clip((half_um - distance_um) / max(self.edge_um, raster.pitch_um) + 0.5, 0, 1)
        tone = np.full(shape.shape, self.tone, np.float32)
        x_um, y_um = raster.grid(window)
        for inner, radius_um in ((self.inside_tone, self.inside_um), (self.core_tone, self.core_um)):
            if inner is not None:
                tone[np.hypot(x_um, y_um) < radius_um] = inner
        if self.ring > 0:
            tone *= 1 - self.ring * np.clip((0.6 - distance_um / half_um) / 0.35, 0, 1)
        if self.speckle > 0:
            tone *= _speckled(np.random.default_rng((self.seed, 2)), raster, shape.shape, self.speckle)
        if self.beads_um:
            beads = self._beads(distance_um, along_um, half_um)
            tone *= np.where(np.hypot(x_um, y_um) < self.inside_um, 0.7, beads) if self.whole_inside else beads
        return DrawnMark(window, shape.astype(np.float32), tone * self._strength(along_um))

    def _distance(self, raster: Raster, window: Window, reach_um: float) -> tuple[Field, Field]:
        """Distance from the polyline and arc length at the nearest point, both in micrometers; far pixels hold a
        large distance.
        """
        rows, columns = window
        distance = np.full((rows.stop - rows.start, columns.stop - columns.start), 1e6, np.float32)
        along = np.zeros_like(distance)
        start_um = 0.0
        for (xa, ya), (xb, yb) in zip(self.points_um[:-1], self.points_um[1:], strict=True):
            length_um = max(math.hypot(xb - xa, yb - ya), 1e-6)
            box = raster.window(
                (min(xa, xb) - reach_um, min(ya, yb) - reach_um), (max(xa, xb) + reach_um, max(ya, yb) + reach_um)
            )
            if box is not None:
                x_um, y_um = raster.grid(box)
                ux, uy = (xb - xa) / length_um, (yb - ya) / length_um
                step = np.clip((x_um - xa) * ux + (y_um - ya) * uy, 0, length_um)
                gap = np.hypot(x_um - xa - step * ux, y_um - ya - step * uy)
                inner = tuple(slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, window, strict=True))
                nearer = gap < distance[inner]
                distance[inner] = np.where(nearer, gap, distance[inner])
                along[inner] = np.where(nearer, start_um + step, along[inner])
            start_um += length_um
        return distance, along

    def _beads(self, distance_um: Field, along_um: Field, half_um: Field) -> Field:
        """Strength of the beads, 0 in the gaps between them: ellipses along the line, each as wide and strong as it
        happens to be.
        """
        rng = np.random.default_rng((self.seed, 3))
        places_um, lengths_um = np.asarray(self.beads_um, np.float32).T
        strengths = rng.uniform(0.3, 1.0, len(places_um)) * np.where(rng.random(len(places_um)) < self.flipped, -1, 1)
        nearest = np.searchsorted((places_um[1:] + places_um[:-1]) / 2, along_um)
        reach_um = lengths_um[nearest] / 2
        across_um = half_um * rng.uniform(0.4, 1.0, len(places_um)).astype(np.float32)[nearest]
        radius = np.hypot((along_um - places_um[nearest]) / reach_um, distance_um / across_um)
        edge = np.minimum(reach_um, across_um) / EDGE_UM
        return np.asarray(np.clip((1 - radius) * edge + 0.5, 0, 1) * strengths[nearest], np.float32)

    def _widening(self, along_um: Field) -> Field:
        """Width along the line as a factor, 0.3 to 1 + 2 ``uneven``."""
        if self.uneven <= 0:
            return np.ones_like(along_um)
        knots = max(4, math.ceil(float(along_um.max()) / self.grain_um) + 2)
        level = 1 + self.uneven * np.random.default_rng((self.seed, 1)).standard_normal(knots)
        factor = np.interp(along_um / self.grain_um, np.arange(knots), level)
        return np.clip(factor, 0.3, 1 + 2 * self.uneven).astype(np.float32)

    def _strength(self, along_um: Field) -> Field:
        """Strength 0 to 1 along the line: steady where nothing is broken, else fading in and out."""
        if self.broken <= 0:
            return np.ones_like(along_um)
        rng = np.random.default_rng(self.seed)
        knots = max(4, math.ceil(float(along_um.max()) / self.grain_um) + 2)
        level = rng.uniform(-self.broken, 1 - self.broken, knots)
        trace = np.interp(along_um / self.grain_um, np.arange(knots), level)
        return np.clip(trace / (0.5 * (1 - self.broken)), 0, 1).astype(np.float32)


def _speckled(rng: np.random.Generator, raster: Raster, shape: tuple[int, ...], speckle: float) -> Field:
    """Factor on the tone of an area with bright speckles about 1.2 um wide."""
    grain_px = max(1.5, 1.2 / raster.um_per_px[0])
    factor = 1 - speckle * np.clip(np.abs(smooth_noise(rng, shape, grain_px)) - 0.6, 0, 2)
    return np.asarray(factor, np.float32)


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
