"""A server and the limit in turns within seconds of each other: a machine's speed drifts by more than serving costs.

Both wait while the other one works: the server for requests, the limit's processes for their next turn.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection
from typing import Final

import cv2
import numpy as np

from benchmarks.common import asyncio_load, triton_counters
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import CORES, Work, inspect_to_json
from benchmarks.common.origin import Json
from benchmarks.common.usage import by_model, server_processes
from benchmarks.common.workers import as_in_a_stage
from endface import contract

_READY_S: Final = 120
_SETTLE_S: Final = 0.3


@dataclass(frozen=True)
class Turns:
    """Extent of the comparison.

    Attributes:
        rounds: Turns of each side.
        seconds: How long a turn is counted.
        users: Connections to the server, each with a picture under way.
    """

    rounds: int = 12
    seconds: float = 3.0
    users: int = 4 * CORES  # with two a core, one waits now and then for a picture


@dataclass(frozen=True)
class Turn:
    """What one side did in a turn.

    Attributes:
        images_per_s: pictures to reports in a second.
        cpu_ms: processor time a picture, by process: ``limit``, or the server's models, itself, and the generator.
    """

    images_per_s: float
    cpu_ms: dict[str, float]


def in_turns(server: str, metrics: str, work: Work, turns: Turns) -> Json:
    """Let the limit (a process a core) and a server on this machine take turns; ``figures`` of them.

    Args:
        server: ``host:port`` of gRPC.
        metrics: ``host:port`` of its metrics.
        work: pictures, the network that is served, and the profile.
        turns: how many, and how long.

    Raises:
        BenchmarkError: the server is not on this machine, or gave wrong answers or none.
    """
    limits, served = [], []
    with _workers(work) as workers:
        for turn in range(turns.rounds):
            for side in ("limit", "server") if turn % 2 else ("server", "limit"):
                if side == "limit":
                    limits.append(_limit(workers, turns.seconds))
                else:
                    served.append(_served(server, metrics, work, turns))
    return {"users": turns.users, "seconds": turns.seconds, **figures(limits, served)}


def figures(limits: Sequence[Turn], served: Sequence[Turn]) -> Json:
    """Figures of all rounds.

    Returns:
        ``images_per_s`` of both sides and ``served_over_limit``, each with median and quartiles;
        ``served_over_limit_on_cores_left``: the same for the cores that the load generator left to the server; and
        ``cpu_ms``, medians of a picture's processor time by process.
    """
    ratios = [mine.images_per_s / alone.images_per_s for mine, alone in zip(served, limits, strict=True)]
    left = [
        ratio / (1 - turn.images_per_s * turn.cpu_ms["generator"] / 1000 / CORES)
        for ratio, turn in zip(ratios, served, strict=True)
    ]
    return {
        "rounds": len(ratios),
        "limit_images_per_s": _spread([turn.images_per_s for turn in limits]),
        "served_images_per_s": _spread([turn.images_per_s for turn in served]),
        "served_over_limit": _spread(ratios),
        "served_over_limit_on_cores_left": _spread(left),
        "cpu_ms": {
            name: round(float(np.median([turn.cpu_ms[name] for turn in side])), 2)
            for side in (limits, served)
            for name in side[0].cpu_ms
        },
    }


def _served(server: str, metrics: str, work: Work, turns: Turns) -> Turn:
    """A turn of the server; its processor time is that of all pictures that it got."""
    processes = server_processes(int(server.rpartition(":")[2]))
    if not processes:
        raise BenchmarkError(f"no process of this machine listens at {server}; name a server that runs here")
    span = asyncio_load.Span(turns.users, turns.seconds, _SETTLE_S)
    counters, before = triton_counters.scrape(metrics), by_model(processes)
    found = asyncio_load.run(server, work.pictures, work.profile, span)
    spent = {name: seconds - before[name] for name, seconds in by_model(processes).items()}
    if said := asyncio_load.mistakes(found):
        raise BenchmarkError(said)
    counted = triton_counters.since(counters, triton_counters.scrape(metrics))
    pictures = counted[contract.ENSEMBLE.name]["request_success"]
    cpu_ms = {name: 1000 * seconds / pictures for name, seconds in spent.items()}
    generator_ms = 1000 * found["generator_cores"] / found["images_per_s"]
    return Turn(found["images_per_s"], {**cpu_ms, "generator": generator_ms})


def _limit(workers: Sequence[Connection], seconds: float) -> Turn:
    for worker in workers:
        worker.send(seconds)
    done = [_received(worker) for worker in workers]
    rate = sum(pictures / spent_s for pictures, spent_s, _ in done)
    return Turn(rate, {"limit": 1000 * sum(cpu_s for *_, cpu_s in done) / sum(pictures for pictures, *_ in done)})


@contextlib.contextmanager
def _workers(work: Work) -> Iterator[list[Connection]]:
    """A process for each core, loaded and waiting for its turn."""
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(CORES)]
    processes = [context.Process(target=_work, args=(theirs, work), daemon=True) for _, theirs in pairs]
    try:
        with as_in_a_stage():
            for process, (_, theirs) in zip(processes, pairs, strict=True):
                process.start()
                theirs.close()  # or its end would not be noticed
        workers = [mine for mine, _ in pairs]
        for worker in workers:
            _received(worker)
        yield workers
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _received(worker: Connection) -> tuple[int, float, float]:
    with contextlib.suppress(EOFError):  # it has ended, which is said below
        if worker.poll(_READY_S):
            received: tuple[int, float, float] = worker.recv()
            return received
    raise BenchmarkError("a process of the limit ended or hung; its error stands above")


def _work(connection: Connection, work: Work) -> None:
    """One process of the limit: pictures, seconds and processor seconds of each turn that it is told to take."""
    cv2.setNumThreads(1)
    inspector, data = work.inspector(), [picture.data for picture in work.pictures]
    numbers = count()
    for each in data:
        inspect_to_json([each], inspector)
    connection.send((0, 0.0, 0.0))
    while True:
        seconds = connection.recv()
        started, cpu_s, done = time.perf_counter(), time.process_time(), 0
        while (spent_s := time.perf_counter() - started) < seconds or not done:
            done += inspect_to_json([data[next(numbers) % len(data)]], inspector)
        connection.send((done, spent_s, time.process_time() - cpu_s))


def _spread(values: Sequence[float]) -> Json:
    low, median, high = np.percentile(values, (25, 50, 75))
    return {"median": round(median, 3), "q1": round(low, 3), "q3": round(high, 3)}
