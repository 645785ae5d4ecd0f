"""Repeatability, as in a gage R&R study: the same part many times, and what changes in its report.

For every part a reference report is made of the part as it is.  Each of its defects is then looked for in the report
of every trial, at the place to which the trial's pose moved it.  Two questions follow: how far do the sizes of one
defect spread (standard deviation, and six of them as a share of the tolerance, P/T), and how often does the verdict
flip between pass and fail.  A trial that is refused is no flip: it is counted apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from endface.report import Defect, Report
from endface_build.evaluation.repeated_parts import CONDITIONS, Matrix, Trial

FOLLOWED_UM: Final = (2.0, 10.0)
"""Defects of the reference between these sizes are followed: there lie the limits of the zones A and B."""

REACH_UM: Final = 2.5
"""How far from its place a defect is looked for; a larger one up to half of its size."""

TOLERANCE_UM: Final = 5.0
"""The tolerance of P/T: the limit for spots in zone A of multimode and zone B of single-mode fibers (edition 2)."""

SEED: Final = 1
"""Fixes every trial."""

Inspect = Callable[[bytes], Report]


class Part(Protocol):
    """A part that can be photographed many times."""

    @property
    def name(self) -> str:
        """What to call it."""

    def reference(self) -> Trial:
        """The part as it is."""

    def trial(self, condition: str, rng: np.random.Generator) -> Trial:
        """The part under a condition."""


@dataclass
class _Tally:
    """Counts and spreads under one condition."""

    trials: int = 0
    flips: int = 0
    clear_flips: int = 0
    invalid: int = 0
    sought: int = 0
    found: int = 0
    spreads: list[tuple[float, int]] = field(default_factory=list)

    def to_json(self, tolerance_um: float) -> dict[str, Any]:
        """Shares, and the pooled standard deviation within defects."""
        freedom = sum(count - 1 for _, count in self.spreads)
        squares = sum(variance * (count - 1) for variance, count in self.spreads)
        sigma_um = math.sqrt(squares / freedom) if freedom else None
        return {
            "trials": self.trials,
            "verdict_flips": self.flips,
            "flips_not_borderline": self.clear_flips,
            "turned_invalid": self.invalid,
            "defects_sought": self.sought,
            "defects_found": self.found,
            "typical_sigma_um": round(math.sqrt(np.median([v for v, _ in self.spreads])), 3) if self.spreads else None,
            "size_sigma_um": None if sigma_um is None else round(sigma_um, 3),
            "precision_to_tolerance": None if sigma_um is None else round(6 * sigma_um / tolerance_um, 3),
        }


def study(
    parts: Sequence[Part],
    inspect: Inspect,
    *,
    repeats: int = 5,
    tolerance_um: float = TOLERANCE_UM,
    progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Repeatability of every part under every condition.

    Args:
        parts: The parts.
        inspect: Gives the report of an encoded picture.
        repeats: Trials of each part under each condition.
        tolerance_um: The tolerance that the spread is compared with.
        progress: Called after each part with the number done.

    Returns:
        Parts, repeats, tolerance, and by condition: trials, verdict flips between pass and fail (and those where
        neither report called itself borderline), trials that were refused, defects sought and found again, the
        standard deviation of a defect's size (of the middle one, and pooled over all, which a few that merge or split
        decide) and P/T.
    """
    tallies = {condition: _Tally() for condition in CONDITIONS}
    judged = []
    for number, part in enumerate(parts):
        reference = inspect(part.reference().data)
        if reference.verdict != "invalid":
            judged.append(part.name)
            for place, condition in enumerate(CONDITIONS):
                rng = np.random.default_rng((SEED, number, place))
                trials = [part.trial(condition, rng) for _ in range(repeats)]
                _compare(tallies[condition], reference, [(inspect(trial.data), trial.pose) for trial in trials])
        if progress is not None:
            progress(number + 1)
    return {
        "parts": len(judged),
        "invalid_parts": len(parts) - len(judged),
        "repeats": repeats,
        "tolerance_um": tolerance_um,
        "conditions": {condition: tally.to_json(tolerance_um) for condition, tally in tallies.items()},
    }


def _compare(tally: _Tally, reference: Report, seen: Sequence[tuple[Report, Matrix]]) -> None:
    """Enter the trials of one part under one condition."""
    for report, _ in seen:
        flipped = is_flip(reference, report)
        tally.trials += 1
        tally.flips += flipped
        tally.clear_flips += flipped and not is_marked(reference, report)
        tally.invalid += report.verdict == "invalid"
    for defect in reference.defects:
        if FOLLOWED_UM[0] <= judged_um(defect) <= FOLLOWED_UM[1] and defect.zone:
            again = [find(defect, report, pose) for report, pose in seen if report.verdict != "invalid"]
            found = [other for other in again if other is not None]
            sizes_um = [judged_um(each) for each in (defect, *found)]
            tally.sought += len(again)
            tally.found += len(found)
            if len(sizes_um) > 1:
                tally.spreads.append((float(np.var(sizes_um, ddof=1)), len(sizes_um)))


def is_flip(before: Report, after: Report) -> bool:
    """Whether one report passes a part and the other one fails it."""
    return {before.verdict, after.verdict} == {"pass", "fail"}


def is_marked(before: Report, after: Report) -> bool:
    """Whether one of two reports says itself that its verdict is borderline."""
    return before.borderline or after.borderline


def judged_um(defect: Defect) -> float:
    """The length that the limits judge: a scratch's width, any other defect's size."""
    return defect.width_um if defect.type == "scratch" else defect.size_um


def find(defect: Defect, report: Report, pose: Matrix) -> Defect | None:
    """A defect of the reference in the report of a trial, nearest to where the pose moved it; None where it is gone.

    Args:
        defect: Of the reference.
        report: Of the trial.
        pose: What the trial did to x and y.
    """
    place = pose @ np.array(defect.center_um)
    reach_um = max(REACH_UM, defect.size_um / 2)
    distances = [(float(np.hypot(*(place - other.center_um))), other) for other in report.defects]
    near = [(distance, other.id, other) for distance, other in distances if distance <= reach_um]
    return min(near)[2] if near else None
