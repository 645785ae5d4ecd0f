"""Caveats of a measurement: stated beside its figures, never used to hide or repeat them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.common.origin import Json

OTHERS: Final = 0.1
"""Cores that other processes may take before their part in the figures must be thought of."""

DRIFT: Final = 0.05
"""Share by which the limit may differ before and after the load; serving changed as much meanwhile."""


def caveats(record: Json) -> list[str]:
    """Sentences about a record of ``load.measure``; none where nothing was noticed."""
    return [*_failures(record), *_generator(record), *_machine(record)]


def _failures(record: Json) -> Iterator[str]:
    """Shapes that could not be measured."""
    for failure in record["failed"]:
        yield f"The shape {failure['shape']} could not be measured: {failure['error'].splitlines()[0]}"


def _generator(record: Json) -> Iterator[str]:
    """Signs that the load generator was measured, not the server."""
    both = record["generators"]
    if both is not None and not both["agree"]:
        yield (
            f"The load generators do not agree: at {both['users']} stations Locust got "
            f"{both['locust_images_per_s']:.1f} pictures/s and an asyncio loop {both['second_images_per_s']:.1f}."
        )
    if record["generator_busy"]:
        names = ", ".join(record["generator_busy"])
        yield f"Locust was the bottleneck in {names}: run it with more `--processes`."
    if record["knee"] is None and "ramp" in record["shapes"]:
        yield "The ramp ended before its knee: run it with a higher `--most`."


def _machine(record: Json) -> Iterator[str]:
    """Signs that the machine's speed changed, or that others used it."""
    before, after = (record["limit"][when]["images_per_s"] for when in ("before", "after"))
    if abs(after / before - 1) > DRIFT:
        yield f"The machine's speed changed: the limit was {before:.1f} pictures/s before the load, {after:.1f} after."
    others = max((_others(phase["cores"]) for row in record["shapes"].values() for phase in row), default=0.0)
    if others > OTHERS:
        yield f"The machine was not ours alone: something else kept up to {others:.1f} cores busy."


def _others(cores: Json) -> float:
    """Cores that neither server nor generator used; not known where the server is on another machine."""
    return float(cores["machine"] - cores["server"] - cores["generator"]) if cores["server"] else 0.0
