"""What the page shows, made out of the station's state: values for the templates, and the regions as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from endface.review.keeper import Keeper
from endface_client.outcome import Outcome
from endface_client.output.page import Card, environment
from endface_station.advice import culprits
from endface_station.part import Part
from endface_station.photos import Photos
from endface_station.station import Station
from endface_station.texts import Texts
from endface_station.web.cleaning import Cleaning
from endface_station.web.sentences import Sentences
from endface_station.web.shown import Shown

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
        self._sentences = Sentences(texts, station.rework_after)
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
            shown, part = Shown.of(self._station), self._station.shift.current
            return {
                "server": self._station.state.condition,
                "waiting": self._station.waiting,
                "serial": part.serial if part else None,
                "fibers": part.fibers if part else self._station.shift.fibers,
                "next_fiber": self._next_fiber(part),
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
            shift, shown = self._station.shift, Shown.of(self._station)
            part = shift.current
            next_fiber = self._next_fiber(part)
            last = [(each.serial, each.word or "open", each.is_first_pass) for each in reversed(shift.last())]
            return {
                "state": self._station.state,
                "waiting": self._station.waiting,
                "notice": self._station.notice,
                "warning": self._station.warning or (self._keeper.problem if self._keeper else ""),
                "shown": shown,
                "word": shown.word,
                "card": self._card(shown),
                "lit": {each.id for each in culprits(shown.attempt.report)}
                if shown.attempt and shown.attempt.report
                else (),
                "cleaning": self._cleaning(shown),
                "open_cases": open_cases,
                "report": shown.attempt.report if shown.attempt else None,
                "reason": self._sentences.reason(shown.attempt),
                "steps": list(self._sentences.steps(shown, part, next_fiber)),
                "part": part,
                "next_fiber": next_fiber,
                "fibers_of_part": part.fibers if part else shift.fibers,
                "faces": list(self._faces(part, next_fiber)) if part else [],
                "first_pass": shift.first_pass_yield,
                "takt": self._sentences.takt(shift.takt),
                "last": last,
                "counts": shift.counts,
            }

    def _next_fiber(self, part: Part | None) -> int:
        """The fiber that the next picture shows; 0 where the part takes none before its verdicts."""
        if part is None:
            return 1
        return 0 if self._station.is_full(part) else self._station.next_fiber(part)

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
        return Cleaning.of(report.reinspection, self._sentences.step(shown, report), self.texts)

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
