"""Invariance of reports: what changes in them where only the picture's pose, light, file or focus changes.

- A flip is a pass where there was a fail, or the reverse; it is marked where one of the two reports is borderline.
- A picture that is refused at first is left out; one that is refused after the change is counted apart.
- A defect of 3 um and more is found again where another one's center lies within 3 um of its own, in the fiber's
  coordinates; their sizes are compared.
- A part that fails at first is kept where it fails, is borderline or is refused after the change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.report import Report
from endface_build.data.drawn_pictures import encode
from endface_build.evaluation.metrics import MIN_UM, Json
from endface_build.evaluation.picture_changes import BLURS, POSES, Change
from endface_build.evaluation.repeatability import Inspect, is_flip, is_marked
from endface_build.evaluation.repeated_parts import Matrix

REACH_UM: Final = 3.0
"""How far from its place a defect may be found again."""

CHANGES: Final = (*POSES, *BLURS)


@dataclass
class _Tally:
    """Counts of one change."""

    pictures: int = 0
    flips: int = 0
    unmarked: list[str] = field(default_factory=list)
    invalid: int = 0
    sought: int = 0
    differences_um: list[float] = field(default_factory=list)
    failing: int = 0
    kept: int = 0

    def add(self, name: str, before: Report, after: Report, pose: Matrix) -> None:
        """Enter the reports of one picture; ``before`` is not invalid."""
        self.pictures += 1
        if before.verdict == "fail":
            self.failing += 1
            self.kept += after.verdict != "pass" or after.borderline
        if after.verdict == "invalid":
            self.invalid += 1
            return
        if is_flip(before, after):
            self.flips += 1
            if not is_marked(before, after):
                self.unmarked.append(name)
        places = [(*(np.linalg.inv(pose) @ defect.center_um), defect.size_um) for defect in after.defects]
        for defect in before.defects:
            if defect.size_um >= MIN_UM:
                self.sought += 1
                distances = [(math.dist(defect.center_um, (x, y)), size_um) for x, y, size_um in places]
                distance_um, size_um = min(distances, key=lambda pair: pair[0], default=(math.inf, 0.0))
                if distance_um <= REACH_UM:
                    self.differences_um.append(abs(size_um - defect.size_um))

    def to_json(self) -> Json:
        """The counts, the share of flips, and the spread of sizes."""
        found = len(self.differences_um)
        middle_um, most_um = np.percentile(self.differences_um, [50, 95]).tolist() if found else (None, None)
        return {
            "pictures": self.pictures,
            "flips": self.flips,
            "flip_share": _share(self.flips, self.pictures - self.invalid),
            "unmarked": len(self.unmarked),
            "unmarked_pictures": self.unmarked,
            "invalid": self.invalid,
            "sought": self.sought,
            "found": found,
            "found_again": _share(found, self.sought),
            "size_median_um": None if middle_um is None else round(middle_um, 2),
            "size_p95_um": None if most_um is None else round(most_um, 2),
            "failing": self.failing,
            "kept": self.kept,
        }


def study(
    pictures: Mapping[str, NDArray[np.uint8]],
    inspect: Inspect,
    changes: Sequence[Change] = CHANGES,
    progress: Callable[[int], None] | None = None,
) -> Json:
    """Invariance of the reports of some pictures under each change.

    Args:
        pictures: Gray levels uint8 (H, W) by name.
        inspect: Gives the report of an encoded picture.
        changes: What is done to each picture.
        progress: Called after each picture with the number done.

    Returns:
        ``judged`` and ``refused``, the pictures that were judged at first and those that were not, and ``changes``:
        by name ``pictures``, ``flips`` and their share, ``unmarked`` ones and their pictures, pictures turned
        ``invalid``, defects ``sought``, ``found`` again and their share, median and 95th percentile of the difference
        of their sizes, and how many of the ``failing`` ones are ``kept``.
    """
    tallies = {change.name: _Tally() for change in changes}
    judged = refused = 0
    for number, (name, gray) in enumerate(pictures.items(), start=1):
        before = inspect(encode(gray))
        refused += before.verdict == "invalid"
        if before.verdict != "invalid":
            judged += 1
            for change in changes:
                tallies[change.name].add(name, before, inspect(encode(change.apply(gray))), change.pose)
        if progress is not None:
            progress(number)
    return {
        "judged": judged,
        "refused": refused,
        "changes": {name: tally.to_json() for name, tally in tallies.items()},
    }


def unmarked_flips(result: Json) -> int:
    """All unmarked flips of a study."""
    return sum(values["unmarked"] for values in result["changes"].values())


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 3) if whole else None
