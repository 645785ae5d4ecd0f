"""Sentences for the line engineer: why a face fails, and why its verdict could be the other one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from endface.criteria.limits import Interval, Limit
from endface.criteria.marks import Mark
from endface.criteria.rows import Row

_LISTED: Final = 10
"""Defects that a sentence names by their ids; the report's list has all of them."""


def failure(row: Row, profile: str) -> str:
    """Why a row fails."""
    limit, caught = row.limit, row.caught
    if limit.allowed:
        count = f"{len(caught)} {limit.what}, at most {limit.allowed} are allowed"
        return f"zone {row.zone}: {count} ({profile}): {_ids(caught)}"
    worst, others = caught[0], _others(caught)
    size = _measured(worst, limit.interval)
    return f"zone {row.zone}: {_name(worst)} is {size}, {_bound(limit)} ({profile}){_also(others)}"


def may_fail(row: Row, marks: Sequence[Mark], profile: str) -> str:
    """Why a row that passes could fail.

    Args:
        row: the row.
        marks: what it would hold.
        profile: the profile's name.
    """
    largest = sorted(marks, key=lambda mark: (-mark.size_um, mark.defect.id))
    if row.limit.allowed:
        count = f"up to {len(largest)} {row.limit.what}, at most {row.limit.allowed} are allowed"
        return f"zone {row.zone}: {count} ({profile}): {_ids(largest)}"
    worst, others = largest[0], _others(largest)
    size = f"{_give_or_take(worst)}, {_bound(row.limit)} ({profile})"
    there = "" if row.zone in worst.zones else "may lie there and "
    return f"zone {row.zone}: {_name(worst)} {there}is {size}{_also(others)}"


def may_pass(row: Row, profile: str) -> str:
    """Why a row that fails could pass."""
    doubts = [doubt for mark in row.caught if (doubt := _doubt(mark, row))]
    more = f" and {len(doubts) - _LISTED} more" if len(doubts) > _LISTED else ""
    listed = "; ".join(doubts[:_LISTED])
    return f"zone {row.zone}: it may hold {row.limit.text} ({profile}): {listed}{more}"


def _doubt(mark: Mark, row: Row) -> str:
    """Why a mark may not count in a row that caught it; empty where it does."""
    name = _name(mark)
    if mark.doubtful:
        return f"{name} may be no mark (confidence {mark.defect.confidence:.2f})"
    if mark.type != mark.defect.type or mark.defect.type_alternatives:
        others = [other for other in (mark.defect.type, *mark.defect.type_alternatives) if other != mark.type]
        return f"{name} may be {' or '.join(others)}"
    if not (row.zone in mark.farther_in and row.zone in mark.farther_out):
        return f"{name} may lie beside the zone"
    if any(mark.size_um + off_um not in row.limit.interval for off_um in (-mark.off_um, mark.off_um)):
        return f"{name} is {_give_or_take(mark)}"
    return ""


def _name(mark: Mark) -> str:
    """``pit 3``; ``a piece of scratch 7, read as contamination,``."""
    defect = mark.defect
    name = f"{'a piece of ' if mark.piece else ''}{defect.type} {defect.id}"
    if mark.joined > 1:
        return f"{name}, together with {mark.joined - 1} near by,"
    return name if mark.type == defect.type else f"{name}, read as {mark.type},"


def _give_or_take(mark: Mark) -> str:
    return f"{mark.size_um:.2f} um{_wide(mark)}, give or take {mark.off_um:.2f} um"


def _measured(mark: Mark, interval: Interval) -> str:
    """Size in words, with as many digits as it takes not to contradict the row that caught it."""
    rounded = (f"{mark.size_um:.{digits}f}" for digits in range(1, 10))
    text = next((text for text in rounded if float(text) in interval), repr(mark.size_um))
    return f"{text} um{_wide(mark)}"


def _wide(mark: Mark) -> str:
    return " wide" if mark.kind == "scratch" else ""


def _bound(limit: Limit) -> str:
    """What a row without any allowance asks for: ``limit 3 um``, ``must be below 10 um``, ``none is allowed``."""
    interval = limit.interval
    if interval.lower == 0:
        return "none is allowed"
    return f"must be below {interval.lower:g} um" if interval.lower_closed else f"limit {interval.lower:g} um"


def _others(marks: Sequence[Mark]) -> list[Mark]:
    """The marks of other defects than the first one."""
    return [mark for mark in marks if mark.defect.id != marks[0].defect.id]


def _also(others: Sequence[Mark]) -> str:
    """Others that break the same limit, such as ``; also scratches 4, 7``."""
    if not others:
        return ""
    kind = others[0].kind
    many = len({mark.defect.id for mark in others}) > 1
    return f"; also { ({'scratch': 'scratches', 'defect': 'defects'}[kind] if many else kind) } {_ids(others)}"


def _ids(marks: Iterable[Mark]) -> str:
    ids = list(dict.fromkeys(mark.defect.id for mark in marks))
    listed = ", ".join(map(str, ids[:_LISTED]))
    return f"{listed} and {len(ids) - _LISTED} more" if len(ids) > _LISTED else listed
