"""All arrangements at once on this machine, asked in turns of seconds: its speed drifts by more than they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import psutil

from benchmarks.common import asyncio_load
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import CORES, Work
from benchmarks.common.origin import Json
from benchmarks.common.study import Progress
from benchmarks.common.usage import family, seconds_of
from benchmarks.studies.floor.arrangements import OWN, arrangements
from benchmarks.studies.peers.environment import prepare
from benchmarks.studies.peers.launch import running
from benchmarks.studies.peers.measure import serving_of
from benchmarks.studies.peers.peer import Peer, Serving


@dataclass(frozen=True)
class Plan:
    """Extent of the study.

    Attributes:
        rounds: turns of each arrangement.
        seconds: how long a turn is counted.
        settle_s: how long its stations ask before.
        users: connections, each with a picture under way.
    """

    rounds: int = 10
    seconds: float = 3.0
    settle_s: float = 0.5
    users: int = 4 * CORES


@dataclass(frozen=True)
class Turn:
    """What an arrangement did in a turn.

    Attributes:
        images_per_s: right reports a second.
        p99_ms: of a report, in milliseconds.
        server_ms: processor time of a picture in all processes of the server, the settling included.
        generator_ms: the same of the load generator.
    """

    images_per_s: float
    p99_ms: float
    server_ms: float
    generator_ms: float


@dataclass(frozen=True)
class _Server:
    arrangement: Peer
    serving: Serving
    process: psutil.Process


def measure(work: Work, plan: Plan, out: Path, progress: Progress) -> Json:
    """Start all servers, and ask one after the other, the order turned each round.

    Args:
        work: pictures, the network that is served, and the profile.
        plan: how often, and how long.
        out: folder for environments and repositories.
        progress: takes a line for each server and round.

    Raises:
        BenchmarkError: a server does not start, fails, or gives another verdict.
    """
    everything = arrangements(out, work.network.parents[2])
    turns: dict[str, list[Turn]] = {each.name: [] for each in everything}
    with ExitStack() as ending:
        servers = []
        for each in everything:
            progress(each.title)
            servers.append(_started(each, work, out, ending))
        for number in range(plan.rounds):
            progress(f"round {number + 1} of {plan.rounds}")
            for server in servers[:: -1 if number % 2 else 1]:
                turns[server.arrangement.name].append(_turn(server, work, plan))
    titles = {each.name: each.title for each in everything}
    return {"plan": asdict(plan) | {"workers": CORES}, "pictures": len(work.pictures), "rows": rows(titles, turns)}


def rows(titles: Mapping[str, str], turns: Mapping[str, Sequence[Turn]]) -> list[Json]:
    """A row for each arrangement: medians, and its throughput over endface's in the same round with the quartiles."""
    own = [turn.images_per_s for turn in turns[OWN]]
    found = []
    for name, title in titles.items():
        ratios = [turn.images_per_s / ours for turn, ours in zip(turns[name], own, strict=True)]
        q1, median, q3 = np.percentile(ratios, (25, 50, 75)).round(3).tolist()
        medians = {key: round(float(np.median([getattr(turn, key) for turn in turns[name]])), 2) for key in _KEYS}
        found.append({"name": name, "title": title, **medians, "of_endface": {"q1": q1, "median": median, "q3": q3}})
    return found


_KEYS = tuple(Turn.__annotations__)


def _started(arrangement: Peer, work: Work, out: Path, ending: ExitStack) -> _Server:
    serving = serving_of(work)
    environment = prepare(out / arrangement.name, arrangement.requirements)
    server = ending.enter_context(running(arrangement, serving, environment, work.pictures[0]))
    return _Server(arrangement, serving, server.process)


def _turn(server: _Server, work: Work, plan: Plan) -> Turn:
    processes = family(server.process)
    before_s, after_s = seconds_of(processes), 0.0

    def end() -> None:
        nonlocal after_s
        after_s = seconds_of(processes)

    span = asyncio_load.Span(plan.users, plan.seconds, plan.settle_s)
    station = partial(server.arrangement.station, server.serving)
    found = asyncio_load.ask(station, work.pictures, span, busy=end)
    if said := asyncio_load.mistakes(found):
        raise BenchmarkError(f"{server.arrangement.title}: {said}")
    rate = found["images_per_s"]
    pictures = rate * (plan.settle_s + plan.seconds)
    return Turn(rate, found["p99_ms"], 1000 * (after_s - before_s) / pictures, 1000 * found["generator_cores"] / rate)
