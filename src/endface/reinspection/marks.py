"""Marks of two inspections of one face: which is gone, which stayed, which is new."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from endface.comparison import ComparedMark
from endface.reinspection.area import Area
from endface.reinspection.face import Face
from endface.reinspection.pose import Pose
from endface.reinspection.view import Outline, View

_WIDENED_UM: Final = 1.0  # by which outlines are widened: the error of the registration, and of the outlines
_MATCHED: Final = 0.3  # share of the smaller of two widened outlines that the other covers where they are one mark
_PART: Final = 0.5  # the same where a further piece belongs to a mark that is matched already

_Areas = Mapping[int, Area]


def compare_marks(previous: Face, face: Face, pose: Pose) -> tuple[ComparedMark, ...]:
    """The rows of all marks, those of the earlier inspection first, in the order of their ids.

    A mark without a counterpart is gone, or new, only where the other picture shows its place, and nothing there: what
    the network has missed in one of two pictures did not come or go.

    Args:
        previous: the earlier inspection.
        face: this one.
        pose: how the face lies against the earlier picture.
    """
    before = {defect.id: previous.outline_um(defect) for defect in previous.report.defects}
    now = {defect.id: [pose.back(ring) for ring in face.outline_um(defect)] for defect in face.report.defects}
    view = View.of(previous, face, pose)
    pairs = _pairs(_areas(before), _areas(now))
    rows = [ComparedMark(here, there, "stayed") for there, here in pairs]
    for number in before.keys() - {there for there, _ in pairs}:
        rows.append(ComparedMark(None, number, view.state_of_gone(before[number])))
    for number in now.keys() - {here for _, here in pairs}:
        rows.append(ComparedMark(number, None, view.state_of_new(now[number])))
    return tuple(sorted(rows, key=_by_ids))


def _areas(outlines: Mapping[int, Outline]) -> _Areas:
    return {number: Area.of(outline, _WIDENED_UM) for number, outline in outlines.items()}


def _pairs(before: _Areas, now: _Areas) -> list[tuple[int, int]]:
    """Ids of marks that are one: the best pairs first, each mark once; then the further pieces of split and merged
    marks, which lie on a mark that is matched already.
    """
    shares = {(a, b): before[a].share(now[b]) for a in before for b in now}
    ordered = sorted((pair for pair in shares if shares[pair] >= _MATCHED), key=lambda pair: (-shares[pair], pair))
    pairs: list[tuple[int, int]] = []
    old: set[int] = set()
    fresh: set[int] = set()
    for a, b in ordered:
        if a not in old and b not in fresh:
            pairs.append((a, b))
            old.add(a)
            fresh.add(b)
    pairs += [(a, b) for a, b in ordered if (a in old) != (b in fresh) and shares[a, b] >= _PART]
    return pairs


def _by_ids(row: ComparedMark) -> tuple[bool, int, int]:
    return row.previous_id is None, row.previous_id or 0, row.id or 0
