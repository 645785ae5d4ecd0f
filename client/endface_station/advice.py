"""What an operator does next, by the error or the defect that kept a face from passing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from endface.report import DefectType, LimitResult, Report, ZoneResult

Step = Literal[
    "clean", "clean_again", "polish", "replace", "refocus", "center", "light", "profile", "camera",
    "one_fiber", "again", "rework",
]  # fmt: skip
"""A key of the section ``advice`` in a file of texts."""

_OF_ERROR: Final[dict[str, Step]] = {
    "defocus": "refocus",
    "no_fiber": "center",
    "zone_cut_off": "center",
    "several_fibers": "one_fiber",
    "saturated": "light",
    "negative": "camera",
    "overlay": "camera",
    "undecodable": "camera",
    "too_many_pixels": "camera",
    "coarse_scale": "camera",
    "too_coarse_to_pass": "camera",
    "ambiguous_cladding": "camera",
    "scale_mismatch": "profile",
    "profile_mismatch": "profile",
    "no_core": "profile",
    "unexplained_structure": "clean",
}

_OF_TYPE: Final[dict[DefectType, Step]] = {
    "contamination": "clean",
    "pit": "clean_again",  # a loose particle looks like one
    "scratch": "polish",
    "chip": "replace",
}
"""The first step is the one that costs least: what can be wiped off comes first."""


@dataclass(frozen=True)
class Culprit:
    """A defect that a row of the limits counts too many of: its type there, the zone, and the deciding size."""

    id: int
    type: DefectType
    zone: str
    size_um: float


def culprits(report: Report) -> list[Culprit]:
    """The defects that make a face fail: by type as in ``_OF_TYPE``, then from inside out, the largest first."""
    failed = ((zone, limit) for zone in report.zones for limit in zone.limits if limit.verdict == "fail")
    found = [each for zone, limit in failed for each in sorted(_counted(report, zone, limit), key=_size, reverse=True)]
    return sorted(found, key=lambda each: list(_OF_TYPE).index(each.type))


def step_after(report: Report, cleanings: int, rework_after: int) -> Step:
    """What to do with a face.

    Args:
        report: on its last picture, which did not pass.
        cleanings: how often it was inspected again since it last passed.
        rework_after: after how many of them a face that still fails is sent to rework.
    """
    if report.verdict == "fail" and cleanings >= rework_after:
        return "rework"
    if report.error:
        return _OF_ERROR.get(report.error.code, "again")
    found = culprits(report)
    return _OF_TYPE[found[0].type] if found else "clean"


def _size(culprit: Culprit) -> float:
    return culprit.size_um


def _counted(report: Report, zone: ZoneResult, limit: LimitResult) -> Iterator[Culprit]:
    """The defects that a row of the limits is about, each as the type that the row counts it for."""
    for defect in report.defects:
        size_um = defect.width_um if limit.kind == "scratch" else defect.size_um
        is_size = (limit.lower_um or 0.0) <= size_um and (limit.upper_um is None or size_um <= limit.upper_um)
        if zone.name in defect.zones and is_size:
            kinds = (defect.type, *defect.type_alternatives)
            counted = [kind for kind in kinds if (kind == "scratch") == (limit.kind == "scratch")]
            yield from (Culprit(defect.id, kind, zone.name, size_um) for kind in counted[:1])
