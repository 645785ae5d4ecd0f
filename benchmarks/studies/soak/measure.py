"""A soak: several stations work for long on machines that have fault after fault; every part is accounted for."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Final

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import Work
from benchmarks.common.origin import Json
from benchmarks.common.study import Progress
from benchmarks.studies.line.ledger import Ledger
from benchmarks.studies.line.machine import PATIENCE_S, ServingMachine
from benchmarks.studies.line.part import known
from benchmarks.studies.line.stations import Shift, Stations
from benchmarks.studies.soak.faults import FaultInjector, schedule
from benchmarks.studies.soak.gauge import Gauge
from benchmarks.studies.soak.steady import lives, trends

_SAY_EVERY: Final = 1000


@dataclass(frozen=True)
class SoakPlan:
    """Extent of a soak.

    Attributes:
        parts: How many are inspected.
        kills: Number of faults.
        machines: How many serve.
        stations: How many ask side by side, with sync and with async clients each.
        calm: Share of the parts before the first fault, and after the last.
        seed: Decides the order of the faults.
    """

    parts: int = 50_000
    kills: int = 22
    machines: int = 1
    stations: int = 3
    calm: float = 0.15
    seed: int = 1


def measure(work: Work, plan: SoakPlan, progress: Progress) -> Json:
    """Record of a soak.

    Returns:
        The record: ``is_clean`` says whether nothing was lost, crossed or left behind, and memory stayed flat.

    Raises:
        BenchmarkError: a server did not start or was not repaired, or the stations stand still.
    """
    pool = known(work.pictures, work.profile)
    with ExitStack() as stack:
        machines = [stack.enter_context(ServingMachine(work.profile)) for _ in range(plan.machines)]
        servers = ",".join(machine.server for machine in machines)
        since_s = time.monotonic()
        stations = stack.enter_context(
            Stations(Shift(servers, work.profile, pool, plan.parts, plan.stations, plan.stations))
        )
        faults = schedule(plan.kills, plan.parts, plan.machines, plan.calm, plan.seed)
        injector, gauge = FaultInjector(machines, faults, since_s), Gauge(machines, stations, since_s)
        ledger = Ledger(plan.parts, since_s)
        _work(stations, ledger, injector, gauge, progress)
        statuses = [machine.stop() for machine in machines]
        found = _found(ledger, injector, gauge) | {"exit_statuses": statuses, "left_over": gauge.left_over()}
    return {"plan": asdict(plan)} | found | {"is_clean": _is_clean(found)}


def _work(stations: Stations, ledger: Ledger, injector: FaultInjector, gauge: Gauge, progress: Progress) -> None:
    """Work until all parts are judged and all faults repaired, or the stations have ended."""
    came_s, reported = time.monotonic(), 0
    while len(ledger) < ledger.parts and stations.are_at_work:
        before = len(ledger)
        for row in stations.rows():
            ledger.add(row)
        injector.step(len(ledger))
        gauge.look()
        now_s = time.monotonic()
        came_s = now_s if len(ledger) > before else came_s
        if now_s - came_s > PATIENCE_S:
            raise BenchmarkError(f"nothing came of any part for {PATIENCE_S:.0f} s, after {len(ledger)} parts")
        if len(ledger) - reported >= _SAY_EVERY:
            reported = len(ledger)
            progress(f"{reported} of {ledger.parts} parts, {len(injector.repairs)} repairs")
    for row in stations.rows():
        ledger.add(row)
    while not injector.is_done:
        injector.step(len(ledger))


def _found(ledger: Ledger, injector: FaultInjector, gauge: Gauge) -> Json:
    figures = ledger.figures()
    repairs = [(each["at_s"], each["at_s"] + each["serving_ms"] / 1000) for each in injector.repairs]
    rate = figures["images_per_s"]
    lines = trends(gauge.samples(), lives(repairs, figures["seconds"]), rate) if rate else ()
    return {
        "figures": figures,
        "repairs": injector.repairs,
        "unasked_repairs": injector.unasked,
        "trends": [line.to_json() for line in lines],
        "by_second": ledger.series(),
        "gauge": gauge.series(),
    }


def _is_clean(found: Json) -> bool:
    figures = found["figures"]
    wrong = figures["lost"] + figures["crossed"] + figures["twice"] + len(found["left_over"])
    return not wrong and not any(found["exit_statuses"]) and all(line["is_steady"] for line in found["trends"])
