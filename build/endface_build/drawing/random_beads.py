"""Random rows of beads along a line."""

from __future__ import annotations

import numpy as np

GAP_BEADS = 3.0
"""Longest gap in a row of beads, in beads (labelling convention)."""


def random_beads(
    rng: np.random.Generator, length_um: float, bead_um: float, gap: float
) -> tuple[tuple[float, float], ...]:
    """Beads along a line: where each lies and how long it is.

    Args:
        rng: Source of every choice.
        length_um: Length of the line.
        bead_um: Typical length of a bead.
        gap: Typical gap in beads; towards one end the beads may lie closer.
    """
    crowding = rng.uniform(0.2, 1.0) if rng.random() < 0.4 else 0.0
    reversed_, jitter = rng.random() < 0.5, rng.uniform(0, 0.8)
    beads, along_um = [], 0.0
    while along_um < length_um:
        long_um = bead_um * float(np.exp(rng.normal(0, 0.6 * jitter + 0.05)))
        beads.append((along_um + long_um / 2, long_um))
        share = along_um / length_um
        space = gap * (1 - crowding * (share if reversed_ else 1 - share)) * max(0.1, 1 + rng.normal(0, jitter))
        along_um += long_um + bead_um * min(space, GAP_BEADS)
    return tuple(beads)
