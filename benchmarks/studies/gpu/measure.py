"""Everything about a GPU that a record can hold, within a time: the network alone, and servers around it.

A part that cannot run is kept with the reason, and one that there is no time for is named: neither ends the others.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import asyncio_load
from benchmarks.common.limit import Work
from benchmarks.common.origin import Json
from benchmarks.common.study import Progress
from benchmarks.common.target import serving
from benchmarks.studies.gpu.networks import Source, build, contenders, open_contender
from endface import contract
from endface.engines.onnx_network import SegmentSquares, open_graph
from endface.engines.tensorrt_library import Machine
from endface.options import Options
from endface.stages import preprocess
from endface_build.evaluation.agreement import compare

ENGINES: Final = ("onnxruntime", "tensorrt_rtx")
_WARM_UP: Final = 3


@dataclass(frozen=True)
class Plan:
    """Extent of the study.

    Attributes:
        minutes: how long all of it may take.
        seconds: how long each batch size, and each number of stations, is counted.
        batches: squares that go through a network together.
        users: stations that ask a server without a pause.
    """

    minutes: float = 9.0
    seconds: float = 3.0
    batches: tuple[int, ...] = (1, 8, 32)
    users: tuple[int, ...] = (1, 8, 32)


class Budget:
    """The time that is left for parts.

    Args:
        seconds: how long all of them may take; one that has begun is finished.
        clock: gives seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_s = clock() + seconds

    def part(self, name: str, measured: Callable[[], Json], progress: Progress) -> Json:
        """What a part found, or why it found nothing."""
        if self._clock() >= self._ends_s:
            return {"name": name, "not_begun": "the time was over"}
        progress(name)
        started_s = self._clock()
        try:
            found = measured()
        except Exception as exc:
            found = {"refused": f"{type(exc).__name__}: {exc}".splitlines()[0]}
            progress(f"not measured: {found['refused']}")
        return {"name": name, "seconds": round(self._clock() - started_s, 1), **found}


def measure(source: Source, work: Work, plan: Plan, progress: Progress) -> Json:
    """Networks first, then servers.

    Args:
        source: the network, the pictures that must not flip, and where it runs.
        work: pictures for the servers.
        plan: how long, and how much.
        progress: takes a line for each part.

    Returns:
        ``gpu`` by ``nvidia-smi``, ``networks`` and ``servers``: each part with its figures, or why it has none.
    """
    budget = Budget(60 * plan.minutes)
    machine = Machine.here("tensorrt_rtx")
    return {
        "device": source.device,
        "gpu": {
            "name": machine.gpu,
            "compute_capability": machine.compute_capability,
            "driver": machine.driver,
            "tensorrt_rtx": machine.runtime_version,
        },
        "networks": measure_networks(source, plan, budget, progress),
        "servers": measure_servers(source, work, plan, budget, progress),
    }


def measure_networks(source: Source, plan: Plan, budget: Budget, progress: Progress) -> list[Json]:
    """Each contender at each batch size, and its agreement with the network in float."""
    prepared = (preprocess(picture.data, Options(picture.profile)) for picture in source.golden)
    squares = np.stack([square for square, frame in prepared if frame.problem is None])[:, None]
    reference = open_graph(source.in_float)

    def one(runtime: str, precision: str) -> Json:
        segment = open_contender(source, runtime, precision)  # type: ignore[arg-type] # from contenders()
        parity = compare(reference, segment, source.golden).to_json()
        return {
            "parity": parity,
            "batches": {str(n): batch_times(segment, squares, n, plan.seconds) for n in plan.batches},
        }

    return [
        budget.part(f"{runtime} {precision}", lambda r=runtime, p=precision: one(r, p), progress)  # type: ignore[misc]
        for runtime, precision in contenders()
    ]


def batch_times(segment: SegmentSquares, squares: NDArray[np.uint8], size: int, seconds: float) -> Json:
    """Median milliseconds of a batch from array to arrays, and squares a second."""
    batch = np.resize(squares, (size, *contract.SQUARE.dims))
    for _ in range(_WARM_UP):
        segment(batch)
    times_ms: list[float] = []
    until_s = time.perf_counter() + seconds
    while not times_ms or time.perf_counter() < until_s:
        started = time.perf_counter()
        segment(batch)
        times_ms.append((time.perf_counter() - started) * 1000)
    low, median, high = np.percentile(times_ms, (10, 50, 90)).round(3).tolist()
    spread = {"median_ms": median, "p10_ms": low, "p90_ms": high, "count": len(times_ms)}
    return spread | {"squares_per_s": round(1000 * size / median, 1)}


def measure_servers(source: Source, work: Work, plan: Plan, budget: Budget, progress: Progress) -> list[Json]:
    """The whole ensemble through Triton, its network on the CPU and on the card; wrong verdicts are flips."""

    def one(engine: str) -> Json:
        with TemporaryDirectory() as aside:
            repository = Path(shutil.copytree(source.folder.parents[1], Path(aside) / "models"))
            if engine == "tensorrt_rtx":
                build(source, "fp16", repository / source.folder.parent.name / source.folder.name)
            with serving("", "", engine, repository) as (server, _):
                return {"stations": [_ask(server, work, count, plan.seconds) for count in plan.users]}

    return [budget.part(f"server {engine}", lambda e=engine: one(e), progress) for engine in ENGINES]  # type: ignore[misc]


def _ask(server: str, work: Work, users: int, seconds: float) -> Json:
    found = asyncio_load.run(
        server, work.pictures, work.profile, asyncio_load.Span(users, seconds, min(1.0, seconds / 2))
    )
    del found["by_picture_ms"]
    return found
