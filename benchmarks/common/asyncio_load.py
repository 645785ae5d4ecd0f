"""Closed-loop load generator in one asyncio loop: stations ask without a pause, each on a connection of its own.

It checks whether Locust is what holds the server back (nothing of gevent or Locust is in it), and it asks servers of
other frameworks, too: whatever is a ``Station``.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle

import numpy as np
import psutil

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.origin import Json
from benchmarks.common.outcomes import ANSWERED, FAILED, RETRY_S, WRONG
from benchmarks.common.pictures import Picture
from benchmarks.common.stations import CallFailedError, EndfaceStation, Station
from benchmarks.common.usage import usage


@dataclass
class CallTally:
    """Outcomes and times of the calls that count.

    Attributes:
        answered_ms: Times of the right answers, by picture.
        outcomes: How many calls ended how.
    """

    answered_ms: dict[str, list[float]] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)

    def add(self, picture: Picture, outcome: str, spent_ms: float) -> None:
        """Count what ``present`` gave."""
        self.outcomes[outcome] += 1
        if outcome == ANSWERED:
            self.answered_ms.setdefault(picture.name, []).append(spent_ms)

    def figures(self, measured_s: float) -> Json:
        """Throughput of right answers over a time, percentiles in ms, and counts; no times where nothing was right."""
        times_ms = [ms for each in self.answered_ms.values() for ms in each]
        p50, p99 = np.percentile(times_ms, (50, 99)).round(2).tolist() if times_ms else (None, None)
        return {
            "images_per_s": round(len(times_ms) / measured_s, 2),
            "p50_ms": p50,
            "p99_ms": p99,
            "answered": len(times_ms),
            "failed": self.outcomes[FAILED],
            "wrong_verdicts": self.outcomes[WRONG],
        }


async def present(picture: Picture, station: Station, since_s: float) -> tuple[str, float]:
    """Present a picture and wait for what comes back.

    Args:
        picture: the picture.
        station: who asks.
        since_s: when its waiting began, by ``time.perf_counter``.

    Returns:
        ``ANSWERED``, ``WRONG`` (another verdict) or ``FAILED``, and the milliseconds that it took.
    """
    try:
        report = await station.inspect(picture)
        outcome = ANSWERED if report.verdict == picture.verdict else WRONG
    except CallFailedError:
        outcome = FAILED
    return outcome, (time.perf_counter() - since_s) * 1000


@dataclass(frozen=True)
class Span:
    """Extent of a closed loop: stations and times.

    Attributes:
        users: Connections, each with one request under way.
        seconds: How long is counted.
        settle_s: How long they ask before.
    """

    users: int
    seconds: float
    settle_s: float


def run(server: str, pictures: Sequence[Picture], profile: str, span: Span) -> Json:
    """Ask an endface server in a closed loop for a while: ``ask`` with its stations."""
    return ask(partial(EndfaceStation, server, profile), pictures, span)


def ask(
    station: Callable[[], Station], pictures: Sequence[Picture], span: Span, *, busy: Callable[[], None] | None = None
) -> Json:
    """Ask in a closed loop for a while.

    Args:
        station: makes one.
        pictures: taken in turns.
        span: how many ask, and how long.
        busy: is called once the time is over, while every station still has a request under way.

    Returns:
        Throughput, percentiles, the median of each picture, counts, and the processor that this generator took.

    Raises:
        BenchmarkError: it broke down.
    """
    return asyncio.run(_ask(station, pictures, span, busy))


def mistakes(found: Json) -> str:
    """What is wrong with an ``ask`` that should have had right answers alone; empty where nothing is."""
    if found["answered"] and not found["failed"] and not found["wrong_verdicts"]:
        return ""
    return (
        f"beside {found['answered']} right answers {found['failed']} calls failed and "
        f"{found['wrong_verdicts']} verdicts were wrong"
    )


async def _ask(
    station: Callable[[], Station], pictures: Sequence[Picture], span: Span, busy: Callable[[], None] | None
) -> Json:
    tally, shift, myself = CallTally(), _Shift(), [psutil.Process()]
    starts = [number % len(pictures) for number in range(span.users)]
    turned = [[*pictures[start:], *pictures[:start]] for start in starts]
    stations = [asyncio.create_task(_work(station(), each, tally, shift)) for each in turned]
    await asyncio.sleep(span.settle_s)
    shift.counts = True
    started, before = time.perf_counter(), usage(myself, ())
    await asyncio.sleep(span.seconds)
    shift.counts = False
    measured_s, spent = time.perf_counter() - started, usage(myself, ()) - before
    if busy:
        busy()
    shift.over = True
    for end in await asyncio.gather(*stations, return_exceptions=True):
        if end is not None:
            raise BenchmarkError("a station of the second load generator broke down") from end
    return {
        "users": span.users,
        **tally.figures(measured_s),
        "by_picture_ms": {name: round(statistics.median(each), 3) for name, each in tally.answered_ms.items()},
        "generator_cores": spent.cores(measured_s)["generator"],
    }


@dataclass
class _Shift:
    """State that all stations share: whether answers count now, and whether the time is over."""

    counts: bool = False
    over: bool = False


async def _work(station: Station, pictures: Sequence[Picture], tally: CallTally, shift: _Shift) -> None:
    """Ask until the shift is over.  The last answer is awaited: calls that are cut off can bring a Triton down."""
    async with station:
        for picture in cycle(pictures):
            if shift.over:
                return
            outcome, spent_ms = await present(picture, station, time.perf_counter())
            if shift.counts:
                tally.add(picture, outcome, spent_ms)
            if outcome == FAILED:
                await asyncio.sleep(RETRY_S)
