"""Why a picture is kept for review: rules on its report, and on that of a candidate beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

from endface.report import Defect, Report
from endface.review.marks import Mark, unmatched

Kind = Literal["asked", "disagreement", "low_confidence", "borderline", "invalid", "fail"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
"""Kinds of cases; a case that is of several is listed under the first of them."""

LOW_CONFIDENCE: Final = 0.6
"""A mark's mean probability below which the network was in doubt; a sure mark has more than 0.8."""

MIN_UM: Final = 3.0
"""Smaller marks make no case by themselves: neither limits nor people tell them reliably."""


@dataclass(frozen=True)
class Reason:
    """One reason to look at a picture: its kind, and a sentence."""

    kind: Kind
    text: str


def reasons_to_keep(report: Report, candidate: Report | None = None, *, asked: bool = False) -> tuple[Reason, ...]:
    """The reasons why a picture should be reviewed; none for a clear pass.

    Args:
        report: what was answered.
        candidate: what another network says of the same picture.
        asked: whether a person wants it.
    """
    found = [Reason("asked", "a person asked for it")] if asked else []
    if candidate is not None:
        found += [Reason("disagreement", text) for text in disagreements(report, candidate)]
    doubtful = [d for d in report.defects if d.zones and d.size_um >= MIN_UM and d.confidence < LOW_CONFIDENCE]
    if doubtful:
        least = min(doubtful, key=lambda defect: defect.confidence)
        found.append(Reason("low_confidence", f"{_named(least)} is reported with confidence {least.confidence:.2f}"))
    if report.borderline:
        found.append(Reason("borderline", "; ".join(report.borderline_reasons) or "the verdict could be the other one"))
    if report.verdict != "pass":
        found.append(Reason(report.verdict, "; ".join(report.reasons) or f"the verdict is {report.verdict}"))
    return tuple(sorted(found, key=lambda reason: KINDS.index(reason.kind)))


def disagreements(report: Report, candidate: Report) -> list[str]:
    """Where two reports of one picture differ: the verdict, and marks in judged zones that one of them found alone."""
    texts = []
    if report.verdict != candidate.verdict:
        texts.append(f"the verdict is {report.verdict}, the candidate says {candidate.verdict}")
    if "invalid" in (report.verdict, candidate.verdict):
        return texts
    texts += [f"only the serving network found {_named(defect)}" for defect in _alone(report, candidate)]
    return texts + [f"only the candidate found {_named(defect)}" for defect in _alone(candidate, report)]


def _alone(report: Report, other: Report) -> list[Defect]:
    """Marks in judged zones that have no counterpart of any size."""
    large = [defect for defect in report.defects if defect.zones and defect.size_um >= MIN_UM]
    own, others = ([Mark(d.type, d.polygon_px) for d in defects] for defects in (large, other.defects))
    return [large[place] for place in unmatched(own, others)]


def _named(defect: Defect) -> str:
    zone = f"in zone {defect.zone}" if defect.zone else "outside the zones"
    return f"{defect.type} {defect.id} ({defect.size_um:.1f} um, {zone})"
