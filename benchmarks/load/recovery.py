"""Recovery from an overload: p99 of the answered pictures, and seconds until the server is as before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from benchmarks.common.origin import Json
from benchmarks.load.shapes import AFTER_S, NORMAL, after

THROUGHPUT: Final = 0.8
"""A second is normal with this share of the normal throughput: it holds some dozens of pictures, so it varies much."""

P99: Final = 1.5
"""And with a p99 of at most so many times the normal one: the p99 of a second is that of its slowest picture."""


def recovery(phases: Sequence[Json], one_client: Json) -> Json | None:
    """Figures of an overload.

    Args:
        phases: figures of the shape ``overload``.
        one_client: what the second generator found at one client: the server without a load.

    Returns:
        ``unloaded_p99_ms``; ``overload_p99_ms`` of the pictures that were answered, and ``overload_over_unloaded``;
        ``normal_again_s``, from the end of the overload until two seconds in a row are normal.  A figure is None where
        nothing was answered, or nothing was normal within ``shapes.AFTER_S``; all is None without an overload.
    """
    by_name = {phase["phase"]: phase for phase in phases}
    if not by_name:
        return None
    unloaded_ms, overload_ms = one_client["p99_ms"], by_name["overload"]["p99_ms"]
    return {
        "unloaded_p99_ms": unloaded_ms,
        "overload_p99_ms": overload_ms,
        "overload_over_unloaded": round(overload_ms / unloaded_ms, 2) if overload_ms and unloaded_ms else None,
        "normal_again_s": normal_again_s(by_name),
    }


def normal_again_s(phases: Mapping[str, Json]) -> float | None:
    """Seconds from the end of the overload until two in a row are normal; None where that did not happen."""
    seconds = [phases[after(number)] for number in range(1, AFTER_S + 1)]
    spent_s = 0.0
    for second, following in pairwise(seconds):
        if is_normal(second, phases[NORMAL]) and is_normal(following, phases[NORMAL]):
            return round(spent_s, 1)
        spent_s += second["measured_s"]
    return None


def is_normal(second: Json, normal: Json) -> bool:
    """Whether throughput and p99 of a second are about those of the same load before the overload."""
    if second["p99_ms"] is None or normal["p99_ms"] is None:
        return False
    return bool(
        second["images_per_s"] >= THROUGHPUT * normal["images_per_s"] and second["p99_ms"] <= P99 * normal["p99_ms"]
    )
