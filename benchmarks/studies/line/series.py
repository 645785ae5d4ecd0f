"""A series of numbers as one line of a record, and the robust line through it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np


def joined(numbers: Iterable[float]) -> str:
    """Numbers with blanks between them: as a list they would be thousands of lines of JSON."""
    return " ".join(f"{number:g}" for number in numbers)


def split(text: str) -> list[float]:
    """What ``joined`` wrote."""
    return [float(word) for word in text.split()]


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Slope of the robust line through points: the median of the slopes between any two (Theil and Sen).

    Args:
        times: ascending, two at least.
        values: as many.
    """
    first, second = np.triu_indices(len(times), 1)
    steps = np.subtract.outer(np.asarray(times), np.asarray(times))[second, first]
    rises = np.subtract.outer(np.asarray(values), np.asarray(values))[second, first]
    return float(np.median(rises / steps))
