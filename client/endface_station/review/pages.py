"""The HTML of the review pages."""

from __future__ import annotations

import urllib.parse
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any, Final

import jinja2

from endface.report import Defect
from endface.review.case import Case
from endface.review.marks import TYPES, Mark, marks_of
from endface.review.opinions import OPINIONS, Review, person
from endface.review.reasons import KINDS
from endface_station.review.overview import ALL, STANDINGS, Filter, Row
from endface_station.review.pictures import view_of

PAGE_ROWS: Final = 48

KIND_NAMES: Final = {
    "asked": "Asked for",
    "disagreement": "Versions disagree",
    "low_confidence": "Low confidence",
    "borderline": "Borderline",
    "invalid": "Invalid",
    "fail": "Failed",
}
STANDING_NAMES: Final = {
    "open": "To review",
    "reviewed": "One opinion",
    "agreed": "Agreed",
    "conflict": "Conflict",
    "": "All",
}
OPINION_NAMES: Final = {"right": "Right", "wrong": "Wrong", "not_judgeable": "Not judgeable"}
_SIGNS: Final = {"pass": "✓", "fail": "✕", "invalid": "?"}

_BRUSH_SHARE: Final = 0.008
"""Radius of the brush at first, as a share of what is seen: 2 um of 250."""


def overview(base: str, reviewer: str, chosen: Filter, rows: Sequence[Row]) -> str:
    """The list of cases.

    Args:
        base: where the pages are mounted.
        reviewer: who looks; empty where nobody has said.
        chosen: which cases are listed.
        rows: all cases.
    """
    listed = [row for row in rows if chosen.takes(row)]
    pages = max(1, -(-len(listed) // PAGE_ROWS))
    page = min(chosen.page, pages)
    of_standing = [row for row in rows if chosen.standing in ("", row.standing)]
    return _render(
        "list.html.j2",
        base,
        reviewer,
        chosen,
        rows=listed[(page - 1) * PAGE_ROWS : page * PAGE_ROWS],
        count=len(listed),
        page=page,
        pages=pages,
        kinds=Counter(row.kind for row in of_standing),
        of_standing=len(of_standing),
        standings=Counter({"": len(rows)} | Counter(row.standing for row in rows)),
        KINDS=KINDS,
        STANDINGS=(*STANDINGS, ""),
    )


def case(base: str, reviewer: str, chosen: Filter, shown: Case, around: tuple[str, str]) -> str:
    """One case, to be looked at and corrected.

    Other people's reviews are in the page only once its reviewer has given one.

    Args:
        base: where the pages are mounted.
        reviewer: who looks; empty where nobody has said.
        chosen: the list that the case is looked at in.
        shown: the case.
        around: names of the cases before and after it.
    """
    own = [review for review in shown.reviews if reviewer and person(review.reviewer) == person(reviewer)]
    reviews = shown.reviews if own else ()
    start = next((review.marks for review in reversed(own) if review.marks is not None), shown.marks)
    measures = {mark: _measures(defect) for mark, defect in zip(shown.marks, shown.report.defects, strict=True)}
    size = shown.size or (640, 480)
    view = view_of(shown.report, size)
    data = {
        "types": TYPES,
        "marks": _json(start),
        "reported": _json(shown.marks),
        "measures": [measures.get(mark, "") for mark in start],
        "others": [{"marks": None if each.marks is None else _json(each.marks)} for each in reviews],
        "candidate": _json(marks_of(shown.candidate)) if shown.candidate else None,
        "view": view,
        "size": size,
        "brush_px": round(view[2] * _BRUSH_SHARE, 1),
        "um_per_px": shown.report.calibration.um_per_px if shown.report.calibration else None,
        "post": f"{case_link(base, shown.name, chosen, '/reviews')}",
        "previous": case_link(base, around[0], chosen) if around[0] else "",
        "next": case_link(base, around[1], chosen) if around[1] else "",
        "list": list_link(base, chosen),
    }
    return _render(
        "case.html.j2",
        base,
        reviewer,
        chosen,
        case=shown,
        report=shown.report,
        data=data,
        reviews=reviews,
        standing=shown.standing if own else "",
        hidden=0 if own else len({person(each.reviewer) for each in shown.reviews}),
        opinions=OPINIONS,
    )


def sorry(base: str, message: str) -> str:
    """A page that says what is wrong."""
    return _render("sorry.html.j2", base, "", Filter(), message=message)


def case_link(base: str, name: str, chosen: Filter, ending: str = "") -> str:
    """Address of a case in a list."""
    return f"{base}/cases/{name}{ending}?{_query(chosen)}"


def list_link(base: str, chosen: Filter, **changed: Any) -> str:
    """Address of a list, with something changed in its filter."""
    return f"{base}/?{_query(replace(chosen, **changed))}"


def _query(chosen: Filter) -> str:
    values: dict[str, Any] = {"standing": chosen.standing or ALL}
    if chosen.kind:
        values["kind"] = chosen.kind
    if chosen.page > 1:
        values["page"] = chosen.page
    return urllib.parse.urlencode(values)


def _json(marks: Sequence[Mark]) -> list[dict[str, Any]]:
    return [mark.to_json() for mark in marks]


def _measures(defect: Defect) -> str:
    return f"{defect.size_um:.1f} µm, {defect.zone or 'outside'}, {defect.confidence:.0%}"


def _said(review: Review) -> str:
    """A review's marks in words."""
    if review.marks is None:
        return "no marks"
    counts = Counter(mark.type for mark in review.marks)
    return ", ".join(f"{counts[kind]} {kind}" for kind in TYPES if counts[kind]) or "clean"


def _render(name: str, base: str, reviewer: str, chosen: Filter, **values: Any) -> str:
    return (
        _environment()
        .get_template(name)
        .render(
            base=base,
            reviewer=reviewer,
            chosen=chosen,
            list_link=list_link,
            case_link=case_link,
            KIND_NAMES=KIND_NAMES,
            STANDING_NAMES=STANDING_NAMES,
            OPINION_NAMES=OPINION_NAMES,
            SIGNS=_SIGNS,
            **values,
        )
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("endface_station.review"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["said"] = _said
    return environment
