"""Service level objectives: limits of each load shape, of fairness and of an overload, and checks of figures."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.common.origin import Json
from benchmarks.load.shapes import OVERLOAD
from endface.errors import ConfigurationError

SLO_FILE: Final = Path(__file__).parents[1] / "slo.toml"


@dataclass(frozen=True)
class Limits:
    """Upper limits of a phase.

    Attributes:
        p99_ms: 99th percentile of the time from picture to report, over the answered ones.
        failed_share: Requests that ended in an error other than a full queue.
        refused_share: Requests that found a full queue.
        wrong_verdicts: Reports whose verdict is not the expected one.
    """

    p99_ms: float
    failed_share: float
    refused_share: float
    wrong_verdicts: int


@dataclass(frozen=True)
class FairLimits:
    """Upper limits of each phase of the ramp, as ``fairness.fairness`` has its figures."""

    lost_share: float
    p99_over_turn: float
    most_over_fewest: float


@dataclass(frozen=True)
class OverloadLimits:
    """Upper limits of the overload, as ``overload.figures`` has its figures."""

    unserved_share: float
    p99_ms: float
    refusal_p99_ms: float
    failed_share: float
    wrong_verdicts: int
    normal_again_s: float


AnyLimits: TypeAlias = Limits | FairLimits | OverloadLimits

FAIR: Final = "fair"
"""The section of fairness, which every ramp must keep."""

_KINDS: Final[dict[str, type[AnyLimits]]] = {FAIR: FairLimits, OVERLOAD: OverloadLimits}
"""Of the sections that are not those of Locust's shapes."""


@dataclass(frozen=True)
class LimitCheck:
    """One limit and what was found; ``found`` is None where there is no such figure, which keeps no limit."""

    shape: str
    phase: str
    what: str
    limit: float
    found: float | None

    @property
    def kept(self) -> bool:
        """Whether the limit was kept."""
        return self.found is not None and self.found <= self.limit

    def __str__(self) -> str:
        found = f"{self.what} {self.found:g}," if self.found is not None else f"there is no {self.what},"
        return f"{self.shape}, {self.phase}: {found} at most {self.limit:g} allowed"

    def to_json(self) -> Json:
        """As a record keeps it."""
        return asdict(self) | {"kept": self.kept}


def read_limits(path: Path = SLO_FILE) -> dict[str, AnyLimits]:
    """Limits by shape or phase.

    Raises:
        ConfigurationError: the file is missing, no TOML, or a section lacks a limit or has an unknown one.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as exc:
        raise ConfigurationError(f"the limits in {path} cannot be read: {exc}") from exc
    return {name: _limits(_KINDS.get(name, Limits), table, f"{path} [{name}]") for name, table in tables.items()}


def judge(limits: Mapping[str, AnyLimits], shapes: Mapping[str, Sequence[Json]]) -> list[LimitCheck]:
    """Hold every counted phase against the limits of its shape.

    Args:
        limits: by shape.
        shapes: figures of the phases by shape; ``FAIR`` counts as one.

    Raises:
        ConfigurationError: a shape has no limits.
    """
    checks = []
    for shape, phases in shapes.items():
        if shape not in limits:
            raise ConfigurationError(f"there are no limits for the shape {shape}; add a section [{shape}]")
        own = asdict(limits[shape])
        for phase in phases:
            checks += [LimitCheck(shape, phase["phase"], what, limit, phase[what]) for what, limit in own.items()]
    return checks


def _limits(kind: type[AnyLimits], table: object, where: str) -> AnyLimits:
    wanted = {field.name for field in fields(kind)}
    if not isinstance(table, dict) or set(table) != wanted:
        raise ConfigurationError(f"{where} must hold exactly {', '.join(sorted(wanted))}")
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ConfigurationError(f"{where} {key} is {value!r}; it must be a number, not negative")
    return kind(**table)
