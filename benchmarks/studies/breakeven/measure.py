"""One run of the study: all arrangements in turns, on one server, so that a drift of the machine hits all alike."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import psutil

from benchmarks.common.limit import Work
from benchmarks.common.origin import Json, origin
from benchmarks.common.pictures import Picture
from benchmarks.common.target import serving
from benchmarks.common.usage import server_processes, usage
from benchmarks.studies.breakeven.arrangements import ARRANGEMENTS, ENDINGS, HOPS
from benchmarks.studies.breakeven.figures import HOP_BYTES, phase_figures
from benchmarks.studies.breakeven.repository import assemble
from benchmarks.studies.breakeven.station import Seen, Window
from benchmarks.studies.breakeven.stations import Stations, stations
from endface.engines.onnx_network import Network
from endface.environment import default_repository
from endface.picture.decode import decode
from endface.server.settings import DEFAULT_ENGINE

_HOP_SHARE: Final = 0.5
"""Of a phase's seconds: steps that do nothing answer some hundred times a second."""


@dataclass(frozen=True)
class Plan:
    """How long is measured.

    Attributes:
        seconds: How long each phase counts; those of steps that do nothing count half as long.
        settle_s: What runs before it, uncounted.
        rounds: How often all arrangements take their turn.
        stations: How many ask at once where throughput is asked for.
    """

    seconds: float = 3.5
    settle_s: float = 0.7
    rounds: int = 3
    stations: int = 4


@dataclass(frozen=True)
class _Bench:
    """The server's processes and the stations, ready to measure."""

    server: Sequence[psutil.Process]
    stations: Stations
    plan: Plan


def measure(work: Work, plan: Plan, progress: Callable[[str], None]) -> Json:
    """Serve all arrangements with one Triton, and measure them in rounds.

    Args:
        work: pictures, the network of the default repository, and the profile to judge by.
        plan: how long.
        progress: told of every round.

    Returns:
        The record: its head, the plan, and what each phase of each round gave.

    Raises:
        BenchmarkError: the server did not answer.
        ServerStartError: it could not be started.
    """
    record = origin(Network(work.network).info) | {"plan": asdict(plan), "pictures": len(work.pictures)}
    encoded = {ending: recode(work.pictures, ending) for ending in ENDINGS}
    with tempfile.TemporaryDirectory(prefix="endface-breakeven-") as folder:
        assemble(default_repository(), Path(folder))
        progress("starting Triton with the models of all arrangements")
        with (
            serving("", "", DEFAULT_ENGINE, Path(folder)) as (server, _),
            stations(server, encoded, work, plan.stations) as line,
        ):
            bench = _Bench(server_processes(int(server.rpartition(":")[2])), line, plan)
            progress("warming up")
            list(_round(replace(bench, plan=replace(plan, seconds=plan.settle_s, settle_s=0))))
            rounds = []
            for number in range(plan.rounds):
                progress(f"round {number + 1} of {plan.rounds}")
                rounds.append(list(_round(bench)))
    return record | {"rounds": rounds}


def recode(pictures: Sequence[Picture], ending: str) -> list[Picture]:
    """The same gray levels in another encoding, without loss, under the same name; JPEG stays what it is."""
    if ending == ".jpg":
        return list(pictures)
    return [replace(picture, data=cv2.imencode(ending, decode(picture.data).gray)[1].tobytes()) for picture in pictures]


def _round(bench: _Bench) -> Iterator[Json]:
    """Each arrangement with one station and with several, then the steps that do nothing."""
    for arrangement in ARRANGEMENTS:
        for count in (1, bench.plan.stations):
            row = _phase(bench, bench.plan.seconds, partial(bench.stations.present, arrangement, count))
            yield {"arrangement": arrangement.name, "stations": count} | row
    for size in HOP_BYTES:
        for steps in HOPS:
            row = _phase(bench, bench.plan.seconds * _HOP_SHARE, partial(bench.stations.hop, steps, size))
            yield {"steps": steps, "bytes": size} | row


def _phase(bench: _Bench, seconds: float, begin: Callable[[Window], Callable[[], list[Seen]]]) -> Json:
    """One phase: start the stations, look at the server's processor time at both ends, gather."""
    begin_s = time.monotonic() + bench.plan.settle_s
    window = Window(begin_s, begin_s + seconds)
    gather = begin(window)
    time.sleep(max(window.begin_s - time.monotonic(), 0))
    before, looked_s = usage((), bench.server), time.monotonic()
    time.sleep(max(window.end_s - time.monotonic(), 0))
    spent, watched_s = usage((), bench.server) - before, time.monotonic() - looked_s
    return phase_figures(gather(), server_cores=spent.server / watched_s, machine_cores=spent.machine / watched_s)
