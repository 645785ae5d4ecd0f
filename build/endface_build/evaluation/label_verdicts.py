"""Objects of a label map, how each may be read, and the verdicts that the limits give for these readings.

An object has several readings where experts differ: "either" objects (one whole mark, or each visible part on its own),
and objects that reach less than 1 um into the inner one of two zones.
"""

from __future__ import annotations

from collections.abc import Sequence
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
class LabelMark:
    """One mark of a reading: type, innermost zone, size and mean width."""

    type: str
    zone: str | None
    size_um: float
    width_um: float


Reading = tuple[LabelMark, ...]


@dataclass(frozen=True)
class LabelledObject:
    """An object of a label map.

    Attributes:
        types: Its type, or the two that an "either" object may have.
        seen: Its visible pixels.
        zones: The innermost zone that it touches, and the one that it may belong to instead; often the same.
        size_um: Size of the whole object, gaps included.
        readings: How its marks may be read, at least one way.
    """

    types: tuple[str, ...]
    seen: Region
    zones: tuple[str | None, str | None]
    size_um: float
    readings: tuple[Reading, ...]

    @property
    def kind(self) -> str:
        """Its type, or ``either``."""
        return self.types[0] if len(self.types) == 1 else EITHER


def labelled_objects(
    labels: NDArray[np.uint8], ground: Ground, either: Either | None = None, *, reach_um: float = REACH_UM
) -> list[LabelledObject]:
    """Every object of a label map that reaches into the zones.

    Args:
        labels: uint8 (H, W), ``Label`` codes and ``UNDECIDED``.
        ground: Zones and scale.
        either: The objects that may be read in two ways; in ``labels`` they have their first type.
        reach_um: How well the outlines are known; 0 for drawn labels, which are exact.
    """
    objects = []
    for number, (one, many) in enumerate(either.types if either else (), start=1):
        assert either is not None
        seen = either.pixels == number
        if not seen.any():
            continue
        whole = region_of(seen | (either.pixels == GAP_CODE + number))
        if ground.has(whole):
            marks = _marks([(one, whole)], ground, reach_um)
            parts = _marks([(many, part) for part in regions_of(seen)], ground, reach_um)
            objects.append(_object((one, many), Region(whole.window, seen[whole.window]), marks, parts))
    free = np.ones(labels.shape, np.bool_) if either is None else either.pixels == 0
    for name, code in CODES.items():
        for region in regions_of((labels == code) & free):
            if ground.has(region):
                objects.append(_object((name,), region, _marks([(name, region)], ground, reach_um)))
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


def _marks(pieces: Sequence[tuple[str, Region]], ground: Ground, reach_um: float) -> tuple[Reading, Reading]:
    """Pieces that are read together, each in the zone that it touches and in the one that it may belong to instead."""
    inner: list[LabelMark] = []
    outer: list[LabelMark] = []
    for kind, region in pieces:
        size_um = ground.size_um(region)
        width_um = ground.area_um2(region) / size_um
        for marks, inset_um in ((inner, 0.0), (outer, 2 * reach_um)):
            marks.append(LabelMark(kind, ground.zone(region, inset_um), size_um, width_um))
    return tuple(inner), tuple(outer)


def _object(
    types: tuple[str, ...], seen: Region, whole: tuple[Reading, Reading], *more: tuple[Reading, Reading]
) -> LabelledObject:
    (inner,), (outer,) = whole
    readings = dict.fromkeys(reading for pair in (whole, *more) for reading in pair)
    return LabelledObject(types, seen, (inner.zone, outer.zone), inner.size_um, tuple(readings))
