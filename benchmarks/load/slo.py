"""Service level objectives of each load shape: limits from a TOML file, and checks of figures against them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from benchmarks.common.origin import Json
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
class LimitCheck:
    """One limit and what was found; ``found`` is None where nothing was answered, which keeps no limit."""

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
        found = f"{self.what} {self.found:g}," if self.found is not None else f"nothing was answered, {self.what}"
        return f"{self.shape}, {self.phase}: {found} at most {self.limit:g} allowed"

    def to_json(self) -> Json:
        """As a record keeps it."""
        return asdict(self) | {"kept": self.kept}


def read_limits(path: Path = SLO_FILE) -> dict[str, Limits]:
    """Limits by shape or phase.

    Raises:
        ConfigurationError: the file is missing, no TOML, or a section lacks a limit or has an unknown one.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as exc:
        raise ConfigurationError(f"the limits in {path} cannot be read: {exc}") from exc
    return {shape: _limits(table, f"{path} [{shape}]") for shape, table in tables.items()}


def judge(limits: Mapping[str, Limits], shapes: Mapping[str, list[Json]]) -> list[LimitCheck]:
    """Hold every counted phase against the limits of its shape.

    Args:
        limits: by shape, or by phase where one has limits of its own.
        shapes: figures of the phases (``figures.phase_figures``) by shape.

    Raises:
        ConfigurationError: a shape has no limits.
    """
    checks = []
    for shape, phases in shapes.items():
        if shape not in limits:
            raise ConfigurationError(f"there are no limits for the shape {shape}; add a section [{shape}]")
        for phase in phases:
            own = asdict(limits.get(phase["phase"], limits[shape]))
            checks += [LimitCheck(shape, phase["phase"], what, limit, phase[what]) for what, limit in own.items()]
    return checks


def _limits(table: object, where: str) -> Limits:
    wanted = {field.name for field in fields(Limits)}
    if not isinstance(table, dict) or set(table) != wanted:
        raise ConfigurationError(f"{where} must hold exactly {', '.join(sorted(wanted))}")
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ConfigurationError(f"{where} {key} is {value!r}; it must be a number, not negative")
    return Limits(**table)
