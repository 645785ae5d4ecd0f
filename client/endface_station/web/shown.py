"""The face that the page shows big."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from endface_station.part import Attempt, Part
from endface_station.station import Station


@dataclass(frozen=True)
class Shown:
    """The face that is shown big.

    Attributes:
        part: its part.
        fiber: which one.
        attempt: its last picture that was filed; None where there is none, or a newer one waits.
        is_waiting: whether a picture of it has no report yet.
        is_chosen: whether the operator has chosen it.
    """

    part: Part | None
    fiber: int = 1
    attempt: Attempt | None = None
    is_waiting: bool = False
    is_chosen: bool = False

    @classmethod
    def of(cls, station: Station) -> Self:
        """The face that the operator has chosen, else that of the last picture; call it with the station's lock."""
        part = station.shift.current
        if part is None:
            last = station.last
            return cls(None, last.arrival.fiber, last.attempt) if last else cls(None)
        fiber = part.selected or part.latest or part.last_fiber
        if not fiber:
            return cls(part)
        is_waiting = bool(station.waiting_of(part).get(fiber))
        attempts = part.face(fiber).attempts
        attempt = attempts[-1] if attempts and not is_waiting else None
        return cls(part, fiber, attempt, is_waiting, bool(part.selected))

    @property
    def word(self) -> str:
        """Its verdict, ``waiting``, or ``ready`` where it has no picture."""
        if self.is_waiting:
            return "waiting"
        return self.attempt.word if self.attempt else "ready"

    @property
    def cleanings(self) -> int:
        """How often it was cleaned; the record knows it of all stations, by the serial number."""
        report = self.attempt.report if self.attempt else None
        if report and report.reinspection:
            return report.reinspection.attempts
        return self.part.cleanings(self.fiber) if self.part else 0
