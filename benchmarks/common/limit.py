"""The limit that serving is held against: pictures a second of the same stages on this machine without a server."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import cv2

from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture
from benchmarks.common.workers import Barrier, Kind, together
from endface import processor
from endface.engines.catalog import ONNXRUNTIME
from endface.engines.load import open_network
from endface.offline import Inspector
from endface.options import Options


@dataclass(frozen=True)
class Work:
    """Task of every worker.

    Attributes:
        pictures: Encoded pictures that can be judged; taken in turns, over and over.
        network: The network's file.
        profile: The limits to judge by.
        engine: What runs the network; the one that serves by default.
    """

    pictures: Sequence[Picture]
    network: Path
    profile: str
    engine: str = ONNXRUNTIME

    def inspector(self, threads: int = 1) -> Inspector:
        """An inspector with a network of its own."""
        return Inspector.around(open_network(self.engine, self.network, threads=threads), Options(self.profile))


@dataclass(frozen=True)
class Setup:
    """One way to use the machine.

    Attributes:
        workers: How many work side by side, each with a network of its own.
        kind: Processes, or threads of one process: the libraries release the interpreter lock, our Python does not.
        batch: Pictures that go through the network together.
        threads: Threads of each network.
    """

    workers: int = 1
    kind: Kind = "processes"
    batch: int = 1
    threads: int = 1


def setups(cores: int) -> tuple[Setup, ...]:
    """The ways that may be the fastest on so many cores, and a single process for comparison."""
    return (
        Setup(),
        Setup(threads=cores),
        Setup(cores),
        Setup(cores, batch=4),
        Setup(cores, kind="threads"),
    )


CORES: Final = processor.find().cores


def limit(work: Work, *, seconds: float, ways: Sequence[Setup] = setups(CORES)) -> Json:
    """Throughput of every way to use the machine without a server.

    Returns:
        ``images_per_s``, that of the fastest, and ``setups`` with those of all.
    """
    rates = [{**asdict(way), "images_per_s": round(throughput(way, work, seconds), 2)} for way in ways]
    return {"images_per_s": max(rate["images_per_s"] for rate in rates), "setups": rates}


def fastest(found: Json) -> Setup:
    """The way that reached the limit."""
    best = max(found["setups"], key=lambda way: float(way["images_per_s"]))
    return Setup(**{key: value for key, value in best.items() if key != "images_per_s"})


def throughput(way: Setup, work: Work, seconds: float) -> float:
    """Pictures a second of one way."""
    return sum(together(way.workers, way.kind, _inspect_until, way, work, seconds))


def inspect_to_json(pictures: Sequence[bytes], inspector: Inspector) -> int:
    """Encoded pictures to reports in JSON, as the server does it; gives their number."""
    return len([report.to_json() for report in inspector.batch(pictures)])


def _inspect_until(barrier: Barrier, way: Setup, work: Work, seconds: float) -> float:
    """One worker: warm up, wait for the others, then inspect until the time is over."""
    data = [picture.data for picture in work.pictures]
    cv2.setNumThreads(1)
    inspector = work.inspector(way.threads)
    batches = [[data[(first + i) % len(data)] for i in range(way.batch)] for first in range(len(data))]
    inspect_to_json(batches[0], inspector)
    barrier.wait()
    started, done = time.perf_counter(), 0
    while (spent_s := time.perf_counter() - started) < seconds or not done:
        done += inspect_to_json(batches[(done // way.batch) % len(batches)], inspector)
    return done / spent_s
