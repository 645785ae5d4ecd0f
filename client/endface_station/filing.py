"""The entry of an inspected picture in the record, and what the station keeps of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from endface.files import sha256
from endface.report import Report
from endface_client import ClientError, Record
from endface_client.record.pictures import ending
from endface_client.record.repeats import latest
from endface_station.arrival import Arrival
from endface_station.part import Attempt, Part

_REPEATS_OF: Final = 10_000
"""Pictures after which only the last thousand are compared with new ones."""


@dataclass(frozen=True)
class Filed:
    """A picture that has its entry in the record.

    Attributes:
        arrival: what it shows.
        attempt: what came of it.
        data: its bytes.
        before: what came of the picture of the same fiber before it; None for the first one.
        warning: what is odd about it; empty where nothing is.
    """

    arrival: Arrival
    attempt: Attempt
    data: bytes
    before: Attempt | None = None
    warning: str = ""


class Filing:
    """Writes outcomes into a record; not for several threads at once.

    Attributes:
        warning: what is odd about the record, such as a clock that was set back.

    Args:
        record: the record.
        server: how it names the servers.
        rework_after: cleanings after which a face that still fails is sent to rework.

    Raises:
        RecordError: it cannot be read.
    """

    def __init__(self, record: Record, server: str, rework_after: int) -> None:
        self._record = record
        self._server = server
        self._rework_after = rework_after
        self._repeats, self.warning = latest(record.folder)
        self._written = 0

    def compared(self, arrival: Arrival, data: bytes, report: Report) -> Report:
        """A report with what became of the marks since the face failed before; this may take a second.

        Raises:
            RecordError: the record cannot be read.
        """
        return self._record.reinspected(data, report, fiber=_fiber(arrival), rework_after=self._rework_after)

    def write(self, part: Part, arrival: Arrival, data: bytes, result: Report | ClientError) -> Filed:
        """Write an outcome; it is on the disk when this returns.

        Raises:
            RecordError: it cannot be written.
        """
        if isinstance(result, Report):
            connector = part.connector(arrival.fiber, result)
            self._record.add(data, result, server=self._server, fiber=_fiber(arrival), connector=connector)
        else:
            self._record.add(
                None, result, name=arrival.name, serial=arrival.serial, server=self._server, fiber=_fiber(arrival)
            )
        attempt, judged = _attempt(arrival, data, result), part.face(arrival.fiber).judged
        return Filed(arrival, attempt, data, judged[-1] if judged else None, self._warning(attempt, arrival))

    def _warning(self, attempt: Attempt, arrival: Arrival) -> str:
        self._written += 1
        if self._written % _REPEATS_OF == 0:  # what is remembered is bounded
            self._repeats, _ = latest(self._record.folder)
        return self._repeats.add(attempt.picture, arrival.part, arrival.name)


def _fiber(arrival: Arrival) -> int | None:
    """The fiber as the record names it: that of a connector."""
    return arrival.fiber if arrival.fibers > 1 else None


def _attempt(arrival: Arrival, data: bytes, result: Report | ClientError) -> Attempt:
    """The outcome as the shift keeps it."""
    time, picture = datetime.now(UTC), sha256(data)
    if isinstance(result, Report):
        reason = result.reasons[0] if result.reasons else ""
        is_kept = result.borderline or result.verdict != "pass"
        file = picture + ending(data) if is_kept else ""
        return Attempt(result.verdict, time, picture, reason, result, arrival.id, file)
    return Attempt("error", time, picture, result.reason, None, arrival.id)
