"""Objects of a label map, how each may be read, and the verdicts that the limits give for these readings.

An object has several readings where experts differ: "either" objects (one whole mark, or each visible part on its own),
and objects that reach less than 1 um into the inner one of two zones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from endface.contract import Label
from endface.criteria.profile import Profile
from endface_build.data.labelled import GAP_CODE, Either
from endface_build.evaluation.regions import Ground, Region, region_of, regions_of

REACH_UM: Final = 1.0
"""A label that reaches less far than this into the inner zone may belong to the outer one."""

SIZE_ERROR_UM: Final = 1.0
WIDTH_ERROR_UM: Final = 0.5
"""How well the sizes and widths of labels are known."""

EITHER: Final = "either"
CODES: Final = {label.name.lower(): int(label) for label in Label if label != Label.BACKGROUND}


@dataclass(frozen=True)
class Mark:
    """One mark of a reading: type, innermost zone, size and mean width."""

    type: str
    zone: str | None
    size_um: float
    width_um: float


Reading = tuple[Mark, ...]


@dataclass(frozen=True)
class LabelledObject:
    """An object of a label map.

    Attributes:
        types: Its type, or the two that an "either" object may have.
        whole: Its pixels, gaps included.
        seen: Its visible pixels.
        readings: How its marks may be read, at least one way.
    """

    types: tuple[str, ...]
    whole: Region
    seen: Region
    readings: tuple[Reading, ...]

    @property
    def kind(self) -> str:
        """Its type, or ``either``."""
        return self.types[0] if len(self.types) == 1 else EITHER


def labelled_objects(labels: NDArray[np.uint8], ground: Ground, either: Either | None = None) -> list[LabelledObject]:
    """Every object of a label map that reaches into the zones.

    Args:
        labels: uint8 (H, W), ``Label`` codes and ``UNDECIDED``.
        ground: Zones and scale.
        either: The objects that may be read in two ways; in ``labels`` they have their first type.
    """
    objects = list(_either_objects(either, ground)) if either is not None else []
    free = np.ones(labels.shape, np.bool_) if either is None else either.pixels == 0
    for name, code in CODES.items():
        for region in regions_of((labels == code) & free):
            if ground.has(region):
                objects.append(LabelledObject((name,), region, region, _readings([(name, region)], ground)))
    return objects


def allowed_verdicts(objects: Sequence[LabelledObject], profile: Profile, grow: float = 0.0) -> frozenset[str]:
    """The verdicts, ``pass`` or ``fail`` or both, that some reading of every object gives.

    Args:
        objects: All objects of a picture.
        profile: The limits.
        grow: By how many of their errors all sizes and widths are taken to be larger.
    """
    rows = [(row.zone.name, limit) for row in profile.rows for limit in row.limits if limit.allowed is not None]
    most = np.array([limit.allowed for _, limit in rows])

    def counts(reading: Reading) -> tuple[int, ...]:
        """How many marks of a reading fall under each limit."""
        found = [0] * len(rows)
        for mark in reading:
            line = mark.type == "scratch"
            judged_um = mark.width_um + grow * WIDTH_ERROR_UM if line else mark.size_um + grow * SIZE_ERROR_UM
            for number, (zone, limit) in enumerate(rows):
                found[number] += zone == mark.zone and (limit.kind == "scratch") == line and judged_um in limit.interval
        return tuple(found)

    states = {(0,) * len(rows)}  # counts above a limit are kept at one more, so there are few states
    for each in objects:
        adds = {counts(reading) for reading in each.readings}
        states = {tuple(np.minimum(np.add(state, add), most + 1).tolist()) for state in states for add in adds}
    return frozenset("fail" if (np.array(state) > most).any() else "pass" for state in states)


def is_near_limit(objects: Sequence[LabelledObject], profile: Profile) -> bool:
    """Whether the verdict changes where all sizes are larger or smaller by their error."""
    verdicts = allowed_verdicts(objects, profile)
    return any(allowed_verdicts(objects, profile, grow) != verdicts for grow in (-1.0, 1.0))


def _either_objects(either: Either, ground: Ground) -> Iterator[LabelledObject]:
    for number, (one, many) in enumerate(either.types, start=1):
        seen = either.pixels == number
        if not seen.any():
            continue
        whole = region_of(seen | (either.pixels == GAP_CODE + number))
        if ground.has(whole):
            parts = [(many, part) for part in regions_of(seen)]
            readings = _readings([(one, whole)], ground) + _readings(parts, ground)
            yield LabelledObject((one, many), whole, Region(whole.window, seen[whole.window]), readings)


def _readings(pieces: Sequence[tuple[str, Region]], ground: Ground) -> tuple[Reading, ...]:
    """One reading of pieces that are read together, or two where the zone of one is in doubt."""
    inner, outer = (
        tuple(
            Mark(kind, ground.zone(region, inset_um), ground.size_um(region), ground.width_um(region))
            for kind, region in pieces
        )
        for inset_um in (0.0, 2 * REACH_UM)
    )
    return (inner, outer) if inner != outer else (inner,)
