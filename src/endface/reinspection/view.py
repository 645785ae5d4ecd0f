"""View of a face in two pictures: whether a mark of one of them shows in the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.comparison import MarkState
from endface.contract import UM_PER_PX
from endface.picture.square import diameters_um
from endface.reinspection.area import Area
from endface.reinspection.face import Face
from endface.reinspection.pose import Pose

_WIDENED_UM: Final = 1.0  # of an outline; what lies there is neither mark nor surroundings
_AROUND_UM: Final = 2.0  # of a mark's surroundings that it stands out from
_SHOWS: Final = 0.25  # share of a mark's contrast from which it shows; what was removed leaves up to 0.08
_SLACK_PX: Final = 2  # by which the mark may lie off
_SEEN: Final = 0.9  # share of a mark that both pictures must show

Square = NDArray[np.float32]
Outline = list[NDArray[np.float64]]


@dataclass(frozen=True)
class View:
    """Two pictures of a face, laid over one another, without what is the same all around the fiber.

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
        seen = (pose.turned_back(face.seen.astype(np.float32), UM_PER_PX) > 0.5) & previous.seen
        return cls(_without_rings(previous.square.astype(np.float32), seen), _without_rings(now, seen), seen)

    def state_of_gone(self, outline_um: Outline) -> MarkState:
        """The state of a mark of the earlier picture that is not among those of this one."""
        return self._state(outline_um, "gone", self.before, self.now)

    def state_of_new(self, outline_um: Outline) -> MarkState:
        """The state of a mark of this picture that is not among those of the earlier one.

        Args:
            outline_um: its outline as it lay in the earlier picture.
        """
        return self._state(outline_um, "new", self.now, self.before)

    def _state(self, outline_um: Outline, missing: MarkState, marked: Square, other: Square) -> MarkState:
        inner, mark = Area.of(outline_um, 0.0), Area.of(outline_um, _WIDENED_UM)
        whole = mark.around(_AROUND_UM)
        around = whole.without(mark)
        if not (inner.pixels and around.pixels) or whole.of_square(self.seen).mean() < _SEEN:
            return "unseen"

        def pattern(square: Square, x: int, y: int) -> NDArray[np.float64]:
            levels = whole.of_square(square, x, y).astype(np.float64)
            return np.asarray(levels - levels.mean(), np.float64)

        def contrast(square: Square, x: int, y: int) -> float:
            return float(inner.of_square(square, x, y).mean() - around.of_square(square, x, y).mean())

        expected, tone = pattern(marked, 0, 0), contrast(marked, 0, 0)
        strength = float(expected @ expected)
        steps = range(-_SLACK_PX, _SLACK_PX + 1)
        shows = any(
            float(expected @ pattern(other, x, y)) >= _SHOWS * strength
            or contrast(other, x, y) * tone >= _SHOWS * tone * tone
            for x in steps
            for y in steps
        )
        return "stayed" if shows else missing


def _without_rings(square: Square, seen: NDArray[np.bool_]) -> Square:
    """A square less the median of each ring around the fiber, float32 (512, 512)."""
    rings = np.rint(diameters_um() / (2 * UM_PER_PX)).astype(np.intp)
    at = rings[seen]
    order = np.argsort(at, kind="stable")
    bounds = np.searchsorted(at[order], np.arange(1, rings.max() + 1))
    medians = [np.median(levels) if len(levels) else 0.0 for levels in np.split(square[seen][order], bounds)]
    return np.asarray(square - np.asarray(medians, np.float32)[rings], np.float32)
