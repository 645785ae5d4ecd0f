"""One point of a curve: servers of some instances on some cores, stations without a pause on others."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.common import asyncio_load
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import Work
from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture
from benchmarks.common.target import Target, serving, warm_up
from benchmarks.common.triton_counters import scrape, since, split
from benchmarks.common.usage import memory_mib, server_processes, usage
from benchmarks.common.workers import Barrier, together
from benchmarks.studies.scaling.cores import confined
from benchmarks.studies.scaling.instances import Instances
from endface import contract
from endface.server.settings import DEFAULT_ENGINE


@dataclass(frozen=True)
class Place:
    """Who runs where.

    Attributes:
        server: Cores of the server.
        generator: Cores of the load generator.
    """

    server: Collection[int]
    generator: Collection[int]


@contextlib.contextmanager
def started(repository: Path, work: Work, cores: Collection[int], servers: int = 1) -> Iterator[list[Target]]:
    """Warm servers of our own on some cores, for as long as this lasts.

    Args:
        repository: what each of them serves.
        work: pictures to warm them up with, and the network that they must serve.
        cores: where they and their model processes may run.
        servers: how many.

    Raises:
        ServerStartError: one could not be started.
        BenchmarkError: one answers nothing as expected.
    """
    targets = []
    with contextlib.ExitStack() as stack:
        for _ in range(servers):
            with confined(cores):
                grpc, metrics = stack.enter_context(serving("", "", DEFAULT_ENGINE, repository))
            targets.append(Target(grpc, metrics, work.profile, pictures=repository))
            warm_up(targets[-1], work)
        yield targets


def measure(targets: Sequence[Target], work: Work, span: asyncio_load.Span, place: Place) -> Json:
    """Ask running servers together, each in its turn.

    Args:
        targets: the servers.
        work: pictures and what is right about them.
        span: how many ask, and how long.
        place: which cores are whose; the generator gets a process of its own there.

    Returns:
        What ``loop.run`` counted; ``server_cpu_ms`` and ``generator_cpu_ms`` of processor time for a picture;
        ``server_mib``; and for each server what ``metrics.split`` says of each model.

    Raises:
        BenchmarkError: nothing was answered as expected.
    """
    processes = [each for target in targets for each in server_processes(_port(target))]
    before, spent = [scrape(target.metrics) for target in targets], usage((), processes)
    with confined(place.generator):
        address = ",".join(target.server for target in targets)
        (found,) = together(1, "processes", _ask, address, work.pictures, work.profile, span)
    spent = usage((), processes) - spent
    did = [since(earlier, scrape(target.metrics)) for earlier, target in zip(before, targets, strict=True)]
    if not found["answered"]:
        raise BenchmarkError(
            f"{address} answered nothing as expected: {found['failed']} calls failed, "
            f"{found['wrong_verdicts']} verdicts were wrong"
        )
    answered = sum(models[contract.ENSEMBLE.name].answered for models in did)
    return {
        **{key: value for key, value in found.items() if key != "by_picture_ms"},
        "server_cpu_ms": round(spent.server * 1000 / answered, 3),
        "generator_cpu_ms": round(found["generator_cores"] * 1000 / found["images_per_s"], 3),
        "server_mib": memory_mib(processes),
        "servers": [{model: split(counters) for model, counters in models.items()} for models in did],
    }


def described(instances: Instances, place: Place) -> Json:
    """What was measured at a point, for its record."""
    return {
        "instances": asdict(instances),
        "name": str(instances),
        "server_on": len(place.server),
        "generator_apart": not set(place.server) & set(place.generator),
    }


def _ask(barrier: Barrier, address: str, pictures: Sequence[Picture], profile: str, span: asyncio_load.Span) -> Json:
    barrier.wait()
    return asyncio_load.run(address, pictures, profile, span)


def _port(target: Target) -> int:
    return int(target.server.rpartition(":")[2])
