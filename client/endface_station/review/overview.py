"""The list of cases, by kind and by what was said of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, get_args

from endface.errors import ReviewError
from endface.report import VerdictName
from endface.review.case import CASE_FILE, REVIEWS, read_entry, read_reviews
from endface.review.cases import Cases
from endface.review.opinions import Standing, standing
from endface.review.reasons import KINDS, Kind

STANDINGS: Final[tuple[Standing, ...]] = get_args(Standing)
ALL: Final = "all"


@dataclass(frozen=True)
class Row:
    """One case in the list.

    Attributes:
        name: the case's.
        kind: the kind that it is listed under.
        kept_at: when it was kept.
        verdict: what was answered.
        reason: why it was kept, in a sentence.
        serial: of the part.
        picture: the picture's name.
        standing: how its reviews stand to each other.
        can_be_shown: whether its picture could be decoded.
    """

    name: str
    kind: Kind
    kept_at: str
    verdict: VerdictName
    reason: str
    serial: str
    picture: str
    standing: Standing
    can_be_shown: bool


@dataclass(frozen=True)
class Filter:
    """Which cases are listed.

    Attributes:
        kind: of one kind; empty for any.
        standing: of one standing; empty for any.  Open ones unless asked otherwise.
        page: from 1.
    """

    kind: str = ""
    standing: str = "open"
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The filter in an address; what it does not know is left out."""
        kind, standing, page = (query.get(key, "") for key in ("kind", "standing", "page"))
        return cls(
            kind if kind in KINDS else "",
            "" if standing == ALL else standing if standing in STANDINGS else "open",
            min(int(page), 10_000) if page.isascii() and page.isdigit() and page.strip("0") else 1,
        )

    def takes(self, row: Row) -> bool:
        """Whether a case is listed."""
        return self.kind in ("", row.kind) and self.standing in ("", row.standing)


class Overview:
    """Rows of all cases; what has not changed on the disk is not read again."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._known: dict[str, tuple[tuple[int, int], Row]] = {}
        self._lock = threading.Lock()

    def rows(self) -> list[Row]:
        """The cases that can be read, the newest first."""
        with self._lock:
            found = {name: known for name in self._cases.names() if (known := self._row(name))}
            self._known = found
        return [row for _, row in found.values()]

    def neighbors(self, name: str, chosen: Filter) -> tuple[str, str]:
        """The listed cases before and after one, which need not be listed itself; empty where there is none."""
        rows = [row for row in self.rows() if chosen.takes(row) or row.name == name]
        place = next((number for number, row in enumerate(rows) if row.name == name), None)
        if place is None:
            return "", ""
        return _name(rows[:place][-1:]), _name(rows[place + 1 : place + 2])

    def _row(self, name: str) -> tuple[tuple[int, int], Row] | None:
        folder = self._cases.folder / name
        try:
            stamp = (_changed(folder / CASE_FILE), _changed(folder / REVIEWS))
            if name in self._known and self._known[name][0] == stamp:
                return self._known[name]
            values = read_entry(folder)
            row = Row(
                name,
                values["reasons"][0]["kind"],
                values["kept_at"],
                values["verdict"],
                values["reasons"][0]["text"],
                values["serial"],
                values["name"],
                standing(read_reviews(folder)),
                all(values["size"]),
            )
        except (OSError, KeyError, ReviewError):  # it was removed meanwhile, or is damaged; who opens it is told so
            return None
        return stamp, row


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns


def _name(rows: Iterable[Row]) -> str:
    return next((row.name for row in rows), "")
