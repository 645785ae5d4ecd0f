"""The earlier inspection of a part in a record, and what became of its marks since."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from endface.comparison import Reinspection
from endface.errors import PictureError
from endface.reinspection.compare import compare, not_compared
from endface.reinspection.face import Face
from endface.report import Report
from endface_client.record.database import entries, reading
from endface_client.record.entry import Entry, plain
from endface_client.record.pictures import Pictures

_NOT_KEPT: Final = "not compared: the earlier picture is not in the record any more"
_NOT_READ: Final = "not compared: the earlier picture cannot be read"


def reinspected(  # noqa: PLR0913 - all but record, picture and report by keyword
    folder: Path, data: bytes, report: Report, *, fiber: int | None, rework_after: int, through: int | None = None
) -> Report:
    """A report with the comparison of its face with the earlier inspection, where that has failed.

    Args:
        folder: the record.
        data: the picture that was inspected.
        report: of it.
        fiber: which fiber of a connector it is; None for the one that the report names, or the only one.
        rework_after: from how many attempts on a face that fails is sent to rework.
        through: number of the last entry that is an earlier inspection; None for the last of the record.

    Returns:
        The report as it is where the picture could not be judged, no serial number is known, or the part is new or has
        passed before.

    Raises:
        RecordError: the record cannot be read.
    """
    if report.verdict == "invalid" or not report.serial:
        return report
    number = report.fiber_number if fiber is None else fiber
    failed = _failed_since_pass(folder, report, number, through)
    if not failed:
        return report
    return replace(report, reinspection=_compared(folder, failed, data, report, rework_after))


def _failed_since_pass(folder: Path, report: Report, fiber: int | None, through: int | None) -> list[Entry]:
    """The inspections in which the face has failed since it last passed; the same picture again is no inspection."""
    failed: list[Entry] = []
    with reading(folder) as db:
        for entry in entries(db, serial=plain(report.serial)):
            if through is not None and entry.mark.number > through:
                break
            same_picture = (entry.values["picture"] or {}).get("sha256") == report.image.sha256
            if same_picture or entry.fiber != fiber or entry.word not in ("pass", "fail"):
                continue
            failed = [*failed, entry] if entry.word == "fail" else []
    return failed


def _compared(folder: Path, failed: list[Entry], data: bytes, report: Report, rework_after: int) -> Reinspection | None:
    entry = failed[-1]
    previous, time = entry.report, entry.values["time"]
    if previous is None:
        return None

    def without_marks(reason: str) -> Reinspection:
        return not_compared(
            reason,
            previous=previous,
            report=report,
            previous_time=time,
            attempts=len(failed),
            rework_after=rework_after,
        )

    try:
        earlier = Pictures(folder).path(entry.picture_file).read_bytes() if entry.picture_file else b""
    except OSError:  # the size limit may drop it at any time
        earlier = b""
    if not earlier:
        return without_marks(_NOT_KEPT)
    try:
        faces = Face.of(earlier, previous), Face.of(data, report)
    except (PictureError, ValueError):
        return without_marks(_NOT_READ)
    return compare(*faces, previous_time=time, attempts=len(failed), rework_after=rework_after)
