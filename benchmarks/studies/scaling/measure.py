"""The whole measurement of scaling on this machine: instances, cores, servers; one run, one record."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Final

from benchmarks.common.asyncio_load import Span
from benchmarks.common.limit import Setup, Work, limit
from benchmarks.common.origin import Json, origin
from benchmarks.studies.scaling import instances, point
from benchmarks.studies.scaling.cores import available, confined, steps
from benchmarks.studies.scaling.instances import Instances, grid
from benchmarks.studies.scaling.point import Place
from endface import offline
from endface.engines.onnx_network import ONNXRUNTIME, Network
from endface.environment import default_repository
from endface.options import Options

STATIONS_PER_CORE: Final = 4
"""Under way for each core: enough that no stage waits for a picture, and few enough that queues refuse none."""

Progress = Callable[[str], None]
"""Called with what begins."""


@dataclass(frozen=True)
class Plan:
    """How long everything is measured.

    Attributes:
        seconds: How long each point is counted, and each way to the limit.
        settle_s: How long the stations ask before.
        stations: How many ask at once.
    """

    seconds: float
    settle_s: float
    stations: int

    @property
    def span(self) -> Span:
        """The stations' part of it."""
        return Span(self.stations, self.seconds, self.settle_s)


def measure(work: Work, plan: Plan, progress: Progress) -> Json:
    """Measure servers of our own, one after another.

    Args:
        work: pictures, the network of the default repository, profile.
        plan: how long.
        progress: told of every step.

    Returns:
        The record: ``baseline``, what the repository asks for; ``instances``, ``cores`` and ``two_servers``, points of
        ``point.measure``; each row of ``cores`` with the limit without a server on the same cores.
    """
    source = default_repository()
    baseline, cores = instances.read(source), available()
    everywhere = Place(cores, cores)
    record = origin(Network(work.network).info) | {
        "plan": asdict(plan),
        "pictures": _described(work),
        "baseline": asdict(baseline),
        "cores_available": len(cores),
    }
    with tempfile.TemporaryDirectory(prefix="endface-scaling-") as folder:
        bench = Bench(work, plan, source, Path(folder), progress)
        return record | {
            "instances": [bench.point(each, everywhere) for each in grid(baseline, len(cores))],
            "cores": [bench.on_cores(baseline, count, cores) for count in steps(len(cores))],
            "two_servers": bench.point(baseline.share(1 / 2), everywhere, servers=2),
        }


@dataclass(frozen=True)
class Bench:
    """Measures one point after another.

    Attributes:
        work: Pictures, network, profile.
        plan: How long.
        source: The repository that is changed.
        folder: For its changed copies.
        progress: Told of every step.
    """

    work: Work
    plan: Plan
    source: Path
    folder: Path
    progress: Progress

    def point(self, counts: Instances, place: Place, *, servers: int = 1) -> Json:
        """One or two servers of the same instances."""
        self.progress(f"{counts}, cores: {len(place.server)}" + (f", servers: {servers}" if servers > 1 else ""))
        repository = self.folder / "-".join(map(str, astuple(counts)))  # Triton's stubs do not start below a blank
        if not repository.exists():
            instances.write(self.source, repository, counts)
        with point.started(repository, self.work, place.server, servers) as targets:
            found = point.measure(targets, self.work, self.plan.span, place)
        return point.described(counts, place) | found

    def on_cores(self, baseline: Instances, count: int, cores: Sequence[int]) -> Json:
        """So many cores with as many of the instances, the generator on the others as far as there are others."""
        self.progress(f"the limit, cores: {count}")
        place = Place(cores[:count], cores[count:] or cores)
        with confined(place.server):
            found = limit(self.work, seconds=self.plan.seconds, ways=(Setup(count), Setup(count, batch=4)))
        return self.point(baseline.share(count / len(cores)), place) | {"limit": found}


def _described(work: Work) -> Json:
    """How many pictures, and the mean bytes of one and of its report."""
    options = Options(work.profile)
    reports = [offline.inspect(each.data, options, engine=ONNXRUNTIME).to_json() for each in work.pictures]
    return {
        "count": len(work.pictures),
        "picture_bytes": round(statistics.fmean(len(each.data) for each in work.pictures)),
        "report_bytes": round(statistics.fmean(len(report.encode()) for report in reports)),
    }
