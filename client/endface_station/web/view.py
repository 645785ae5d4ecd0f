"""What the page shows, made out of the station's state: values for the templates, and the regions as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from endface.report import Report
from endface.review.keeper import Keeper
from endface_client.outcome import Outcome
from endface_client.output.page import Card, environment
from endface_station.advice import Step, culprits, step_after
from endface_station.part import Attempt, Part
from endface_station.photos import Photos
from endface_station.station import Station
from endface_station.texts import Texts
from endface_station.web.cleaning import Cleaning

REGIONS: Final = ("count", "review", "status", "notice", "face", "verdict", "part", "tally", "announce")
"""Ids of the elements that change."""

_NOWHERE: Final = Path("face")

SIGNS: Final = {"pass": "✓", "fail": "✕", "invalid": "!", "error": "-", "open": "…", "waiting": "…", "ready": ""}
"""A sign beside each word and color."""


@dataclass(frozen=True)
class FaceButton:
    """One fiber in the row of a connector.

    Attributes:
        number: from 1.
        word: its verdict, ``waiting``, or ``empty``.
        thumb: address of its small picture; empty for none.
        is_next: whether the next picture shows it.
        tries: how often the camera has looked at it.
    """

    number: int
    word: str
    thumb: str
    is_next: bool
    tries: int


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


class View:
    """Renders the page and its regions.

    Args:
        station: what is shown.
        photos: the pictures that can be shown.
        texts: the words.
        keeper: what keeps pictures for review; None where none are kept.
        name: of the station, for the title.
        has_camera: whether the page can take pictures.
    """

    def __init__(  # noqa: PLR0913 - what it shows, and by keyword how
        self,
        station: Station,
        photos: Photos,
        texts: Texts,
        *,
        keeper: Keeper | None = None,
        name: str = "",
        has_camera: bool = False,
    ) -> None:
        self._station = station
        self._photos = photos
        self.texts = texts
        self._keeper = keeper
        self._fixed = {"t": texts, "signs": SIGNS, "name": name, "has_camera": has_camera, "regions": REGIONS}
        self._templates = environment("endface_station")

    def page(self, *, logged_in: bool) -> str:
        """The whole page."""
        return self._render("page.html.j2", logged_in=logged_in, **self._values())

    def login(self, *, wrong: bool) -> str:
        """The page that asks for the secret."""
        return self._render("login.html.j2", wrong=wrong)

    def regions(self) -> dict[str, str]:
        """The HTML of each region."""
        values = self._values()
        return {region: self._render(f"{region}.html.j2", **values) for region in REGIONS}

    def state(self) -> dict[str, Any]:
        """The same for programs."""
        with self._station.lock:
            shown, part = self._shown(), self._station.shift.current
            return {
                "server": self._station.state.condition,
                "waiting": self._station.waiting,
                "serial": part.serial if part else None,
                "fibers": part.fibers if part else self._station.shift.fibers,
                "next_fiber": self._station.next_fiber(part) if part else 1,
                "part_verdict": part.word if part else None,
                "fiber": shown.fiber,
                "verdict": shown.attempt.word if shown.attempt else None,
                "cleaning": cleaning.text if (cleaning := self._cleaning(shown)) else None,
                "faces": [part.face(fiber).word for fiber in range(1, part.fibers + 1)] if part else [],
            }

    def _render(self, template: str, **values: Any) -> str:
        return self._templates.get_template(template).render(**self._fixed, **values)

    def _values(self) -> dict[str, Any]:
        """What the templates are filled with."""
        open_cases = self._keeper.open_count if self._keeper else None
        with self._station.lock:
            shift, shown = self._station.shift, self._shown()
            part = shift.current
            next_fiber = self._station.next_fiber(part) if part else 1
            last = [(each.serial, each.word or "open", each.is_first_pass) for each in reversed(shift.last())]
            return {
                "state": self._station.state,
                "waiting": self._station.waiting,
                "notice": self._station.notice,
                "warning": self._station.warning or (self._keeper.problem if self._keeper else ""),
                "shown": shown,
                "word": self._word(shown),
                "card": self._card(shown),
                "lit": {each.id for each in culprits(shown.attempt.report)}
                if shown.attempt and shown.attempt.report
                else (),
                "cleaning": self._cleaning(shown),
                "open_cases": open_cases,
                "report": shown.attempt.report if shown.attempt else None,
                "reason": self._reason(shown.attempt),
                "steps": list(self._steps(shown, part, next_fiber)),
                "part": part,
                "next_fiber": next_fiber,
                "fibers_of_part": part.fibers if part else shift.fibers,
                "faces": list(self._faces(part, next_fiber)) if part else [],
                "first_pass": shift.first_pass_yield,
                "takt": self._duration(shift.takt),
                "last": last,
                "counts": shift.counts,
            }

    def _shown(self) -> Shown:
        """The face that the operator has chosen, else that of the last picture."""
        part = self._station.shift.current
        if part is None:
            last = self._station.last
            return Shown(None, last.arrival.fiber, last.attempt) if last else Shown(None)
        fiber = part.selected or part.latest or part.last_fiber
        if not fiber:
            return Shown(part)
        is_waiting = bool(self._station.waiting_of(part).get(fiber))
        attempts = part.face(fiber).attempts
        attempt = attempts[-1] if attempts and not is_waiting else None
        return Shown(part, fiber, attempt, is_waiting, bool(part.selected))

    def _word(self, shown: Shown) -> str:
        if shown.is_waiting:
            return "waiting"
        return shown.attempt.word if shown.attempt else "ready"

    def _card(self, shown: Shown) -> Card | None:
        """The face as the pages of ``endface inspect`` draw it, with the marks that are gone."""
        attempt = shown.attempt
        if attempt is None or attempt.report is None:
            return None
        photo = f"/pictures/{attempt.picture}.jpg" if self._photos.of(attempt) else ""
        found = attempt.report.reinspection
        earlier = shown.part.face(shown.fiber).attempts if shown.part and found else []
        previous = next((each.report for each in earlier if found and each.picture == found.previous_sha256), None)
        return Card(Outcome(path=_NOWHERE, result=attempt.report), photo, previous=previous)

    def _cleaning(self, shown: Shown) -> Cleaning | None:
        """What became of the marks since the face failed before."""
        report = shown.attempt.report if shown.attempt else None
        if report is None or report.reinspection is None:
            return None
        return Cleaning.of(report.reinspection, self._step(shown, report), self.texts)

    def _step(self, shown: Shown, report: Report) -> Step | None:
        """What to do with a face; None where it passes."""
        if report.verdict == "pass":
            return None
        return step_after(report, self._cleanings(shown, report), self._station.rework_after)

    def _cleanings(self, shown: Shown, report: Report) -> int:
        """How often a face was cleaned; the record knows it of all stations, by the serial number."""
        if report.reinspection:
            return report.reinspection.attempts
        return shown.part.cleanings(shown.fiber) if shown.part else 0

    def _reason(self, attempt: Attempt | None) -> tuple[str, str]:
        """Why a face did not pass, in one sentence of ours and in the server's own."""
        if attempt is None or attempt.word == "pass":
            return "", ""
        report = attempt.report
        if report is None:
            return (self.texts("problem.error"), attempt.reason) if attempt.word == "error" else ("", attempt.reason)
        if report.error:
            key = f"problem.{report.error.code}"
            return self.texts(key if self.texts.has(key) else "problem.other"), attempt.reason
        return self._culprits(report), attempt.reason

    def _culprits(self, report: Report) -> str:
        found = culprits(report)
        if not found:
            return ""
        first, kind = found[0], self.texts(f"type.{found[0].type}")
        sentence = self.texts("face.defect", zone=first.zone, type=kind, size=f"{first.size_um:.1f}")
        others = len({each.id for each in found} - {first.id})
        return f"{sentence} {self.texts('face.more', count=others)}" if others else sentence

    def _steps(self, shown: Shown, part: Part | None, next_fiber: int) -> Iterator[str]:
        """What to do next, the first thing first."""
        if part is None or (not part.serial and not shown.attempt and not shown.is_waiting):
            yield self.texts("advice.scan")
            return
        if part.word == "pass" and not shown.is_waiting and not shown.is_chosen:
            yield self.texts("advice.finish")
            return
        attempt = shown.attempt
        if attempt and attempt.word != "pass":
            step = (self._step(shown, attempt.report) if attempt.report else None) or "again"
            tries = {"tries": self._cleanings(shown, attempt.report)} if step == "rework" and attempt.report else {}
            yield self.texts(f"advice.{step}", **tries)
            if not shown.is_chosen and next_fiber != shown.fiber:
                yield self._take(part, next_fiber)
        else:
            yield self._take(part, next_fiber)
            if part.word and (bad := [str(fiber) for fiber, face in sorted(part.faces.items()) if face.word != "pass"]):
                yield self.texts("advice.open_faces", fibers=", ".join(bad))
        if not part.serial:
            yield self.texts("advice.scan")

    def _take(self, part: Part, fiber: int) -> str:
        return self.texts("advice.picture_single") if part.fibers == 1 else self.texts("advice.picture", fiber=fiber)

    def _faces(self, part: Part, next_fiber: int) -> Iterator[FaceButton]:
        waiting = self._station.waiting_of(part)
        is_open = part.word != "pass" or bool(part.selected)
        for fiber in range(1, part.fibers + 1):
            face = part.face(fiber)
            photo = self._photos.of(face.attempts[-1]) if face.attempts else None
            yield FaceButton(
                fiber,
                "waiting" if waiting.get(fiber) else face.word or "empty",
                f"/pictures/{face.attempts[-1].picture}.thumb.jpg" if photo else "",
                is_open and fiber == next_fiber,
                part.tries(fiber),
            )

    def _duration(self, takt: timedelta | None) -> str:
        if takt is None:
            return self.texts("tally.none")
        seconds = round(takt.total_seconds())
        if seconds < 60:
            return self.texts("tally.seconds", seconds=seconds)
        return self.texts("tally.minutes", minutes=seconds // 60, seconds=f"{seconds % 60:02d}")
