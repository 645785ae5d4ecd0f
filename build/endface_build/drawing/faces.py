"""An end face without its marks: ferrule, cladding, core and what belongs to them although it looks like a defect.

Rims, halos, index trenches, glue gaps, lamp structure and a core's index dip are parts of a sound fiber; a network
must learn to ignore them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from endface.contract import CLADDING_UM
from endface_build.drawing.lit_core import clutter_of, lamp_structure
from endface_build.drawing.marks import Mark
from endface_build.drawing.raster import Field, Raster, smooth_noise, wobble
from endface_build.drawing.surface import fringes, polish

RIM_CLUTTER = 0.1
"""Share of an uneven rim's swings that is as fine as a small chip."""

FRINGE_CLUTTER = 0.4
"""Share of the fringes' height that is as fine as a band."""

POLISH_CLUTTER = 2.0
"""How many deviations of the polish a line must stand out by what it must elsewhere of the noise: it looks the same."""


@dataclass(frozen=True)
class Disc:
    """A disc of the fiber: diameter and gray level 0 to 255, and the width of its edge."""

    diameter_um: float
    level: float
    edge_um: float = 0.8


@dataclass(frozen=True)
class Ring:
    """A thin ring: an index trench, or a line along the rim.

    Attributes:
        diameter_um: Diameter.
        width_um: Width.
        tone: Gray levels added.
        offset_um: Its center in x and y; lines along the rim are often a little eccentric.
        uneven: Relative deviation of its tone around the circumference.
    """

    diameter_um: float
    width_um: float
    tone: float
    offset_um: tuple[float, float] = (0.0, 0.0)
    uneven: float = 0.0


@dataclass(frozen=True)
class RimLook:
    """Look of the cladding's edge: a dark line inside, a bright halo outside, both uneven around the
    circumference.

    Attributes:
        dark: Gray levels taken at the line's middle.
        dark_um: Half width of the line.
        bright: Gray levels added at the halo's middle.
        bright_um: Half width of the halo.
        slant: Gray levels added on the side that faces the light and taken on the other.
        slant_deg: Direction of that light.
        uneven: Relative deviation of the line's width around the circumference.
        rough_um: Deviation of the edge from a circle.
    """

    dark: float = 30.0
    dark_um: float = 0.9
    bright: float = 20.0
    bright_um: float = 1.2
    slant: float = 0.0
    slant_deg: float = 0.0
    uneven: float = 0.2
    rough_um: float = 0.05


@dataclass(frozen=True)
class Gap:
    """A crescent between fiber and bore: width at its widest, direction, gray level."""

    width_um: float
    angle_deg: float
    level: float


@dataclass(frozen=True)
class Face:
    """An end face: its sound structure and the marks on it.

    Attributes:
        zones: Discs from the outside in; the first is the cladding (or whatever is outermost).
        ferrule: Gray level of the ferrule.
        rings: Index trenches and ring steps.
        rim: Look of the cladding's edge.
        gap: Glue gap, or None.
        glow: Gray levels that a lit core spills into the cladding, more to one side.
        glow_um: Distance from the core at which a third of the glow is left.
        relief: Gray levels added to the core's edge where it faces the rim's slanting light, and taken opposite.
        stray: Deviation in gray levels of broad patches of stray light.
        lamp: Gray levels of lamp structure inside the core.
        dip: Gray levels taken at the core's center, where the index dips.
        dip_um: Half width of the dip.
        grain: Deviation of the ferrule's grain in gray levels.
        fringes: Height of interference fringes over the face in gray levels.
        polish: Deviation in gray levels of the streaks that polishing left on the ferrule, half as much on the glass.
        marks: Defects, drawn in order.
        seed: Fixes grain, lamp structure and the rim's unevenness.
    """

    zones: tuple[Disc, ...] = (Disc(CLADDING_UM, 80.0), Disc(50.0, 150.0))
    ferrule: float = 180.0
    rings: tuple[Ring, ...] = ()
    rim: RimLook = field(default_factory=RimLook)
    gap: Gap | None = None
    glow: float = 0.0
    glow_um: float = 8.0
    relief: float = 0.0
    stray: float = 0.0
    lamp: float = 0.0
    dip: float = 0.0
    dip_um: float = 1.0
    grain: float = 0.0
    fringes: float = 0.0
    polish: float = 0.0
    marks: tuple[Mark, ...] = ()
    seed: int = 0

    @property
    def cladding_um(self) -> float:
        """Diameter of the outermost zone."""
        return self.zones[0].diameter_um

    @property
    def core_um(self) -> float:
        """Diameter of the innermost zone."""
        return self.zones[-1].diameter_um


def _step(distance_um: Field, edge_um: float) -> Field:
    """1 below zero, 0 above, with a smooth edge of ``edge_um``."""
    return np.asarray(1 / (1 + np.exp(np.clip(4 * distance_um / edge_um, -30, 30))), np.float32)


def _bump(distance_um: Field, half_um: float | Field) -> Field:
    """A bell of height 1 around zero."""
    return np.asarray(np.exp(-((distance_um / half_um) ** 2)), np.float32)


def draw_structure(face: Face, raster: Raster) -> tuple[Field, Field]:
    """A face without marks.

    Args:
        face: The face.
        raster: Where the fiber lies in the picture.

    Returns:
        Gray levels float32 (H, W), nominally 0 to 255, sharp and without noise; and the clutter, float32 (H, W): the
        deviation in gray levels of structure that fainter marks hide in.
    """
    rng = np.random.default_rng((face.seed, 1))
    x_um, y_um = raster.grid(raster.whole)
    radius_um = np.hypot(x_um, y_um)
    angle_rad = np.arctan2(y_um, x_um)
    edge_um = radius_um - face.cladding_um / 2
    edge_um = edge_um - face.rim.rough_um * wobble(rng, angle_rad, (3, 40))
    level = np.full(raster.shape, face.ferrule, np.float32)
    if face.grain > 0:
        level += face.grain * smooth_noise(rng, raster.shape, 1.0 / raster.um_per_px[0])
    if face.gap is not None:
        _open_gap(level, face, raster)
    for index, zone in enumerate(face.zones):
        outside = edge_um if index == 0 else radius_um - zone.diameter_um / 2
        level += (zone.level - level) * _step(outside, max(zone.edge_um, raster.pitch_um))
    clutter = _light_core(level, face, rng, raster)
    for ring in face.rings:
        around_um = np.hypot(x_um - ring.offset_um[0], y_um - ring.offset_um[1]) - ring.diameter_um / 2
        tone = (
            ring.tone * np.clip(1 + ring.uneven * wobble(rng, angle_rad, (1, 6)), 0, 2)
            if ring.uneven > 0
            else ring.tone
        )
        level += tone * _bump(around_um, ring.width_um / 2)
    _draw_rim(level, face.rim, rng, edge_um, angle_rad)
    clutter += RIM_CLUTTER * face.rim.uneven * face.rim.dark * _bump(edge_um, 2.0)
    _cover(level, clutter, face, raster, edge_um)
    return level, clutter


def _cover(level: Field, clutter: Field, face: Face, raster: Raster, edge_um: Field) -> None:
    """What lies over the whole face: fringes and the grain of polishing, in which faint lines hide."""
    if face.fringes > 0:
        level += face.fringes * fringes(np.random.default_rng((face.seed, 2)), raster)
        clutter += FRINGE_CLUTTER * face.fringes
    if face.polish > 0:
        height = face.polish * (1 - 0.5 * _step(edge_um, 1.0))
        level += height * polish(np.random.default_rng((face.seed, 3)), raster)
        clutter += POLISH_CLUTTER * height


def _open_gap(level: Field, face: Face, raster: Raster) -> None:
    """Fill the bore's disc, which is a little wider than the fiber and shifted, with the gap's level."""
    gap = face.gap
    assert gap is not None
    half_um = gap.width_um / 2
    x_um, y_um = raster.grid(raster.whole)
    angle = math.radians(gap.angle_deg)
    bore_um = (
        np.hypot(x_um - half_um * math.cos(angle), y_um - half_um * math.sin(angle)) - face.cladding_um / 2 - half_um
    )
    level += (gap.level - level) * _step(bore_um, 0.8)
    level += 12 * _bump(bore_um - 1.0, 0.8)


def _light_core(level: Field, face: Face, rng: np.random.Generator, raster: Raster) -> Field:
    """Light in and around the core: its glow, stray light, relief, lamp structure and the dip; returns the clutter."""
    core_um = face.core_um / 2
    x_um, y_um = raster.grid(raster.whole)
    radius_um, angle_rad = np.hypot(x_um, y_um), np.arctan2(y_um, x_um)
    clutter = np.zeros(raster.shape, np.float32)
    if face.glow > 0:
        sides = np.clip(1 + rng.uniform(0, 0.4) * wobble(rng, angle_rad, (1, 4)), 0, 2)
        level += face.glow * sides * np.exp(-np.maximum(radius_um - core_um, 0) / face.glow_um) * (radius_um > core_um)
    if face.stray > 0:
        level += face.stray * smooth_noise(rng, raster.shape, rng.uniform(12, 50) / raster.um_per_px[0])
    if face.relief != 0:
        facing = np.cos(angle_rad - math.radians(face.rim.slant_deg))
        level += face.relief * facing * _bump(radius_um - core_um, rng.uniform(0.6, 1.8))
    if face.lamp > 0:
        structure = face.lamp * lamp_structure(rng, raster, core_um) * _step(radius_um - core_um, 1.5)
        level += structure
        clutter = clutter_of(structure, raster)
    if face.dip != 0:
        level -= face.dip * _bump(radius_um, face.dip_um)
    return clutter


def _draw_rim(level: Field, rim: RimLook, rng: np.random.Generator, edge_um: Field, angle_rad: Field) -> None:
    """The dark line, the halo and the slant of the light at the cladding's edge."""
    width = np.clip(1 + rim.uneven * (wobble(rng, angle_rad, (1, 5)) + 0.2 * wobble(rng, angle_rad, (6, 60))), 0.15, 3)
    level -= rim.dark * np.minimum(width, 1.5) * _bump(edge_um + rim.dark_um, rim.dark_um * width)
    around = np.clip(1 + rim.uneven * wobble(rng, angle_rad, (1, 4)), 0, 2)
    level += rim.bright * around * _bump(edge_um - rim.bright_um, rim.bright_um)
    if rim.slant != 0:
        level += rim.slant * np.cos(angle_rad - math.radians(rim.slant_deg)) * _bump(edge_um, 1.5)
