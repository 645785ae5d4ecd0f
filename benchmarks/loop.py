"""A second load generator, to see whether Locust is what holds the server back: tasks of one asyncio loop.

It asks as Locust's stations do without a pause, each on a connection of its own, and checks the same verdicts; nothing
of gevent or Locust is in it.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil

from benchmarks.connection import AsyncStationClient
from benchmarks.errors import BenchmarkError
from benchmarks.origin import Json
from benchmarks.pictures import Picture
from benchmarks.shapes import RETRY_S
from benchmarks.usage import usage
from endface_client import ClientError


@dataclass
class _Tally:
    """What came back while it counted."""

    counting: bool = False
    answered_ms: dict[str, list[float]] = field(default_factory=dict)
    failed: int = 0
    wrong: int = 0


@dataclass(frozen=True)
class Span:
    """How many ask, and how long.

    Attributes:
        users: Connections, each with one request under way.
        seconds: How long is counted.
        settle_s: How long they ask before.
    """

    users: int
    seconds: float
    settle_s: float


def run(server: str, pictures: Sequence[Picture], profile: str, span: Span) -> Json:
    """Ask in a closed loop for a while.

    Args:
        server: ``host:port`` of gRPC.
        pictures: taken in turns.
        profile: the limits to judge by.
        span: how many ask, and how long.

    Returns:
        Throughput, percentiles, the median of each picture, counts, and the processor that this generator took.

    Raises:
        BenchmarkError: it broke down.
    """
    return asyncio.run(_run(server, pictures, profile, span))


async def _run(server: str, pictures: Sequence[Picture], profile: str, span: Span) -> Json:
    tally, myself = _Tally(), [psutil.Process()]
    starts = [number % len(pictures) for number in range(span.users)]
    turned = [[*pictures[start:], *pictures[:start]] for start in starts]
    stations = [asyncio.create_task(_station(server, each, profile, tally)) for each in turned]
    await asyncio.sleep(span.settle_s)
    tally.counting = True
    started, before = time.perf_counter(), usage(myself, ())
    await asyncio.sleep(span.seconds)
    tally.counting = False
    measured_s, spent = time.perf_counter() - started, usage(myself, ()) - before
    for station in stations:
        station.cancel()
    for end in await asyncio.gather(*stations, return_exceptions=True):
        if not isinstance(end, asyncio.CancelledError):
            raise BenchmarkError("a station of the second load generator broke down") from end
    times_ms = [ms for each in tally.answered_ms.values() for ms in each]
    p50, p99 = np.percentile(times_ms, (50, 99)).round(2).tolist() if times_ms else (None, None)
    return {
        "users": span.users,
        "images_per_s": round(len(times_ms) / measured_s, 2),
        "p50_ms": p50,
        "p99_ms": p99,
        "answered": len(times_ms),
        "failed": tally.failed,
        "wrong_verdicts": tally.wrong,
        "by_picture_ms": {name: round(statistics.median(each), 3) for name, each in tally.answered_ms.items()},
        "generator_cores": spent.cores(measured_s)["generator"],
    }


async def _station(server: str, pictures: Sequence[Picture], profile: str, tally: _Tally) -> None:
    async with AsyncStationClient(server, profile=profile) as client:
        while True:
            for picture in pictures:
                started = time.perf_counter()
                try:
                    report = await client.inspect(picture.data, name=picture.name)
                except ClientError:
                    tally.failed += tally.counting
                    await asyncio.sleep(RETRY_S)
                    continue
                if not tally.counting:
                    continue
                if report.verdict == picture.verdict:
                    spent_ms = (time.perf_counter() - started) * 1000
                    tally.answered_ms.setdefault(picture.name, []).append(spent_ms)
                else:
                    tally.wrong += 1
