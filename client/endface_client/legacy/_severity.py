"""Severities of the classical pipeline from endface's limits, so that its score and the profile's verdict agree.

The pipeline adds up points and fails a face for any CRITICAL, for more than two HIGH, or from 31 points on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from endface.criteria.limits import Interval
from endface.criteria.profile import UNCERTAINTY_UM
from endface.report import Defect, LimitResult, Report
from endface_client._errors import ProtocolError

Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW", "NEGLIGIBLE"]

POINTS: Final[dict[Severity, int]] = {"CRITICAL": 25, "HIGH": 15, "MEDIUM": 8, "LOW": 3, "NEGLIGIBLE": 1}
"""What the pipeline takes off 100 for a defect, the worst first."""

ROOM: Final = 30
"""Points up to which the pipeline passes a face: it fails a score below 70."""

MARGINS_UM: Final[dict[Severity, float]] = {"HIGH": UNCERTAINTY_UM, "MEDIUM": 2.0, "LOW": math.inf}
"""Margins up to which a defect within the limits has a severity; NEGLIGIBLE where no limit can be broken.

Half a micrometer is how far a size may be off: such a defect may well be beyond its limit.
"""


@dataclass(frozen=True)
class Grade:
    """The severity of a defect, and how close to a limit it is.

    Attributes:
        severity: by the table in docs/migrating.md.
        breaks_limit: a row that fails counts it.
        margin_um: how much larger it would have to be to break a limit; infinite where no growth does.
    """

    severity: Severity
    breaks_limit: bool
    margin_um: float


def grade(defect: Defect, report: Report) -> Grade:
    """The defect against the limits of its zones, as the report has them.

    Raises:
        ProtocolError: see ``sizes``.
    """
    size_um = defect.width_um if defect.type == "scratch" else defect.size_um
    rows = [(row, sizes(row)) for row in _rows(defect, report)]
    if any(row.verdict == "fail" and size_um in interval for row, interval in rows):
        return Grade("CRITICAL", True, 0.0)
    full = [interval for row, interval in rows if row.allowed is not None and row.found >= row.allowed]
    ahead = [interval.lower - size_um for interval in full if size_um not in interval and interval.lower >= size_um]
    margin_um = min(ahead, default=math.inf)
    return Grade(severity_at(margin_um), False, margin_um)


def severity_at(margin_um: float) -> Severity:
    """Severity of a defect that breaks no limit and would break one if it were larger by ``margin_um``."""
    if margin_um == math.inf:
        return "NEGLIGIBLE"
    return next(severity for severity, most_um in MARGINS_UM.items() if margin_um <= most_um)


def fitted(severities: Sequence[Severity]) -> list[Severity | None]:
    """Severities of a face that passes, lowered until the pipeline passes it as well, the mildest first.

    Returns:
        One for each; None from the 31st on, for which no point is left.
    """
    worst_first = sorted(range(len(severities)), key=lambda index: -POINTS[severities[index]])[:ROOM]
    lowered: list[Severity | None] = [None] * len(severities)
    room = ROOM
    for rank, index in enumerate(worst_first, start=1):
        spendable = room - (len(worst_first) - rank)  # at least a point for each that follows
        most = min(POINTS[severities[index]], spendable)
        lowered[index] = fits = next(name for name, points in POINTS.items() if points <= most)
        room -= POINTS[fits]
    return lowered


def sizes(row: LimitResult) -> Interval:
    """The sizes that a row of a report is about.

    Raises:
        ProtocolError: the row does not say; the picture then counts as not judged.
    """
    if row.lower_um is None:
        raise ProtocolError("the server's report has no numbers for the bounds of its limits; update the server")
    upper_um = math.inf if row.upper_um is None else row.upper_um
    return Interval(row.lower_um, upper_um, row.lower_closed, row.upper_closed)


def _rows(defect: Defect, report: Report) -> Iterator[LimitResult]:
    """Rows that may count the defect: a scratch counts in every zone that it crosses, others in the innermost."""
    kind = "scratch" if defect.type == "scratch" else "defect"
    names = defect.zones if kind == "scratch" else (defect.zone,)
    for zone in report.zones:
        if zone.name in names:
            yield from (row for row in zone.limits if row.kind == kind)
