"""How good a network is, defect by defect: found or missed by type and size, true or false alarms, overlap of the
outlines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.contract import UM_PER_PX, Label
from endface.engines.onnx_network import Segment, open_graph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.raster import Window

if TYPE_CHECKING:
    from endface_build.training.batches import SquareSet

MIN_UM = 3.0
"""Smaller marks count neither as defects nor as alarms."""

SIZES_UM = (3.0, 5.0, 10.0, 25.0)
"""Lower ends of the size classes."""

FOUND_SHARE = 0.4
"""Share of a true defect's pixels that a report must cover."""

TRUE_SHARE = 0.3
"""Share of a reported defect's pixels that must lie on a true or undecided one."""

STRAY = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
"""Outlines may stray by 2 px (1 um)."""

Labels = NDArray[np.uint8]


class Tally:
    """Counts over many label maps; ``add`` them one by one, then read ``metrics``."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, truth: Labels, found: Labels) -> None:
        """Compare one label map with the truth.

        Args:
            truth: uint8 (H, W), ``Label`` codes and ``UNDECIDED``.
            found: uint8 (H, W), ``Label`` codes.
        """
        self._add_alarms(truth, found)
        self._add_defects(truth, found)
        decided = truth != UNDECIDED
        for label in Label:
            if label != Label.BACKGROUND:
                both, either = (
                    decided & x for x in ((truth == label) & (found == label), (truth == label) | (found == label))
                )
                self._count("intersection", label.name.lower(), int(both.sum()))
                self._count("union", label.name.lower(), int(either.sum()))
        self._count("intersection", "any", int((decided & (truth > 0) & (found > 0)).sum()))
        self._count("union", "any", int((decided & ((truth > 0) | (found > 0))).sum()))

    def metrics(self) -> dict[str, Any]:
        """Recall by type and size, precision by type, IoU by type, share of found defects of the right type."""
        types = [label.name.lower() for label in Label if label != Label.BACKGROUND]
        sizes = [_size_class(size_um) for size_um in SIZES_UM]
        return {
            "recall": {name: self._share("found", "defects", name) for name in ["any", *types, *sizes]},
            "precision": {name: self._share("true", "alarms", name) for name in ["any", *types]},
            "iou": {name: self._share("intersection", "union", name) for name in ["any", *types]},
            "right_type": {name: self._share("typed", "found", name) for name in ["any", *types]},
            "line_or_not": self._share("lined", "found", "any"),
            "defects": self._counts["defects", "any"],
            "alarms": self._counts["alarms", "any"],
        }

    def _count(self, what: str, name: str, amount: int = 1) -> None:
        self._counts[what, name] += amount

    def _share(self, part: str, whole: str, name: str) -> float | None:
        total = self._counts[whole, name]
        return round(self._counts[part, name] / total, 4) if total else None

    def _add_alarms(self, truth: Labels, found: Labels) -> None:
        something = _dilate(truth > 0)
        for window, mark in _components(found > 0):
            if _size_um(mark) >= MIN_UM:
                kind = Label(int(np.bincount(found[window][mark]).argmax())).name.lower()
                for name in ("any", kind):
                    self._count("alarms", name)
                    self._count("true", name, int(something[window][mark].mean() >= TRUE_SHARE))

    def _add_defects(self, truth: Labels, found: Labels) -> None:
        near = _dilate(found > 0)
        for label in Label:
            for window, mark in _components(truth == label) if label != Label.BACKGROUND else ():
                size_um = _size_um(mark)
                if size_um < MIN_UM:
                    continue
                hit = near[window][mark].mean() >= FOUND_SHARE
                votes = np.bincount(found[window][_dilate(mark)], minlength=len(Label))[1:]
                said = Label(int(votes.argmax()) + 1)
                for name in ("any", label.name.lower(), _size_class(size_um)):
                    self._count("defects", name)
                    self._count("found", name, int(hit))
                    self._count("typed", name, int(hit and said == label))
                    self._count("lined", name, int(hit and (said == Label.SCRATCH) == (label == Label.SCRATCH)))


def evaluate(engine: Segment, data: SquareSet, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Metrics of an exported network over a held-out set.

    Args:
        engine: The network.
        data: Squares it has never seen.
        progress: Called after each square with the number done.
    """
    tally = Tally()
    for index in range(len(data)):
        found, _ = engine(np.asarray(data.squares[index])[None, None])
        tally.add(np.asarray(data.labels[index]), found[0])
        if progress is not None:
            progress(index + 1)
    return {"squares": len(data), **tally.metrics()}


def metrics_of(model: Path, folder: Path, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """``evaluate`` from files: a network and the folder of a held-out set."""
    from endface_build.training.batches import SquareSet  # torch: only where a set is opened

    return evaluate(open_graph(model), SquareSet(folder), progress)


def _size_class(size_um: float) -> str:
    """Name of the size class, say ``from_3_um``."""
    return f"from_{max(low for low in SIZES_UM if low <= size_um):g}_um"


def _dilate(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(cv2.dilate(mask.astype(np.uint8), STRAY), np.bool_)


def _components(mask: NDArray[np.bool_]) -> Iterator[tuple[Window, NDArray[np.bool_]]]:
    """The separate marks: a window with room to stray, and the mark in it; gaps of one pixel do not separate."""
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, numbers, boxes, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for number in range(1, count):
        left, top, width, height = (int(side) for side in boxes[number][:4])
        window = slice(max(0, top - 2), top + height + 2), slice(max(0, left - 2), left + width + 2)
        yield window, (numbers[window] == number) & mask[window]


def _size_um(mark: NDArray[np.bool_]) -> float:
    """Diameter of the smallest circle around a mark's pixels."""
    points = cv2.findNonZero(mark.astype(np.uint8))
    return (2 * cv2.minEnclosingCircle(points)[1] + 1) * UM_PER_PX
