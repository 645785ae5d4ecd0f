"""Registration: by how much a face has turned and shifted since an earlier picture, or that nobody can tell.

Every turn is tried with every small shift.  Evidence that survives cleaning decides: the texture beside the marks, or
marks that lie where they lay.  What does not move with the face, such as dust on the camera, agrees at no turn and at
the shift of the two fiber centers; where that is a small one, no turn is believed only where marks prove it, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.reinspection.coincidence import mark_evidence
from endface.reinspection.content import CONTENT_UM_PER_PX, Content, inside
from endface.reinspection.face import Face
from endface.reinspection.pose import Pose

_REACH_PX: Final = 3  # the centers of both fibers are known to about 1 um
_TURNS_DEG: Final = np.arange(0.0, 360.0)
_FINE_DEG: Final = np.arange(-1.25, 1.26, 0.25)
_PEAKS: Final = (4, 2)  # turns that are looked at: the best by the whole content, and by the texture alone
_PEAK_DEG: Final = 4.0  # turns nearer than this are one
_SURE_DEVIATIONS: Final = 7.0  # of the texture's correlation at a turn from that at other turns; unrelated: up to 5.5
_NEAR_DEG: Final = 2.0  # within which a turn's correlation is looked for
_FIXED_DEG: Final = 5.0  # up to which dust on the camera agrees with itself
_FIXED_UM: Final = 6.0  # the same for the shift: the reach, and the width of the dust
_DISTINCT: Final = 1.5  # how much more evidence the best turn must have than any other

_OTHER_FACE: Final = (
    "not compared: no turn lays the earlier picture over this one; it shows another face, or the face has too little "
    "texture"
)
_SEVERAL: Final = "not compared: the earlier picture fits at several turns"
_UNMOVED: Final = (
    "not compared: the pictures agree only where they would by dust in the microscope; turn the connector and inspect "
    "again"
)

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Registration:
    """A registration.

    Attributes:
        pose: how the face lies against the earlier picture; None where nobody can tell.
        evidence: 1 is what it takes.
        reason: why there is no pose, in a sentence; empty where there is one.
    """

    pose: Pose | None
    evidence: float
    reason: str = ""


@dataclass(frozen=True)
class _Candidate:
    pose: Pose
    evidence: float


@dataclass(frozen=True)
class _Unmoved:
    texture: float
    registration: Registration


def register(previous: Face, face: Face) -> Registration:
    """Register a face against an earlier picture of it; an uncertain pose is none."""
    before, now = Content.of(previous), Content.of(face)
    whole, texture = _Search.over(before.whole, now.whole), _Search.over(before.texture, now.texture)
    fixed = _may_be_fixed(previous, face)
    turns = {
        turn for search, count in zip((whole, texture), _PEAKS, strict=True) for turn in search.peaks(count, fixed)
    }
    found = []
    for turn in sorted(turns):
        pose = whole.refined(turn)
        deviations = max(texture.deviations(turn, fixed), 0.0) / _SURE_DEVIATIONS
        found.append(_Candidate(pose, float(np.hypot(deviations, mark_evidence(previous, face, pose)))))
    best, *others = sorted(found, key=lambda candidate: -candidate.evidence)
    unmoved = _unmoved(previous, face, whole, texture) if fixed else None
    if unmoved is not None and unmoved.texture > best.evidence:  # what is found elsewhere may be its side lobe
        return unmoved.registration
    if best.evidence < 1:
        return Registration(None, best.evidence, _OTHER_FACE)
    elsewhere = [each for each in others if _apart(np.asarray(each.pose.turn_deg), best.pose.turn_deg) >= _PEAK_DEG]
    if any(other.evidence * _DISTINCT > best.evidence for other in elsewhere):
        return Registration(None, best.evidence, _SEVERAL)
    return Registration(best.pose, best.evidence)


def _may_be_fixed(previous: Face, face: Face) -> bool:
    """Whether what does not move with the face agrees within reach: both fibers lie at one place of the picture."""
    moved_px = np.subtract(previous.placement.center_px, face.placement.center_px)
    return bool(np.abs(moved_px * np.asarray(face.um_per_px)).max() <= _FIXED_UM)


def _unmoved(previous: Face, face: Face, whole: _Search, texture: _Search) -> _Unmoved | None:
    """The registration of a face that lies where it lay, if anything agrees there: its marks must say so, too."""
    near = _apart(_TURNS_DEG, 0.0) <= _FIXED_DEG
    turn = float(_TURNS_DEG[np.where(near, whole.scores.max(axis=1), -1).argmax()])
    deviations = texture.deviations(turn) / _SURE_DEVIATIONS
    if deviations < 1:
        return None
    pose = whole.refined(turn)
    evidence = min(deviations, mark_evidence(previous, face, pose, fitted=False))
    found = Registration(pose, evidence) if evidence >= 1 else Registration(None, evidence, _UNMOVED)
    return _Unmoved(deviations, found)


@dataclass(frozen=True)
class _Search:
    """Correlation of a content with an earlier one, at every turn and shift.

    Attributes:
        shifted: the earlier content at every shift, float32 (49, N), each of unit length.
        now: the other content, float32 (256, 256).
        scores: correlation float32 (360, 49).
    """

    shifted: Scores
    now: Scores
    scores: Scores

    @classmethod
    def over(cls, before: Scores, now: Scores) -> _Search:
        """Search for a content among the turns and shifts of another."""
        shifted = _shifted(before)
        return cls(shifted, now, _correlated(shifted, now, _TURNS_DEG))

    def peaks(self, count: int, fixed: bool) -> list[float]:
        """The turns with the best correlation, in degrees; none about 0 where what does not move decides there."""
        best, found = self.scores.max(axis=1), []
        left = best.copy()
        if fixed:
            is_peak = (best >= np.roll(best, 1)) & (best >= np.roll(best, -1))
            left[(_apart(_TURNS_DEG, 0.0) <= _FIXED_DEG) | ~is_peak] = -1
        for _ in range(count):
            found.append(float(_TURNS_DEG[left.argmax()]))
            left[_apart(_TURNS_DEG, found[-1]) < _PEAK_DEG] = -1
        return found

    def deviations(self, turn_deg: float, fixed: bool = False) -> float:
        """How far the correlation about a turn stands out from that at all turns, in their standard deviations.

        Args:
            turn_deg: the turn.
            fixed: whether turns about 0 are left out.
        """
        best = self.scores.max(axis=1)
        middle = np.median(best)
        deviation = 1.4826 * np.median(np.abs(best - middle))
        near = _apart(_TURNS_DEG, turn_deg) <= _NEAR_DEG
        if fixed:
            near &= _apart(_TURNS_DEG, 0.0) > _FIXED_DEG
        return float((best[near].max() - middle) / max(deviation, 1e-6))

    def refined(self, turn_deg: float) -> Pose:
        """The best pose about a turn, between the steps of turns and shifts."""
        turns = turn_deg + _FINE_DEG
        scores = _correlated(self.shifted, self.now, turns)
        turn, shift = np.unravel_index(scores.argmax(), scores.shape)
        pose = Pose(float(turns[turn] + _FINE_STEP_DEG * _between(scores[:, shift], int(turn))), (0.0, 0.0))
        y, x = divmod(int(shift), _SIDE)
        table = scores[turn].reshape(_SIDE, _SIDE)
        shift_px = np.array([x + _between(table[y], x), y + _between(table[:, x], y)]) - _REACH_PX
        x_um, y_um = pose.forward(-shift_px * CONTENT_UM_PER_PX)
        return Pose(pose.turn_deg, (float(x_um), float(y_um)))


_FINE_STEP_DEG: Final = 0.25
_SIDE: Final = 2 * _REACH_PX + 1


def _shifted(content: Scores) -> Scores:
    """A content at every shift within reach, the pixels in the compared disc, float32 (49, N) of unit length."""
    padded, side = np.pad(content, _REACH_PX), len(content)
    views = [padded[y : y + side, x : x + side][inside()] for y in range(_SIDE) for x in range(_SIDE)]
    rows = np.stack(views)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6), np.float32)


def _correlated(shifted: Scores, now: Scores, turns_deg: NDArray[np.float64]) -> Scores:
    """Correlation at turns and all shifts, float32 (turns, 49)."""
    scores = np.empty((len(turns_deg), len(shifted)), np.float32)
    for row, turn in enumerate(turns_deg):
        back = Pose(float(turn), (0.0, 0.0)).turned_back(now, CONTENT_UM_PER_PX)[inside()]
        scores[row] = shifted @ back / max(float(np.linalg.norm(back)), 1e-6)
    return scores


def _between(scores: Scores, best: int) -> float:
    """Where the peak of three neighboring scores lies, from the middle one, by the parabola through them."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    low, peak, high = (float(score) for score in scores[best - 1 : best + 2])
    bend = low - 2 * peak + high
    return 0.5 * (low - high) / bend if bend < 0 else 0.0


def _apart(turns_deg: NDArray[np.float64], turn_deg: float) -> NDArray[np.float64]:
    """Angle between turns, 0 to 180 degrees."""
    return np.asarray(np.abs((turns_deg - turn_deg + 180) % 360 - 180), np.float64)
