"""Tables and numbers of a record in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from endface_build.evaluation.metrics import Json


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def reach(values: Json, path: Iterable[str]) -> Any:
    """What lies at a path of keys."""
    for key in path:
        values = values[key]
    return values


def share_text(cell: Json | None) -> str:
    """A share and its count; nothing where nothing was counted."""
    if cell is None or cell["share"] is None:
        return ""
    return f"{cell['share']:.3f} ({cell['count']})"


def number_text(value: float | None) -> str:
    """Three digits, or nothing."""
    return "" if value is None else f"{value:.3f}"
