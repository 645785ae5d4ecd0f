"""Measured defects against a profile: a verdict with the limit behind it, the margin, and a sentence for each failure.

A scratch is judged by its width in every zone that it crosses; any other defect by its size, as if it lay wholly in the
innermost zone that it touches ("A defect is defined as existing entirely within the inner-most zone which it touches",
BICSI).  Sizes are compared as they are: the profile's intervals say whether a bound belongs to a row.

What can be read in two ways is judged by both, and the worse reading is the verdict.  The verdict is borderline where
it could be the other one: with sizes and places that are off by what they may be off, by the milder readings, without
the marks that may be none, or, of a pass, because near neighbors may be one mark or the picture is too soft to show
every mark that counts.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from endface.criteria import sentences
from endface.criteria.marks import Mark, reaches_um, readings
from endface.criteria.neighbors import join_neighbors
from endface.criteria.profile import Profile
from endface.criteria.rows import Face, Row
from endface.criteria.sharpness import hidden_by_blur
from endface.criteria.zone_limits import ZoneLimits
from endface.errors import ZoneCutOffError
from endface.picture.square import Placement
from endface.report import Defect, LimitResult, Quality, ZoneResult

SURE_COVERAGE: Final = 0.98
"""Share of a zone with limits below which a pass is not certain, whatever the profile is content with.

A fiber a little off the middle of the picture is common.  Where the picture's edge cuts a fiftieth of zone D off, the
strip is 10 um high: no whole defect above the strictest limit of that zone, 10 um, can hide there.
"""


@dataclass(frozen=True)
class Judgment:
    """The verdict on a face.

    Attributes:
        verdict: whether it passes.
        borderline: whether the verdict as a whole could be the other one.  A row within its margin of flipping is not
            enough where another fails anyway.
        reasons: why it fails.
        borderline_reasons: why it could be the other one.
        zones: each zone with its limits.
    """

    verdict: Literal["pass", "fail"]
    borderline: bool
    reasons: tuple[str, ...]
    borderline_reasons: tuple[str, ...]
    zones: tuple[ZoneResult, ...]


def judge(  # noqa: PLR0913 - what is not known of the picture may be left out
    defects: Sequence[Defect],
    profile: Profile,
    coverages: Mapping[str, float],
    quality: Quality | None = None,
    placement: Placement | None = None,
    *,
    core_seen: bool = True,
) -> Judgment:
    """Judge a face.

    Args:
        defects: measured in the zones of this profile.
        profile: the limits.
        coverages: share that the camera saw of each zone, by name; echoed, see ``require_coverage``.
        quality: of the picture; None where it is beyond doubt.
        placement: where the fiber lies in the camera's picture; None where the zones are beyond doubt.
        core_seen: whether the fiber's core is seen.

    Returns:
        The verdict.  A row's ``margin_um`` is the largest uniform shift of all sizes that leaves its verdict as it is.
    """
    reaches = [None] * len(defects) if placement is None else reaches_um(defects, placement)
    read = [readings(defect, profile, reach_um) for defect, reach_um in zip(defects, reaches, strict=True)]
    every = [mark for reading in read for marks in reading for mark in marks]
    worst = Face.of(profile, every)
    if worst.broken:
        borderline_reasons = _may_pass(worst, read, profile)
    else:
        unseen = _unseen(profile, coverages, core_seen=core_seen)
        borderline_reasons = (*_may_fail(every, profile, quality, placement), *unseen)
    return Judgment(
        verdict="fail" if worst.broken else "pass",
        borderline=bool(borderline_reasons),
        reasons=tuple(sentences.failure(row, profile.name) for row in worst.broken),
        borderline_reasons=borderline_reasons,
        zones=tuple(_zone_result(limits, worst, coverages) for limits in profile.rows if limits.judged),
    )


def require_coverage(profile: Profile, coverages: Mapping[str, float]) -> None:
    """Refuse a face whose zones with limits lie partly outside the picture: what is not seen may be a defect.

    Raises:
        ZoneCutOffError: naming the zone and the share of it that was seen.
    """
    for limits in profile.rows:
        name = limits.zone.name
        if limits.limited and coverages[name] < limits.min_coverage:
            raise ZoneCutOffError(
                f"the picture shows {_percent(coverages[name])} % of zone {name}, {limits.min_coverage * 100:g} % are "
                f"needed ({profile.name}): center the fiber in the picture, use a lower magnification, or confine the "
                "judgment to the zones that it shows (zones)"
            )


def _unseen(profile: Profile, coverages: Mapping[str, float], *, core_seen: bool) -> tuple[str, ...]:
    """Why a face that passes could fail by what the picture does not show."""
    reasons = [
        f"the picture shows {_percent(coverages[limits.zone.name])} % of zone {limits.zone.name}, and a defect that "
        f"fails it could lie in the rest ({profile.name})"
        for limits in profile.rows
        if limits.limited and coverages[limits.zone.name] < SURE_COVERAGE
    ]
    if not core_seen and profile.core == "expected":
        reasons.append(
            f"no core is seen, and {profile.name} expects one: the picture may show no fiber, or another one"
        )
    return tuple(reasons)


def _percent(share: float) -> str:
    """A share, rounded down: 97.96 % must not read as the 98 % that are asked for."""
    return f"{int(share * 1000) / 10:.1f}"


def _may_fail(
    marks: Sequence[Mark], profile: Profile, quality: Quality | None, placement: Placement | None
) -> tuple[str, ...]:
    """Why a face that passes could fail: by sizes or places, by neighbors that are one, or by what is not seen."""
    faces = Face.around(profile, marks)
    joined = marks if placement is None else join_neighbors(marks, profile, placement)
    if len(joined) < len(marks):
        faces = itertools.chain(faces, Face.around(profile, joined))
    reasons: list[str] = []
    for face in faces:
        if (shift := face.nearest(passing=False)) is not None:
            reasons += [sentences.may_fail(row, held, profile.name) for row, held in face.failing_at(shift)]
            break
    if quality is not None and (hidden := hidden_by_blur(profile, quality)):
        reasons.append(hidden)
    return tuple(reasons)


def _may_pass(face: Face, read: Sequence[tuple[tuple[Mark, ...], ...]], profile: Profile) -> tuple[str, ...]:
    """Why a face that fails could pass: by milder readings, without doubtful marks, by other sizes and places."""
    certain = [reading for reading in read if not reading[0][0].doubtful]
    milder = [mark for reading in certain for mark in _mildest(reading, profile)]
    if all(face.nearest(passing=True) is None for face in Face.around(profile, milder)):
        return ()
    return tuple(sentences.may_pass(row, profile.name) for row in face.broken)


def _mildest(reading: tuple[tuple[Mark, ...], ...], profile: Profile) -> tuple[Mark, ...]:
    """The first way to read a defect that passes alone; else the first that may."""
    if len(reading) > 1:
        alone = [Face.of(profile, marks) for marks in reading]
        for face, marks in zip(alone, reading, strict=True):
            if not face.broken:
                return marks
        for face, marks in zip(alone, reading, strict=True):
            if face.nearest(passing=True) is not None:
                return marks
    return reading[0]


def _zone_result(limits: ZoneLimits, face: Face, coverages: Mapping[str, float]) -> ZoneResult:
    zone = limits.zone
    results = tuple(_limit_result(row) for row in face.rows if row.zone == zone.name)
    verdict: Literal["pass", "fail"] = "fail" if any(result.verdict == "fail" for result in results) else "pass"
    return ZoneResult(zone.name, zone.inner_um, zone.outer_um, coverages[zone.name], verdict, results)


def _limit_result(row: Row) -> LimitResult:
    limit = row.limit
    verdict: Literal["pass", "fail"] = "fail" if row.broken else "pass"
    interval = limit.interval
    return LimitResult(
        limit.kind,
        limit.text,
        limit.allowed,
        len(row.caught),
        row.margin_um,
        verdict,
        lower_um=interval.lower,
        upper_um=interval.upper if interval.upper < math.inf else None,
        lower_closed=interval.lower_closed,
        upper_closed=interval.upper_closed,
    )
