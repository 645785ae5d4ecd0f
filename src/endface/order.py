"""Order statistics of the few thousand numbers of a rim; numpy's own take several times as long over them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def median(values: NDArray[np.floating[Any]] | NDArray[np.uint8]) -> NDArray[np.floating[Any]]:
    """Median along the last axis.

    Bytes are sorted by their digits, without a comparison: a processor cannot guess how those end, and every second
    guess of it would cost more than the rest.
    """
    low, high = (values.shape[-1] - 1) // 2, values.shape[-1] // 2
    if values.dtype == np.uint8:
        ordered = np.sort(values, axis=-1, kind="stable")
    else:
        ordered = np.partition(values, (low, high) if low != high else low, axis=-1)
    both = np.add(ordered[..., low], ordered[..., high], dtype=np.result_type(values.dtype, np.float32))
    return np.asarray(both / 2, both.dtype)


def quantile(values: NDArray[np.floating[Any]], share: float) -> float:
    """Value of a flat array below which a share of it lies, between its neighbors by the straight line."""
    place = share * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    ordered = np.partition(values, (low, high))
    return float(ordered[low] + (place - low) * (float(ordered[high]) - float(ordered[low])))


def level_quantiles(gray: NDArray[np.uint8], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same of gray levels uint8 of any shape, for several shares (N,), by their histogram."""
    below = np.cumsum(np.bincount(gray.ravel(), minlength=256))
    places = shares * (gray.size - 1)
    low = np.floor(places)
    first, second = (np.searchsorted(below, at, side="right") for at in (low, np.minimum(low + 1, gray.size - 1)))
    return np.asarray(first + (places - low) * (second - first), np.float64)
