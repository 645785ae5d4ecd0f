"""Zones with their limits, as a profile's file says them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from endface.contract import SQUARE_PX, UM_PER_PX
from endface.criteria.limits import Interval, Limit, first_gap
from endface.criteria.toml_table import TomlTable
from endface.defects.zones import Zone
from endface.report import LimitKind

SMALLEST_UM: Final = 2.0
"""The smallest size that the tables name; a row that counts all sizes is held to this one."""

MIN_COVERAGE: Final = 0.98
"""Default of ``min_coverage``: where an edge cuts a fiftieth of zone D off, the strip is 10 um high."""

MIN_ZONE_UM: Final = 1.0
"""Narrowest zone, as a difference of diameters: a ring of half a pixel still holds pixels everywhere."""

_SIZES: Final[dict[str, tuple[LimitKind, str]]] = {
    "scratches": ("scratch", "width_um"),
    "defects": ("defect", "size_um"),
}


@dataclass(frozen=True)
class ZoneLimits:
    """A zone and its limits.

    Attributes:
        zone: where it lies.
        limits: the rows that apply in it.
        min_coverage: share of it that a picture must show where a row can fail.
        judged: False where a request confines the judgment to others; it has no rows then.
    """

    zone: Zone
    limits: tuple[Limit, ...]
    min_coverage: float = MIN_COVERAGE
    judged: bool = True

    @property
    def limited(self) -> bool:
        """Whether any row can fail."""
        return any(limit.allowed is not None for limit in self.limits)

    @property
    def counted_um(self) -> float:
        """The smallest size that a row limits, as far as the tables name sizes; infinite where none does."""
        return self._smallest_um(limit for limit in self.limits if limit.allowed is not None)

    @property
    def deciding_um(self) -> float:
        """The smallest size of a mark that fails the zone by itself; infinite where none does."""
        return self._smallest_um(limit for limit in self.limits if limit.allowed == 0)

    @staticmethod
    def _smallest_um(limits: Iterable[Limit]) -> float:
        return min((max(limit.interval.lower, SMALLEST_UM) for limit in limits), default=math.inf)


def read_zones(zones: Sequence[object]) -> tuple[ZoneLimits, ...]:
    """The zones of a file, from inside out.

    Raises:
        ValueError: saying where in the file what is expected.
    """
    rows = tuple(_zone(zone, f"zones[{index}]") for index, zone in enumerate(zones))
    _check_rings([row.zone for row in rows])
    return rows


def _zone(values: object, path: str) -> ZoneLimits:
    table = TomlTable(values, {"name", "inner_um", "outer_um"}, {*_SIZES, "min_coverage"}, path)
    name = table.text("name")
    limits = [
        _limit(row, f"{table.path(key)}[{index}]", key)
        for key in _SIZES
        for index, row in enumerate(table.items(key, "a list of rows"))
    ]
    for limit, other in itertools.combinations(limits, 2):
        if limit.kind == other.kind and limit.interval.overlaps(other.interval):
            raise ValueError(f"{path}: rows overlap, {limit.text!r} and {other.text!r}")
    for key, (kind, size) in _SIZES.items():
        if gap := first_gap([limit.interval for limit in limits if limit.kind == kind]):
            raise table.error(key, f"no row says how many are allowed of {size} {gap}; if any number, write 'no limit'")
    zone = Zone(name, table.um("inner_um"), table.um("outer_um"))
    return ZoneLimits(zone, tuple(limits), table.share("min_coverage", MIN_COVERAGE))


def _limit(values: object, path: str, key: str) -> Limit:
    kind, size = _SIZES[key]
    table = TomlTable(values, {size, "allowed"}, set(), path)
    interval = read_interval(table, size)
    allowed = table.value("allowed")
    if allowed == "no limit":
        return Limit(kind, interval, None)
    if type(allowed) is not int or allowed < 0:
        raise table.error("allowed", f"expected a count such as 0 or 5, or 'no limit', not {allowed!r}")
    return Limit(kind, interval, allowed)


def read_interval(table: TomlTable, key: str) -> Interval:
    """An interval in mathematical notation.

    Raises:
        ValueError: the key's value is none.
    """
    text = table.text(key, expected="an interval such as '(5, inf)'")
    try:
        return Interval.parse(text)
    except ValueError as exc:
        raise table.error(key, str(exc)) from exc


def _check_rings(zones: list[Zone]) -> None:
    """Zones follow one another from the center outward, without gap or overlap, inside the square."""
    if not zones or zones[0].inner_um != 0:
        raise ValueError("zones: expected the first zone from inner_um = 0")
    if len({zone.name for zone in zones} | {""}) != len(zones) + 1:
        raise ValueError("zones: expected a name for each, no two the same")
    for index, zone in enumerate(zones):
        where = f"zones[{index}] ({zone.name})"
        if index and zone.inner_um != zones[index - 1].outer_um:
            raise ValueError(
                f"{where}: expected inner_um = {zones[index - 1].outer_um:g}, where the zone inside it ends"
            )
        if zone.outer_um < zone.inner_um + MIN_ZONE_UM:
            raise ValueError(f"{where}: expected outer_um at least {MIN_ZONE_UM:g} um more than inner_um")
    if zones[-1].outer_um > SQUARE_PX * UM_PER_PX:
        raise ValueError(f"{where}: expected outer_um up to {SQUARE_PX * UM_PER_PX:g}, the square ends there")
