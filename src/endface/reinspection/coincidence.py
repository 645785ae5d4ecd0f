"""How unlikely it is that marks of two faces coincide by chance."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from endface.reinspection.face import Face
from endface.reinspection.pose import Pose

_NEAR_UM: Final = 2.5  # marks whose centers are nearer than this coincide
_FACE_UM: Final = 115.0  # radius over which marks are spread
_RARE: Final = 6.0  # orders of magnitude: a fitted pose that chance gives once in a million
_RARE_UNFITTED: Final = 4.0
_FITTED: Final = 2  # marks that a turn and a shift can be fitted to


def mark_evidence(previous: Face, face: Face, pose: Pose, *, fitted: bool = True) -> float:
    """Evidence that marks give for a pose: 1 is enough, 0 is none.

    The number of coincidences by chance is Poisson's, its mean by the numbers of marks and the area of the face.

    Args:
        previous: the earlier inspection.
        face: this one.
        pose: how the face lies against the earlier picture.
        fitted: whether the pose was chosen among many, which some marks may have decided.
    """
    before = np.array([defect.center_um for defect in previous.report.defects]).reshape(-1, 2)
    now = np.array([defect.center_um for defect in face.report.defects]).reshape(-1, 2)
    if not len(before) or not len(now):
        return 0.0
    apart = np.linalg.norm(pose.forward(before)[:, None] - now[None], axis=2)
    coincident = 0
    while apart.size and apart.min() <= _NEAR_UM:
        row, column = np.unravel_index(apart.argmin(), apart.shape)
        apart = np.delete(np.delete(apart, row, 0), column, 1)
        coincident += 1
    mean = len(before) * len(now) * (_NEAR_UM / _FACE_UM) ** 2
    rarity = _rarity(coincident - _FITTED if fitted else coincident, mean)
    return rarity / (_RARE if fitted else _RARE_UNFITTED)


def _rarity(count: int, mean: float) -> float:
    """Orders of magnitude by which at least ``count`` events are rare where ``mean`` are expected; at most 16."""
    if count <= mean:
        return 0.0
    first = math.exp(-mean + count * math.log(mean) - math.lgamma(count + 1))
    return -math.log10(max(first / (1 - mean / (count + 1)), 1e-16))
