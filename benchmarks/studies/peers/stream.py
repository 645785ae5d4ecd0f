"""Open-loop load generator: pictures come at a rate of their own, however slow the server is.

A picture's time is counted from the moment at which it was to come, so that a server that holds the generator up shows
it in the percentiles (Gil Tene's "coordinated omission").  The moments are a Poisson process: stations of a line do not
know of each other.  All servers get the same one, drawn once and stretched to their rate.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import cycle
from typing import Final

import numpy as np
import psutil

from benchmarks.common.asyncio_load import CallTally, present
from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture
from benchmarks.common.stations import Station
from benchmarks.common.usage import usage

SEED: Final = 50_000
"""Of the moments: the same for every server."""

_BLOCK: Final = 1024


@dataclass(frozen=True)
class Rate:
    """Rate of a stream and its duration.

    Attributes:
        images_per_s: On average.
        seconds: How long pictures come that count.
        settle_s: How long they come before.
        connections: A picture that finds all of them taken waits for one, and its time runs.
    """

    images_per_s: float
    seconds: float
    settle_s: float
    connections: int


def arrivals_s(images_per_s: float, seconds: float) -> list[float]:
    """Moments of a Poisson process, in seconds from its beginning."""
    rng = np.random.default_rng(SEED)
    moments: list[float] = []
    last = 0.0
    while last < seconds * images_per_s:
        block = last + np.cumsum(rng.exponential(size=_BLOCK))
        moments.extend(block.tolist())
        last = moments[-1]
    return [moment / images_per_s for moment in moments if moment < seconds * images_per_s]


def ask(station: Callable[[], Station], pictures: Sequence[Picture], rate: Rate) -> Json:
    """Present pictures at a rate, and wait for every answer.

    Returns:
        The rate, what became of each picture that counts, percentiles, how late the generator itself was (99th
        percentile), and the processor that it took.
    """
    return asyncio.run(_ask(station, pictures, rate))


async def _ask(station: Callable[[], Station], pictures: Sequence[Picture], rate: Rate) -> Json:
    tally, late_ms, myself = CallTally(), [], [psutil.Process()]
    free: asyncio.Queue[Station] = asyncio.Queue()

    async def inspect(picture: Picture, due_s: float, *, counts: bool) -> None:
        taken = await free.get()
        outcome, spent_ms = await present(picture, taken, due_s)
        free.put_nowait(taken)
        if counts:
            tally.add(picture, outcome, spent_ms)

    async with AsyncExitStack() as connections:
        for _ in range(rate.connections):
            free.put_nowait(await connections.enter_async_context(station()))
        started, before = time.perf_counter(), usage(myself, ())
        async with asyncio.TaskGroup() as under_way:
            moments_s = arrivals_s(rate.images_per_s, rate.settle_s + rate.seconds)
            for picture, moment_s in zip(cycle(pictures), moments_s, strict=False):
                due_s = started + moment_s
                await asyncio.sleep(due_s - time.perf_counter())
                late_ms.append((time.perf_counter() - due_s) * 1000)
                under_way.create_task(inspect(picture, due_s, counts=moment_s >= rate.settle_s))
        spent, whole_s = usage(myself, ()) - before, time.perf_counter() - started
    return {
        "rate_per_s": round(rate.images_per_s, 2),
        **tally.figures(rate.seconds),
        "generator_late_p99_ms": round(float(np.percentile(late_ms, 99)), 2) if late_ms else None,
        "generator_cores": spent.cores(whole_s)["generator"],
    }
