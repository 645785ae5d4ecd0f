"""Tables and numbers of a record in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from endface_build.evaluation.metrics import Json


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose first column is text and whose others are numbers."""
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def share_text(share: Json | None) -> str:
    """A share and its count; empty where nothing was counted."""
    if share is None or share["share"] is None:
        return ""
    return f"{share['share']:.3f} ({share['count']})"


def interval_text(share: Json) -> str:
    """A share with its 95 % interval and its count; empty where nothing was counted."""
    if share["share"] is None:
        return ""
    return f"{share['share']:.3f} [{share['low']:.3f}, {share['high']:.3f}] ({share['count']})"


def number_text(value: float | None) -> str:
    """Three digits, or nothing."""
    return "" if value is None else f"{value:.3f}"
