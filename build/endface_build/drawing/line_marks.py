"""A line on an end face: scratch, lint, streak, row of beads or piece of a rim."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from endface.contract import Label
from endface_build.drawing.drawn_mark import EDGE_UM, DrawnMark, speckled
from endface_build.drawing.raster import Field, Raster, Window


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
            tone *= speckled(np.random.default_rng((self.seed, 2)), raster, shape.shape, self.speckle)
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
