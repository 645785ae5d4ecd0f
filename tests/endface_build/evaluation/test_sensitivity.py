"""Spots of known size: drawn as they say, apart from one another, and counted in their row and column."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from endface.offline import Inspector
from endface.options import Options
from endface_build.evaluation.inspector import with_baseline
from endface_build.evaluation.sensitivity import APART_UM, CONTRASTS, SIZES_UM, SPOTS, draw, sensitivity


def test_spots_are_apart_and_off_core_and_rim() -> None:
    """Every spot lies in zone B or D with room around it, with a size and a contrast of the table."""
    _, spots, contrasts = draw(np.random.default_rng(1))
    radii_um = [math.hypot(*spot.center_um) for spot in spots]

    assert len(spots) == len(contrasts) == SPOTS
    assert all(math.dist(a.center_um, b.center_um) >= APART_UM for a, b in combinations(spots, 2))
    assert all(14 <= radius <= 54 or 72 <= radius <= 118 for radius in radii_um)
    assert {spot.length_um for spot in spots} <= set(SIZES_UM)
    assert set(contrasts) <= set(CONTRASTS)


def test_who_reports_nothing_sees_nothing() -> None:
    """An inspection that never reports has recall zero in every cell that was drawn."""
    blind = Inspector(lambda squares: (np.zeros_like(squares[:, 0]),) * 2, Options("sm-apc"))
    table = sensitivity(blind, faces=2)
    cells = [cell for row in table["recall"] for cell in row]

    assert sum(cell["count"] for cell in cells) == 2 * SPOTS
    assert {cell["share"] for cell in cells} <= {0.0, None}


def test_strong_large_spots_are_seen() -> None:
    """The classical bar sees the largest and strongest spots, and more of them than of the smallest and weakest."""
    seen: list[int] = []
    table = sensitivity(with_baseline(Options("sm-apc")), faces=8, progress=seen.append)
    weakest = [cell["share"] for cell in table["recall"][0][:2]]
    strongest = [cell["share"] for cell in table["recall"][-1][3:]]

    assert np.mean(strongest) > 0.9 > np.mean(weakest)
    assert seen == list(range(1, 9))
    assert table["invalid"] == pytest.approx(0, abs=1)
