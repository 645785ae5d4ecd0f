"""The knee: the load from which on more brings no more throughput."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from benchmarks.common.origin import Json

ENOUGH: Final = 0.95
"""Share of the highest throughput that counts as reached; the rest is noise and costs only waiting."""


def knee(ramp: Sequence[Json]) -> Json | None:
    """The smallest load that brings ``ENOUGH`` of the highest throughput, as ``users`` and ``images_per_s``.

    Returns:
        None where only the largest load reaches it, so that the knee may lie beyond, or nothing was answered.
    """
    rising = sorted(ramp, key=lambda phase: int(phase["users"]))
    highest = max((phase["images_per_s"] for phase in rising), default=0.0)
    if highest <= 0:
        return None
    found = next(phase for phase in rising if phase["images_per_s"] >= ENOUGH * highest)
    return None if found is rising[-1] else {key: found[key] for key in ("users", "images_per_s")}
