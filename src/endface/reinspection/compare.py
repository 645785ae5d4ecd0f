"""Comparison of a face with an earlier inspection of it: registration first, then the marks."""

from __future__ import annotations

from endface.comparison import REWORK_AFTER, Advice, Reinspection
from endface.reinspection.face import Face
from endface.reinspection.marks import compare_marks
from endface.reinspection.register import register
from endface.report import Report


def compare(
    previous: Face, face: Face, *, previous_time: str = "", attempts: int = 1, rework_after: int = REWORK_AFTER
) -> Reinspection:
    """Compare a face with an earlier inspection of it.

    Args:
        previous: the earlier inspection.
        face: this one.
        previous_time: when the earlier one was recorded, ISO 8601 in UTC.
        attempts: how often the face was inspected again since it last passed, this time included.
        rework_after: from how many attempts on a face that fails is sent to rework.

    Returns:
        The comparison; without marks where the pictures cannot be laid over one another for sure.
    """
    found = register(previous, face)
    pose = found.pose
    return Reinspection(
        previous_sha256=previous.report.image.sha256,
        previous_time=previous_time,
        registered=pose is not None,
        reason=found.reason,
        turn_deg=None if pose is None else round(pose.turn_deg % 360, 2) % 360,
        shift_um=None if pose is None else (round(pose.shift_um[0], 2), round(pose.shift_um[1], 2)),
        evidence=round(found.evidence, 2),
        marks=() if pose is None else compare_marks(previous, face, pose),
        attempts=attempts,
        rework_after=rework_after,
        advice=_advice(face.report, attempts, rework_after),
    )


def not_compared(  # noqa: PLR0913 - the values of the comparison, by keyword
    reason: str, *, previous: Report, report: Report, previous_time: str, attempts: int, rework_after: int
) -> Reinspection:
    """A comparison that could not be made, as where the earlier picture was not kept.

    Args:
        reason: why, in a sentence.
        previous: the earlier report.
        report: this one.
        previous_time: as for ``compare``.
        attempts: as for ``compare``.
        rework_after: as for ``compare``.
    """
    return Reinspection(
        previous_sha256=previous.image.sha256,
        previous_time=previous_time,
        registered=False,
        reason=reason,
        turn_deg=None,
        shift_um=None,
        evidence=0.0,
        marks=(),
        attempts=attempts,
        rework_after=rework_after,
        advice=_advice(report, attempts, rework_after),
    )


def _advice(report: Report, attempts: int, rework_after: int) -> Advice:
    """What to do: cleaning again may help until it was tried often enough; the verdict is what it is."""
    if report.verdict != "fail":
        return "none"
    return "clean" if attempts < rework_after else "rework"
