"""Many scored pictures to the figures that describe them: recall, precision, confusion, agreement, calibration.

Everything is plain JSON: shares are ``{"share": 0.93, "count": 120}``, the share None where nothing was counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np

from endface_build.evaluation.scoring import CODES, LabelledDefect, ReportedDefect, Score

MIN_UM: Final = 3.0
"""Smaller defects count only in the bands of sizes: neither labels nor limits tell them reliably."""

SIZE_BANDS_UM: Final = (1.5, 2.0, 3.0, 5.0, 10.0)
"""Lower ends of the bands of sizes; below the first nothing is counted."""

CONTRAST_BANDS: Final = (0.0, 5.0, 10.0, 20.0, 40.0)
"""Lower ends of the bands of contrast, in gray levels."""

CONFIDENCE_BINS: Final = 10

VERDICTS: Final = ("pass", "fail", "invalid")

Json = dict[str, Any]
_Record = TypeVar("_Record", LabelledDefect, ReportedDefect)


@dataclass(frozen=True)
class Outcome:
    """One picture.

    Attributes:
        name: Its file name.
        score: Its defects; None where neither labels nor report say where the fiber is.
        verdict: The report's.
        truth: The verdict that the same limits give for the labels.
        localised: Whether the fiber was found where it is; None where nobody knows where that is.
        refusal: Code of the reason why the report is invalid; empty where it is not.
    """

    name: str
    score: Score | None
    verdict: str
    truth: str
    localised: bool | None
    refusal: str = ""


def figures(outcomes: Sequence[Outcome]) -> Json:
    """Everything that is said about a set of pictures.

    Args:
        outcomes: The pictures.
    """
    scores = [outcome.score for outcome in outcomes if outcome.score is not None]
    labelled = [defect for score in scores for defect in score.labelled]
    reported = [defect for score in scores for defect in score.reported]
    large = [defect for defect in labelled if defect.size_um >= MIN_UM]
    alarms = [defect for defect in reported if defect.size_um >= MIN_UM]
    found = [defect for defect in large if defect.found]
    return {
        "pictures": len(outcomes),
        "invalid": sum(outcome.verdict == "invalid" for outcome in outcomes),
        "refusals": dict(Counter(outcome.refusal for outcome in outcomes if outcome.refusal).most_common()),
        "localisation": share(outcome.localised for outcome in outcomes if outcome.localised is not None),
        "recall": _groups(labelled, large, lambda defect: defect.found)
        | {"contrast": _banded(large, CONTRAST_BANDS, lambda defect: defect.contrast, lambda defect: defect.found)},
        "precision": _groups(reported, alarms, lambda defect: defect.true),
        "iou": _mean([score.iou for score in scores if score.iou is not None]),
        "line_accuracy": share((defect.said == "scratch") == (defect.kind == "scratch") for defect in found),
        "confusion": _confusion(large, alarms),
        "verdict": agreement([(outcome.truth, outcome.verdict) for outcome in outcomes]),
        "calibration": calibration([(defect.confidence, defect.true) for defect in alarms]),
    }


def share(hits: Iterable[bool | None]) -> Json:
    """Share of what is true, and of how many."""
    values = [bool(hit) for hit in hits]
    return {"share": round(sum(values) / len(values), 4) if values else None, "count": len(values)}


def agreement(pairs: Sequence[tuple[str, str]]) -> Json:
    """How often two verdicts agree, and Cohen's kappa: how much more often than by chance.

    Args:
        pairs: The labels' verdict and the report's, a picture each.

    Returns:
        ``share``, ``kappa`` (None where chance alone agrees always) and the ``table`` of counts, truth first.
    """
    counts = Counter(pairs)
    total = len(pairs)
    agreed = sum(counts[name, name] for name in VERDICTS) / total if total else 0.0
    truths, said = Counter(truth for truth, _ in pairs), Counter(verdict for _, verdict in pairs)
    chance = sum(truths[name] * said[name] for name in VERDICTS) / total**2 if total else 1.0
    return {
        "share": round(agreed, 4) if total else None,
        "count": total,
        "kappa": round((agreed - chance) / (1 - chance), 4) if chance < 1 else None,
        "table": {truth: {verdict: counts[truth, verdict] for verdict in VERDICTS} for truth in ("pass", "fail")},
    }


def calibration(pairs: Sequence[tuple[float, bool]]) -> Json:
    """Whether a confidence means what it says: of what is reported with 0.8, four of five should be true.

    Args:
        pairs: Confidence 0 to 1 of a reported defect, and whether it is true.

    Returns:
        The expected calibration error ``ece`` (mean distance of confidence and truth, each bin by its count) and the
        ``bins`` that hold anything, ``low`` to ``high``.
    """
    bins = []
    for number in range(CONFIDENCE_BINS):
        low, high = number / CONFIDENCE_BINS, (number + 1) / CONFIDENCE_BINS
        inside = [pair for pair in pairs if min(int(pair[0] * CONFIDENCE_BINS), CONFIDENCE_BINS - 1) == number]
        if inside:
            confidence, true = (round(float(np.mean(column)), 4) for column in zip(*inside, strict=True))
            bins.append({"low": low, "high": high, "confidence": confidence, "true": true, "count": len(inside)})
    error = sum(each["count"] * abs(each["confidence"] - each["true"]) for each in bins)
    return {"ece": round(error / len(pairs), 4) if pairs else None, "bins": bins}


def _groups(every: Sequence[_Record], large: Sequence[_Record], good: Callable[[_Record], bool]) -> Json:
    """Shares of all from 3 um, by type, by zone, and by size from the smallest band on."""
    zones = sorted({record.zone for record in large})
    return {
        "all": share(map(good, large)),
        "type": {kind: share(good(record) for record in large if record.kind == kind) for kind in CODES},
        "zone": {zone: share(good(record) for record in large if record.zone == zone) for zone in zones},
        "size_um": _banded(every, SIZE_BANDS_UM, lambda record: record.size_um, good),
    }


def _banded(
    records: Sequence[_Record],
    lows: tuple[float, ...],
    value: Callable[[_Record], float | None],
    good: Callable[[_Record], bool],
) -> Json:
    known = [(value(record), good(record)) for record in records]
    bands = zip(lows, (*lows[1:], float("inf")), strict=True)
    return {
        f"{low:g}-{high:g}" if high < float("inf") else f"> {low:g}": share(
            hit for number, hit in known if number is not None and low <= number < high
        )
        for low, high in bands
    }


def _confusion(labelled: Sequence[LabelledDefect], reported: Sequence[ReportedDefect]) -> Json:
    """Counts of labelled type to said type, ``missed`` where nothing was said, and false alarms by type."""
    said = Counter((defect.kind, defect.said or "missed") for defect in labelled)
    table: Json = {kind: {other: said[kind, other] for other in (*CODES, "missed")} for kind in CODES}
    return table | {"nothing": {kind: sum(d.kind == kind and not d.true for d in reported) for kind in CODES}}


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None
