"""View of a face in two pictures: whether a mark of one of them shows in the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.comparison import MarkState
from endface.contract import UM_PER_PX
from endface.reinspection.area import Area
from endface.reinspection.face import Face
from endface.reinspection.pose import Pose

_AROUND_UM: Final = 2.0  # of a mark's surroundings that its pattern stands out from
_LEAST_CONTRAST: Final = 0.35  # share of a mark's contrast in one picture from which it shows in the other
_LEAST_LIKENESS: Final = 0.6  # correlation of the pattern in both
_SLACK_PX: Final = 2  # by which the pattern may lie off
_SEEN: Final = 0.9  # share of a mark that both pictures must show

Square = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """Two pictures of a face, laid over one another.

    Attributes:
        before: gray levels of the earlier one, float32 (512, 512).
        now: those of this one as the face lay in the earlier one.
        seen: bool (512, 512), what both show.
    """

    before: Square
    now: Square
    seen: NDArray[np.bool_]

    @classmethod
    def of(cls, previous: Face, face: Face, pose: Pose) -> View:
        """The view at a pose."""
        now = pose.turned_back(face.square.astype(np.float32), UM_PER_PX)
        seen = pose.turned_back(face.seen.astype(np.float32), UM_PER_PX) > 0.5
        return cls(previous.square.astype(np.float32), now, seen & previous.seen)

    def state_of_gone(self, area: Area) -> MarkState:
        """The state of a mark of the earlier picture that is not among those of this one."""
        return self._state(area, "gone", self.before, self.now)

    def state_of_new(self, area: Area) -> MarkState:
        """The state of a mark of this picture that is not among those of the earlier one."""
        return self._state(area, "new", self.now, self.before)

    def _state(self, area: Area, missing: MarkState, with_mark: Square, without: Square) -> MarkState:
        if area.pixels == 0 or area.of_square(self.seen).mean() < _SEEN:
            return "unseen"
        around = area.around(_AROUND_UM)
        pattern = around.of_square(with_mark).astype(np.float64)
        pattern -= pattern.mean()
        steps = range(-_SLACK_PX, _SLACK_PX + 1)
        if any(_shows(pattern, around.of_square(without, x, y).astype(np.float64)) for x in steps for y in steps):
            return "stayed"
        return missing


def _shows(pattern: NDArray[np.float64], levels: NDArray[np.float64]) -> bool:
    """Whether gray levels show a pattern of zero mean."""
    levels = levels - levels.mean()
    common, strength = float(pattern @ levels), float(pattern @ pattern)
    alike = common >= _LEAST_LIKENESS * np.sqrt(strength * float(levels @ levels))
    return bool(alike and common >= _LEAST_CONTRAST * strength and strength > 0)
