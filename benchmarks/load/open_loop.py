"""Open-loop load generator: pictures come at a rate of their own, however long the server takes.

A closed loop asks a slow server less; only an open stream shows what an overload does.  Each picture is sent once, so
that each refusal is seen.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from benchmarks.common.outcomes import ANSWERED, FAILED, REFUSED, WRONG
from benchmarks.common.pictures import Picture
from benchmarks.common.stations import AsyncStationClient
from endface_client import ClientError, Overloaded

_CONNECTIONS: Final = 16
_SEED: Final = 1


@dataclass(frozen=True)
class Stretch:
    """A time of constant rate.

    Attributes:
        rate: Pictures a second on average; they come independently of each other (a Poisson process).
        seconds: How long.
    """

    rate: float
    seconds: float


@dataclass(frozen=True)
class Sent:
    """A picture and what came of it.

    Attributes:
        sent_s: When it was sent, since the beginning.
        ended_s: When its report or error came.
        outcome: One of ``OUTCOMES``.
    """

    sent_s: float
    ended_s: float
    outcome: str

    @property
    def ms(self) -> float:
        """Milliseconds until its report or error."""
        return (self.ended_s - self.sent_s) * 1000


def run(server: str, pictures: Sequence[Picture], profile: str, stretches: Sequence[Stretch]) -> list[Sent]:
    """Send pictures through one stretch after the other; returns once all have an outcome."""
    return asyncio.run(_run(server, pictures, profile, arrivals(stretches)))


def arrivals(stretches: Sequence[Stretch]) -> list[float]:
    """When pictures come, in seconds since the beginning; the same for the same stretches."""
    rng, times, begins_s = random.Random(_SEED), [], 0.0
    for stretch in stretches:
        due_s = begins_s + rng.expovariate(stretch.rate)
        begins_s += stretch.seconds
        while due_s < begins_s:
            times.append(due_s)
            due_s += rng.expovariate(stretch.rate)
    return times


async def _run(server: str, pictures: Sequence[Picture], profile: str, times: Sequence[float]) -> list[Sent]:
    clients = [AsyncStationClient(server, profile=profile, repeat=False) for _ in range(_CONNECTIONS)]
    began_s = time.perf_counter()

    async def present(client: AsyncStationClient, picture: Picture) -> Sent:
        sent_s = time.perf_counter() - began_s
        outcome = await _outcome(client, picture)
        return Sent(sent_s, time.perf_counter() - began_s, outcome)

    tasks = []
    for due_s, client, picture in zip(times, cycle(clients), cycle(pictures), strict=False):
        await asyncio.sleep(max(due_s - (time.perf_counter() - began_s), 0))
        tasks.append(asyncio.create_task(present(client, picture)))
    sent = await asyncio.gather(*tasks)
    await asyncio.gather(*(client.close() for client in clients))
    return sent


async def _outcome(client: AsyncStationClient, picture: Picture) -> str:
    try:
        report = await client.inspect(picture.data, name=picture.name)
    except Overloaded:
        return REFUSED
    except ClientError:
        return FAILED
    return ANSWERED if report.verdict == picture.verdict else WRONG
