"""A study: the function that measures a record, its text on the page, and its plots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Generic, ParamSpec

from benchmarks.common.options import console
from benchmarks.common.origin import Json, origin
from endface_build.provenance import write_json

P = ParamSpec("P")
Progress = Callable[[str], None]
"""Takes a line about what begins or has ended."""


@dataclass(frozen=True)
class Study(Generic[P]):
    """One kind of record.

    Attributes:
        kind: Names its files: ``results/2026-11-22-KIND.json``.
        measure: Gives the figures of a record.
        text: The record in Markdown, from its heading on.
        plot: Draws its plots into a folder; None where it has none.
    """

    kind: str
    measure: Callable[P, Json]
    text: Callable[[Json], str]
    plot: Callable[[Json, Path], None] | None = None

    def record(self, results: Path, *args: P.args, **kwargs: P.kwargs) -> Json:
        """Measure, and keep the record as today's of its kind in the folder of the results."""
        record = origin() | self.measure(*args, **kwargs)
        path = results / f"{datetime.now(UTC):%Y-%m-%d}-{self.kind}.json"
        write_json(path, record)
        console.print(str(path))
        return record
