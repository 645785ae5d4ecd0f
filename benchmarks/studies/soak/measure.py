"""A long shift of several stations on one or two machines that fall ill again and again: what came of every part."""

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
from benchmarks.studies.line.machine import Machine
from benchmarks.studies.line.part import known
from benchmarks.studies.line.stations import Shift, Stations
from benchmarks.studies.soak.gauge import Gauge
from benchmarks.studies.soak.killer import Killer, schedule
from benchmarks.studies.soak.steady import lives, trends

_PATIENCE_S: Final = 120.0
_SAY_EVERY: Final = 1000


@dataclass(frozen=True)
class SoakPlan:
    """How it is measured.

    Attributes:
        parts: How many are inspected.
        kills: How often a machine is made ill.
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
    """Inspect all parts.

    Returns:
        The record: ``is_clean`` says whether nothing was lost, crossed or left behind, and memory stayed flat.

    Raises:
        BenchmarkError: a server did not start, or did not heal, or the stations stand still.
    """
    pool = known(work.pictures, work.profile)
    with ExitStack() as stack:
        machines = [stack.enter_context(Machine(work.profile)) for _ in range(plan.machines)]
        servers = ",".join(machine.server for machine in machines)
        since_s = time.monotonic()
        stations = stack.enter_context(
            Stations(Shift(servers, work.profile, pool, plan.parts, plan.stations, plan.stations))
        )
        blows = schedule(plan.kills, plan.parts, plan.machines, plan.calm, plan.seed)
        killer, gauge = Killer(machines, blows, since_s), Gauge(machines, stations, since_s)
        ledger = Ledger(plan.parts, since_s)
        _work(stations, ledger, killer, gauge, progress)
        statuses = [machine.stop() for machine in machines]
        found = _found(ledger, killer, gauge) | {"exit_statuses": statuses, "left_over": gauge.left_over()}
    return {"plan": asdict(plan)} | found | {"is_clean": _is_clean(found)}


def _work(stations: Stations, ledger: Ledger, killer: Killer, gauge: Gauge, progress: Progress) -> None:
    """Until all parts are judged and all blows healed, or the stations have ended."""
    came_s, told = time.monotonic(), 0
    while len(ledger) < ledger.parts and stations.are_at_work:
        before = len(ledger)
        for row in stations.rows():
            ledger.add(row)
        killer.step(len(ledger))
        gauge.look()
        now_s = time.monotonic()
        came_s = now_s if len(ledger) > before else came_s
        if now_s - came_s > _PATIENCE_S:
            raise BenchmarkError(f"nothing came of any part for {_PATIENCE_S:.0f} s, after {len(ledger)} parts")
        if len(ledger) - told >= _SAY_EVERY:
            told = len(ledger)
            progress(f"{told} of {ledger.parts} parts, {len(killer.repairs)} repairs")
    for row in stations.rows():
        ledger.add(row)
    while not killer.is_done:
        killer.step(len(ledger))


def _found(ledger: Ledger, killer: Killer, gauge: Gauge) -> Json:
    figures = ledger.figures()
    repairs = [(each["at_s"], each["at_s"] + each["serving_ms"] / 1000) for each in killer.repairs]
    rate = figures["images_per_s"]
    lines = trends(gauge.samples(), lives(repairs, figures["seconds"]), rate) if rate else ()
    return {
        "figures": figures,
        "repairs": killer.repairs,
        "unasked_repairs": killer.unasked,
        "trends": [line.to_json() for line in lines],
        "by_second": ledger.series(),
        "gauge": gauge.series(),
    }


def _is_clean(found: Json) -> bool:
    figures = found["figures"]
    wrong = figures["lost"] + figures["crossed"] + figures["twice"] + len(found["left_over"])
    return not wrong and not any(found["exit_statuses"]) and all(line["is_steady"] for line in found["trends"])
