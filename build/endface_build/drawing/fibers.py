"""Random sound end faces: multimode and single-mode fibers, lit and unlit, bright and dark ferrules, with every kind
of rim.

The ranges are wide on purpose: they cover the microscopes and fibers we know of and much around them, and follow no
single one.
"""

from __future__ import annotations

import math

import numpy as np

from endface.contract import CLADDING_UM
from endface_build.drawing.faces import Disc, Face, Gap, RimLook, Ring
from endface_build.drawing.random_places import log_uniform

CORES_UM = (9.0, 50.0, 62.5, 83.0, 91.0)
"""Core diameters: single-mode mode field, IEC 60793-2-10 A1a and A1b, and large cores in proportion to the cladding."""


def random_face(rng: np.random.Generator) -> Face:
    """A face without marks.

    Args:
        rng: Source of every choice.
    """
    ferrule, cladding = _levels(rng)
    core_um = float(rng.choice(CORES_UM)) * rng.uniform(0.92, 1.06)
    lit = rng.random() < 0.5
    core = rng.uniform(cladding + 10, 275) if lit else cladding + rng.uniform(-22, 22)
    zones = [Disc(CLADDING_UM * rng.uniform(0.985, 1.015), cladding, rng.uniform(0.3, 1.6))]
    if rng.random() < 0.25 and core_um > 20:
        step_um = rng.uniform(core_um * 1.1, CLADDING_UM * 0.95)
        zones.append(Disc(step_um, cladding + rng.uniform(-15, 15), rng.uniform(0.5, 3)))
    zones.append(Disc(core_um, core, rng.uniform(0.4, 3)))
    return Face(
        zones=tuple(zones),
        ferrule=ferrule,
        rings=(*_rings(rng, core_um), *_core_rings(rng, core_um), *_rim_lines(rng), *_glue_rings(rng)),
        rim=_rim(rng, ferrule),
        gap=_gap(rng, cladding) if rng.random() < 0.1 else None,
        glow=rng.uniform(5, 60) if lit and rng.random() < 0.5 else 0.0,
        glow_um=rng.uniform(3, 16),
        relief=rng.normal(0, 15) if rng.random() < 0.35 else 0.0,
        stray=rng.uniform(0.3, 4) if rng.random() < 0.4 else 0.0,
        lamp=math.exp(rng.uniform(-0.7, 2.8)) if lit and rng.random() < 0.8 else 0.0,
        dip=rng.uniform(-30, 50) if rng.random() < 0.45 and core_um > 20 else 0.0,
        dip_um=rng.uniform(0.6, 3),
        grain=rng.uniform(0.3, 3) if rng.random() < 0.35 else 0.0,
        fringes=rng.uniform(0.5, 5) if rng.random() < 0.12 else 0.0,
        polish=log_uniform(rng, 0.3, 3) if rng.random() < 0.2 else 0.0,
        seed=int(rng.integers(2**31)),
    )


def _levels(rng: np.random.Generator) -> tuple[float, float]:
    """Gray levels of ferrule and cladding; now and then the ferrule is the darker one."""
    if rng.random() < 0.1:
        ferrule = rng.uniform(15, 90)
        return ferrule, ferrule + rng.uniform(12, 90)
    ferrule = rng.uniform(100, 225)
    return ferrule, max(rng.uniform(25, 70), ferrule - rng.uniform(25, 130))


def _rings(rng: np.random.Generator, core_um: float) -> tuple[Ring, ...]:
    """Index trenches and ring steps between core and cladding edge, thin or broad, mostly faint."""
    count = int(rng.choice([0, 1, 2, 3], p=[0.3, 0.4, 0.2, 0.1]))
    low_um = min(core_um + 1, CLADDING_UM * 0.9)
    return tuple(
        Ring(
            rng.uniform(low_um, CLADDING_UM * 0.97),
            math.exp(rng.uniform(math.log(0.5), math.log(6))),
            rng.choice([-1, 1]) * math.exp(rng.uniform(0.3, 3.2)),
            (float(rng.normal(0, 0.4)), float(rng.normal(0, 0.4))),
            rng.uniform(0, 1.2) if rng.random() < 0.6 else 0.0,
        )
        for _ in range(count)
    )


def _core_rings(rng: np.random.Generator, core_um: float) -> tuple[Ring, ...]:
    """The layers of a graded-index core, evenly spaced and faint."""
    if core_um < 20 or rng.random() < 0.75:
        return ()
    tone, width_um, uneven = rng.normal(0, 5), rng.uniform(0.5, 2), rng.uniform(0, 0.9)
    return tuple(
        Ring(diameter_um, width_um, tone * rng.uniform(0.5, 1.5), uneven=uneven)
        for diameter_um in np.arange(rng.uniform(3, 10), core_um, rng.uniform(4, 14))
    )


def _rim_lines(rng: np.random.Generator) -> tuple[Ring, ...]:
    """Bright and dark lines and bands just inside the cladding's edge: fringes, bevels, reflections; often eccentric
    and uneven.
    """
    count = int(rng.choice([0, 1, 2, 3], p=[0.45, 0.25, 0.2, 0.1]))
    offset_um = (float(rng.normal(0, 0.7)), float(rng.normal(0, 0.7)))
    return tuple(
        Ring(
            CLADDING_UM - 2 * rng.uniform(0.3, 5.5),
            rng.uniform(0.5, 3.0),
            rng.choice([-1, 1], p=[0.35, 0.65]) * math.exp(rng.uniform(1.2, 3.8)),
            offset_um,
            rng.uniform(0, 0.9),
        )
        for _ in range(count)
    )


def _glue_rings(rng: np.random.Generator) -> tuple[Ring, ...]:
    """The seam of glue around the fiber: uneven, often eccentric rings outside the cladding's edge."""
    if rng.random() < 0.8:
        return ()
    offset_um = (float(rng.normal(0, 0.6)), float(rng.normal(0, 0.6)))
    return tuple(
        Ring(
            CLADDING_UM + 2 * rng.uniform(0.8, 7),
            rng.uniform(0.8, 5),
            rng.choice([-1, 1], p=[0.65, 0.35]) * math.exp(rng.uniform(1, 4)),
            offset_um,
            rng.uniform(0.2, 1.2),
        )
        for _ in range(rng.integers(1, 3))
    )


def _rim(rng: np.random.Generator, ferrule: float) -> RimLook:
    """Any rim, from none at all to a thick uneven black line with a glaring halo."""
    slanted = rng.random() < 0.4
    return RimLook(
        dark=rng.uniform(0, 80) if rng.random() < 0.85 else 0.0,
        dark_um=log_uniform(rng, 0.25, 1.6),
        bright=min(255 - ferrule, rng.uniform(0, 70)) if rng.random() < 0.7 else 0.0,
        bright_um=log_uniform(rng, 0.4, 2.2),
        slant=rng.uniform(5, 60) if slanted else 0.0,
        slant_deg=rng.uniform(0, 360),
        uneven=rng.uniform(0, 0.55),
        rough_um=rng.uniform(0, 0.12),
    )


def _gap(rng: np.random.Generator, cladding: float) -> Gap:
    """A glue gap, dark or of the cladding's level."""
    return Gap(rng.uniform(1, 8), rng.uniform(0, 360), cladding * rng.uniform(0.2, 1.2))
