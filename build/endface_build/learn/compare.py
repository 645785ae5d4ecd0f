"""The network that serves and a candidate on the same labelled pictures, and how sure their difference is.

Pictures of one part are not independent, so parts are drawn again, not pictures (cluster bootstrap, Efron and
Tibshirani 1993).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.criteria.profile import load_profile
from endface.options import Options
from endface.picture.decode import decode
from endface.report import Report
from endface_build.data.labelled import Labelled
from endface_build.evaluation.evaluate_pictures import evaluate_report
from endface_build.evaluation.false_passes import JudgedSet
from endface_build.evaluation.inspector import with_network
from endface_build.evaluation.metrics import MIN_UM, EvaluatedPicture

DRAWS: Final = 2_000
LEAST_PARTS: Final = 5
"""Fewer parts give no interval."""

_SEED: Final = 20_011

FIGURES: Final = ("recall", "precision", "verdict", "false_pass")
"""Shares of: defects found, true ones of those reported, right verdicts, bad parts that pass."""

LOWER_IS_BETTER: Final = ("false_pass",)

Counts = Mapping[str, tuple[int, int]]
"""Hits and count of each figure."""


@dataclass(frozen=True)
class Pair:
    """What both networks say of a picture.

    Attributes:
        labelled: the picture with its labels.
        part: that it shows.
        serving: the report of the network that serves.
        candidate: the candidate's.
        before: the first against the labels.
        after: the second.
    """

    labelled: Labelled
    part: str
    serving: Report
    candidate: Report
    before: EvaluatedPicture
    after: EvaluatedPicture

    @property
    def differs(self) -> bool:
        """Whether the verdicts differ, or what was found and what was reported in vain."""
        return self.serving.verdict != self.candidate.verdict or counts(self.before) != counts(self.after)


@dataclass(frozen=True)
class Change:
    """A share with both networks, and the 95 % interval of the difference.

    Attributes:
        before: with the network that serves; None where nothing was counted.
        after: with the candidate.
        count: what was counted with the candidate.
        low: lower end of the difference; None where there are too few parts.
        high: upper end.
    """

    before: float | None
    after: float | None
    count: int
    low: float | None = None
    high: float | None = None

    def is_worse(self, name: str) -> bool:
        """Whether the candidate is surely worse in a figure of that name."""
        if self.low is None or self.high is None:
            return False
        return self.low > 0 if name in LOWER_IS_BETTER else self.high < 0

    def is_better(self, name: str) -> bool:
        """Whether the candidate is better in a figure of that name, sure or not."""
        if self.before is None or self.after is None:
            return False
        return self.after < self.before if name in LOWER_IS_BETTER else self.after > self.before


@dataclass(frozen=True)
class Comparison:
    """Both networks on a set.

    Attributes:
        pictures: how many.
        parts: of how many parts.
        changes: of each figure.
    """

    pictures: int
    parts: int
    changes: Mapping[str, Change]


def judge(
    judged: JudgedSet, networks: tuple[Path, Path], part_of: Callable[[str], str], options: Options
) -> Iterator[Pair]:
    """Both networks' reports of each picture of a set.

    Args:
        judged: the set.
        networks: the ``.onnx`` files of the one that serves and of the candidate.
        part_of: the part that a picture shows, by the picture's name.
        options: all but the profile.
    """
    limits = load_profile(judged.profile)
    settled = replace(options, profile=judged.profile)
    serving, candidate = (with_network(path, settled) for path in networks)
    for labelled in judged.pictures:
        gray = decode(labelled.data).gray
        reports = serving(labelled.data, labelled.name), candidate(labelled.data, labelled.name)
        before, after = (evaluate_report(labelled, report, limits, gray) for report in reports)
        yield Pair(labelled, part_of(labelled.name), *reports, before, after)


def counts(picture: EvaluatedPicture) -> Counts:
    """Hits and count of each figure on one picture."""
    labelled = picture.match.labelled if picture.match else ()
    reported = picture.match.reported if picture.match else ()
    large = [defect.found for defect in labelled if defect.size_um >= MIN_UM]
    alarms = [defect.true for defect in reported if defect.size_um >= MIN_UM]
    must_not_pass = "pass" not in picture.truth
    return {
        "recall": (sum(large), len(large)),
        "precision": (sum(alarms), len(alarms)),
        "verdict": (int(picture.verdict in picture.truth), 1),
        "false_pass": (int(must_not_pass and picture.verdict == "pass"), int(must_not_pass)),
    }


def compare(rows: Sequence[tuple[str, Counts, Counts]]) -> Comparison:
    """Shares of both networks, and how sure their differences are.

    Args:
        rows: for each picture its part, and the counts of the network that serves and of the candidate.
    """
    parts = sorted({part for part, _, _ in rows})
    changes = {}
    for name in FIGURES:
        table = np.zeros((len(parts), 4))
        for part, before, after in rows:
            table[parts.index(part)] += (*before[name], *after[name])
        changes[name] = _change(table)
    return Comparison(len(rows), len(parts), changes)


def _change(table: NDArray[np.float64]) -> Change:
    """A figure from its counts, a row a part: hits and count before, hits and count after."""
    total = table.sum(axis=0)
    if not total[1] or not total[3]:
        return Change(_share(total[:2]), _share(total[2:]), int(total[3]))
    before, after = total[0] / total[1], total[2] / total[3]
    if len(table) < LEAST_PARTS:
        return Change(before, after, int(total[3]))
    rng = np.random.default_rng(_SEED)
    drawn = table[rng.integers(len(table), size=(DRAWS, len(table)))].sum(axis=1)
    drawn = drawn[(drawn[:, 1] > 0) & (drawn[:, 3] > 0)]
    low, high = np.quantile(drawn[:, 2] / drawn[:, 3] - drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return Change(before, after, int(total[3]), float(low), float(high))


def _share(pair: NDArray[np.float64]) -> float | None:
    return float(pair[0] / pair[1]) if pair[1] else None
