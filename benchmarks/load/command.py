"""``python -m benchmarks load``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.caveats import caveats
from benchmarks.common.options import Faces, Folder, Profile, Results, console, messages, work_of
from benchmarks.common.origin import RESULTS, Json
from benchmarks.common.pictures import save
from benchmarks.common.study import Study
from benchmarks.common.target import LoadTarget, serving
from benchmarks.load import section
from benchmarks.load.measure import LoadPlan, checks_of, measure
from benchmarks.load.shapes import SHAPES, ProductionLine
from benchmarks.load.slo import SLO_FILE, AnyLimits, read_limits
from endface.server.settings import DEFAULT_ENGINE

STUDY = Study("load", measure, section.text, section.plot)

_LINE = ProductionLine()


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    server: Annotated[str, typer.Option(help="host:port of gRPC; a server of its own is started otherwise.")] = "",
    metrics: Annotated[str, typer.Option(help="host:port of that server's metrics.")] = "",
    engine: Annotated[str, typer.Option(help="What runs the network in a server of its own.")] = DEFAULT_ENGINE,
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    shape: Annotated[list[str] | None, typer.Option(help="Load shape; may be repeated. All otherwise.")] = None,
    stations: Annotated[int, typer.Option(min=1, help="Stations of takt.")] = _LINE.stations,
    takt_ms: Annotated[float, typer.Option(min=1, help="Their takt.")] = _LINE.takt_ms,
    machines: Annotated[int, typer.Option(min=1, help="Machines of burst.")] = _LINE.machines,
    connector_ms: Annotated[float, typer.Option(min=1, help="Their takt.")] = _LINE.connector_ms,
    knee: Annotated[int, typer.Option(min=1, help="Stations of soak, where no ramp runs.")] = _LINE.knee,
    most: Annotated[int, typer.Option(min=2, help="Stations up to which ramp goes.")] = _LINE.most,
    seconds: Annotated[float, typer.Option(min=1, help="How long each phase is counted.")] = _LINE.seconds,
    settle_s: Annotated[float, typer.Option(min=1, help="How long it runs before.")] = _LINE.settle_s,
    slices: Annotated[int, typer.Option(min=1, help="Phases of soak.")] = _LINE.slices,
    limit_s: Annotated[
        float, typer.Option(min=0.1, help="How long each way to the limit is counted.")
    ] = LoadPlan.limit_s,
    processes: Annotated[int, typer.Option(min=1, help="Processes of Locust.")] = LoadPlan.processes,
    slo: Annotated[Path, typer.Option(help="What must be kept.")] = SLO_FILE,
    results: Results = RESULTS,
    out: Annotated[Path, typer.Option(help="Folder for pictures and what Locust writes.")] = Path("out/bench"),
) -> None:
    """Put every load shape on a server; ends with 1 where a limit is not kept, with 2 where a shape failed."""
    line = ProductionLine(stations, takt_ms, machines, connector_ms, knee, most, seconds, settle_s, slices)
    plan = LoadPlan(line, tuple(shape or SHAPES), limit_s, processes, read_limits(slo))
    work = work_of(faces, folder, profile)
    save(work.pictures, out / "pictures")
    with serving(server, metrics, engine) as (grpc, counters):
        target = LoadTarget(grpc, counters, profile, out / "pictures")
        record = STUDY.record(results, target, work, plan, out=out, progress=console.print)
    raise typer.Exit(conclude(record, plan.limits))


def conclude(record: Json, limits: Mapping[str, AnyLimits]) -> int:
    """Say what a record comes to.

    Returns:
        The exit status: 2 where a shape failed, else 1 where a limit is not kept, else 0.
    """
    checks = checks_of(record, limits)
    broken = [check for check in checks if not check.kept]
    for check in broken:
        console.print(f"not kept: {check}")
    for caveat in caveats(record):
        console.print(f"caveat: {caveat}")
    console.print(f"{len(checks)} limits, {len(broken)} not kept")
    for failure in record["failed"]:
        messages.print(f"benchmarks: {failure['error']}")
    return 2 if record["failed"] else 1 if broken else 0
