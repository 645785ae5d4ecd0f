"""This server and its peers, in turns: cold start, saturation, memory, and half of the saturation."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from benchmarks.common import asyncio_load
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import CORES, Work
from benchmarks.common.origin import Json
from benchmarks.common.stations import Station
from benchmarks.common.study import Progress
from benchmarks.common.usage import family, memory_mib
from benchmarks.studies.peers import in_process, stream
from benchmarks.studies.peers.environment import SHARED, prepare
from benchmarks.studies.peers.launch import running
from benchmarks.studies.peers.peer import ENDFACE, Peer, Serving
from endface.server.ports import free_ports

HALF: Final = 0.5
"""Share of a server's own saturation at which its percentiles are compared: busy, but not full."""


@dataclass(frozen=True)
class PeersPlan:
    """What is measured of each, and for how long.

    Attributes:
        stations: Numbers of stations that ask in a closed loop; the highest throughput is the saturation.
        seconds: How long each of them is counted.
        stream_s: How long the stream at half of the saturation is counted.
        settle_s: How long each load runs before it counts.
        rounds: How often all of them are measured, each once in a round: a machine's speed drifts.
    """

    stations: Sequence[int] = (4, 8)
    seconds: float = 6.0
    stream_s: float = 12.0
    settle_s: float = 2.0
    rounds: int = 3


def measure(peers: Sequence[Peer], work: Work, plan: PeersPlan, out: Path, progress: Progress) -> Json:
    """Measure loops without a server, and in each round this server and the peers.

    Returns:
        The record; what could not be measured has a row with an ``error``.
    """

    def shown(row: Json) -> Json:
        images_per_s = row.get("saturation", row).get("images_per_s")
        progress(f"{row['title']}: {row.get('error', f'{images_per_s} pictures/s')}")
        return row

    servers = (ENDFACE, *peers)
    for each in servers:
        with contextlib.suppress(BenchmarkError):  # the rounds name it
            _start_once(each, work, out)
    return {
        "plan": asdict(plan) | {"workers": CORES},
        "pictures": len(work.pictures),
        "in_process": [shown(in_process.measure(name, work, plan.seconds)) for name in in_process.TITLES],
        "served": [shown(_row(each, work, plan, out)) for _ in range(plan.rounds) for each in servers],
    }


def _start_once(peer: Peer, work: Work, out: Path) -> None:
    """Start and stop a server: at the first time its files come from the disk.

    Raises:
        BenchmarkError: it cannot be installed, or does not start.
    """
    environment = prepare(out / peer.name, peer.requirements)
    with running(peer, serving_of(work), environment, work.pictures[0]):
        pass


def _row(peer: Peer, work: Work, plan: PeersPlan, out: Path) -> Json:
    try:
        return measure_peer(peer, work, plan, out)
    except BenchmarkError as exc:
        return {"peer": peer.name, "title": peer.title, "error": str(exc)}


def measure_peer(peer: Peer, work: Work, plan: PeersPlan, out: Path) -> Json:
    """Measure one peer.

    Returns:
        Its row of the record.

    Raises:
        BenchmarkError: it cannot be installed, does not start, or does other work than endface.
    """
    environment = prepare(out / peer.name, peer.requirements)
    serving = serving_of(work)
    with running(peer, serving, environment, work.pictures[0]) as server:
        station = partial(peer.station, serving)
        closed = [_closed(station, users, work, plan, server.process) for users in plan.stations]
        saturation = max(closed, key=lambda row: float(row["images_per_s"]))
        rate = stream.Rate(HALF * saturation["images_per_s"], plan.stream_s, plan.settle_s, max(plan.stations))
        half = stream.ask(station, work.pictures, rate) if rate.images_per_s else None
    return {
        "peer": peer.name,
        "title": peer.title,
        "versions": environment.versions(_packages(peer)),
        "cold_start_s": server.cold_start_s,
        "saturation": saturation,
        "half_load": half,
        "closed": closed,
    }


def serving_of(work: Work) -> Serving:
    """What a server is to serve, on free ports."""
    first, second, third = free_ports(3)
    return Serving((first, second, third), CORES, work.network, work.profile)


def _closed(station: Callable[[], Station], users: int, work: Work, plan: PeersPlan, process: psutil.Process) -> Json:
    """A closed loop, and what memory the server takes at its end."""
    memory: list[float] = []
    span = asyncio_load.Span(users, plan.seconds, plan.settle_s)
    found = asyncio_load.ask(station, work.pictures, span, busy=lambda: memory.append(_memory_mib(process)))
    del found["by_picture_ms"]
    return found | {"memory_mib": memory[0]}


def _memory_mib(process: psutil.Process) -> float:
    return memory_mib(each for each in family(process) if each.status() != psutil.STATUS_ZOMBIE)


def _packages(peer: Peer) -> list[str]:
    """The packages that a peer's requirements name; those of all environments stand in the record's head."""
    if peer.requirements is None:
        return ["endface"]
    lines = peer.requirements.read_text(encoding="utf-8").splitlines()
    names = [re.split(r"[\[<>=~!;]", line)[0].strip() for line in lines if line and not line.startswith("#")]
    return [name for name in names if name not in SHARED]
