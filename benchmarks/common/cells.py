"""Figures as the cells of a table; "-" where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from benchmarks.common.origin import Json


def decimal(value: float | None, places: int = 0) -> str:
    """A figure with so many places."""
    return "-" if value is None else f"{value:.{places}f}"


def median_and_worst(rows: Sequence[Json], key: str) -> str:
    """The median of a figure over the rows that know it, and the greatest in brackets."""
    known = [row[key] for row in rows if row[key] is not None]
    return f"{median(known):.0f} ({max(known)})" if known else "-"
