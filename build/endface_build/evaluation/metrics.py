"""Metrics of many evaluated pictures: recall, precision, confusion, verdicts, calibration.

Everything is plain JSON. A share is ``{"share": 0.93, "hits": 112, "count": 120, "low": 0.87, "high": 0.97}`` with
Wilson's 95 % interval; share and interval are None where nothing was counted.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, get_args

import numpy as np

from endface.report import VerdictName
from endface_build.evaluation.label_verdicts import CODES, EITHER
from endface_build.evaluation.match_defects import LabelledDefect, Match, ReportedDefect

MIN_UM: Final = 3.0
"""Smaller defects count only in the bands of sizes: neither labels nor limits tell them reliably."""

SIZE_BANDS_UM: Final = (1.5, 2.0, 3.0, 5.0, 10.0)
"""Lower ends of the bands of sizes; below the first nothing is counted."""

LENGTH_BANDS_UM: Final = (3.0, 30.0, 60.0, 120.0)
"""Lower ends of the bands of a scratch's length."""

CONTRAST_BANDS: Final = (0.0, 5.0, 10.0, 20.0, 50.0)
"""Lower ends of the bands of contrast, in gray levels."""

CONFIDENCE_BINS: Final = 10

CONFIDENT_Z: Final = 1.96
"""Normal deviation of a 95 % interval."""

VERDICTS: Final = get_args(VerdictName)

Json = dict[str, Any]
_Record = TypeVar("_Record", LabelledDefect, ReportedDefect)


@dataclass(frozen=True)
class EvaluatedPicture:
    """One picture's report against its labels.

    Attributes:
        name: Its file name.
        match: Its defects; None where neither labels nor report say where the fiber is.
        verdict: The report's.
        truth: The right verdicts: what the same limits give for the labels, two where these may be read both ways, and
            ``invalid`` where the picture cannot be judged or may be refused.
        near: Whether the truth changes with the labels' own errors of size.
        localized: Whether the fiber was found where it is; None where nobody knows where that is.
        refusal: Code of the reason why the report is invalid; empty where it is not.
    """

    name: str
    match: Match | None
    verdict: str
    truth: frozenset[str]
    near: bool = False
    localized: bool | None = None
    refusal: str = ""


def summarize(pictures: Sequence[EvaluatedPicture]) -> Json:
    """All metrics of a set of pictures."""
    matches = [picture.match for picture in pictures if picture.match is not None]
    labelled = [defect for match in matches for defect in match.labelled]
    reported = [defect for match in matches for defect in match.reported]
    large = [defect for defect in labelled if defect.size_um >= MIN_UM]
    alarms = [defect for defect in reported if defect.size_um >= MIN_UM]
    lines = [defect for defect in large if "scratch" in defect.types]
    found = [defect for defect in large if defect.found]
    return {
        "pictures": len(pictures),
        "invalid": sum(picture.verdict == "invalid" for picture in pictures),
        "unjudgeable": sum(picture.truth == {"invalid"} for picture in pictures),
        "refusals": dict(Counter(picture.refusal for picture in pictures if picture.refusal).most_common()),
        "localisation": share(picture.localized for picture in pictures if picture.localized is not None),
        "recall": _groups(labelled, large, (*CODES, EITHER), lambda defect: defect.found)
        | {
            "contrast": _banded(large, CONTRAST_BANDS, lambda defect: defect.contrast, lambda defect: defect.found),
            "length_um": _banded(lines, LENGTH_BANDS_UM, lambda defect: defect.size_um, lambda defect: defect.found),
            "length_contrast": {
                band: _banded(inside, CONTRAST_BANDS, lambda defect: defect.contrast, lambda defect: defect.found)
                for band, inside in _bands(lines, LENGTH_BANDS_UM, lambda defect: defect.size_um).items()
            },
        },
        "precision": _groups(reported, alarms, tuple(CODES), lambda defect: defect.true),
        "iou": _mean([match.iou for match in matches if match.iou is not None]),
        "line_accuracy": share(defect.told_line for defect in found),
        "line_accuracy_sure": share(defect.told_line for defect in found if defect.kind != EITHER),
        "confusion": _confusion(large, alarms),
        "verdict": verdict_agreement(pictures),
        "calibration": calibration([(defect.confidence, defect.true) for defect in alarms]),
    }


def share(hits: Iterable[bool]) -> Json:
    """Share of what is true, of how many, and Wilson's 95 % interval."""
    values = [bool(hit) for hit in hits]
    count, good = len(values), sum(values)
    if not count:
        return {"share": None, "hits": 0, "count": 0, "low": None, "high": None}
    square = CONFIDENT_Z**2 / count
    middle = (good / count + square / 2) / (1 + square)
    half = math.sqrt(square * (good / count * (1 - good / count) + square / 4)) / (1 + square)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return {
        "share": round(good / count, 4),
        "hits": good,
        "count": count,
        "low": round(low, 4),
        "high": round(high, 4),
    }


def verdict_agreement(pictures: Sequence[EvaluatedPicture]) -> Json:
    """Agreement of the verdicts.

    Returns:
        The ``share`` that is right; ``false_pass``, the share that passes of those for which that is not right (they
        fail, or cannot be judged), and ``false_fail``, the share that fails of those for which only a pass is a right
        judgment; how many are ``ambiguous`` (several verdicts are right); of the others how many are ``near`` a limit,
        Cohen's ``kappa`` (None where chance alone agrees always) and the ``table`` of counts, truth first.
    """
    sure = [(next(iter(each.truth)), each.verdict) for each in pictures if len(each.truth) == 1]
    counts, total = Counter(sure), len(sure)
    agreed = sum(counts[name, name] for name in VERDICTS) / total if total else 0.0
    truths, said = Counter(truth for truth, _ in sure), Counter(verdict for _, verdict in sure)
    chance = sum(truths[name] * said[name] for name in VERDICTS) / total**2 if total else 1.0
    return share(each.verdict in each.truth for each in pictures) | {
        "ambiguous": len(pictures) - total,
        "near": sum(each.near for each in pictures if len(each.truth) == 1),
        "kappa": round((agreed - chance) / (1 - chance), 4) if chance < 1 else None,
        "false_pass": share(each.verdict == "pass" for each in pictures if "pass" not in each.truth),
        "false_fail": share(each.verdict == "fail" for each in pictures if each.truth - {"invalid"} == {"pass"}),
        "table": {truth: {verdict: counts[truth, verdict] for verdict in VERDICTS} for truth in VERDICTS},
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


def _groups(
    every: Sequence[_Record], large: Sequence[_Record], kinds: Sequence[str], good: Callable[[_Record], bool]
) -> Json:
    """Shares of all from 3 um, by type, by zone, and by size from the smallest band on."""
    zones = sorted({record.zone for record in large})
    return {
        "all": share(map(good, large)),
        "type": {kind: share(good(record) for record in large if record.kind == kind) for kind in kinds},
        "zone": {zone: share(good(record) for record in large if record.zone == zone) for zone in zones},
        "size_um": _banded(every, SIZE_BANDS_UM, lambda record: record.size_um, good),
    }


def _banded(
    records: Sequence[_Record],
    lows: tuple[float, ...],
    value: Callable[[_Record], float | None],
    good: Callable[[_Record], bool],
) -> Json:
    """Shares by band."""
    return {band: share(map(good, inside)) for band, inside in _bands(records, lows, value).items()}


def _bands(
    records: Sequence[_Record], lows: tuple[float, ...], value: Callable[[_Record], float | None]
) -> dict[str, list[_Record]]:
    """Records by band; one whose value is not known is in none."""
    known = [(number, record) for record in records if (number := value(record)) is not None]
    bands = zip(lows, (*lows[1:], math.inf), strict=True)
    return {
        f"{low:g}-{high:g}" if high < math.inf else f"> {low:g}": [
            record for number, record in known if low <= number < high
        ]
        for low, high in bands
    }


def _confusion(labelled: Sequence[LabelledDefect], reported: Sequence[ReportedDefect]) -> Json:
    """Counts of labelled type to reported type, ``missed`` where nothing was reported, and false alarms by type."""
    said = Counter((defect.kind, defect.said or "missed") for defect in labelled)
    table: Json = {kind: {other: said[kind, other] for other in (*CODES, "missed")} for kind in (*CODES, EITHER)}
    return table | {"nothing": {kind: sum(d.kind == kind and not d.true for d in reported) for kind in CODES}}


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None
