"""``python -m benchmarks``: time the stages, load a server, write the page of results."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.common.doubts import doubts
from benchmarks.common.limit import Work
from benchmarks.common.options import Faces, Folder, Out, Profile, Results, console, keep, network_file, pictures_of
from benchmarks.common.origin import PAGE, RESULTS, origin
from benchmarks.common.pictures import save
from benchmarks.common.target import Target, serving, warm_up
from benchmarks.load.load import Plan, measure
from benchmarks.load.shapes import SHAPES, Line
from benchmarks.load.slo import SLO_FILE, judge, read_limits
from benchmarks.page import write_page
from benchmarks.stages import measure as stages
from benchmarks.studies.breakeven import command as breakeven
from benchmarks.studies.engines import command as engines
from benchmarks.studies.faults import command as faults
from benchmarks.studies.peers import command as peers
from benchmarks.studies.scaling import command as scaling
from benchmarks.studies.soak import command as soak
from benchmarks.studies.traces import measure as traces
from endface.engines.onnx_network import Network
from endface.errors import EndfaceError
from endface.server.settings import DEFAULT_ENGINE

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
messages = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


@app.command("stages")
def time_stages(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each picture goes through each stage.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each way to the limit is counted.")] = 20.0,
    results: Results = RESULTS,
) -> None:
    """Time every stage without a server, and find the pictures a second that this machine can do at all."""
    work = Work(pictures_of(faces, folder, profile), network_file(), profile)
    record = origin(Network(work.network).info) | stages.measure(work, rounds=rounds, seconds=seconds)
    console.print(f"{record['limit']['images_per_s']:g} pictures/s; {keep(record, results, 'stages')}")


@app.command()
def load(  # noqa: PLR0913, PLR0917 - the options of a command
    server: Annotated[str, typer.Option(help="host:port of gRPC; a server of its own is started otherwise.")] = "",
    metrics: Annotated[str, typer.Option(help="host:port of that server's metrics.")] = "",
    engine: Annotated[str, typer.Option(help="What runs the network in a server of its own.")] = DEFAULT_ENGINE,
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    shape: Annotated[list[str] | None, typer.Option(help="Load shape; may be repeated. All otherwise.")] = None,
    stations: Annotated[int, typer.Option(min=1, help="Stations of takt.")] = Line.stations,
    takt_ms: Annotated[float, typer.Option(min=1, help="Their takt.")] = Line.takt_ms,
    machines: Annotated[int, typer.Option(min=1, help="Machines of burst.")] = Line.machines,
    connector_ms: Annotated[float, typer.Option(min=1, help="Their takt.")] = Line.connector_ms,
    knee: Annotated[int, typer.Option(min=1, help="Stations of soak and recovery, where no ramp runs.")] = Line.knee,
    most: Annotated[int, typer.Option(min=2, help="Stations up to which ramp goes.")] = Line.most,
    seconds: Annotated[float, typer.Option(min=1, help="How long each phase is counted.")] = Line.seconds,
    settle_s: Annotated[float, typer.Option(min=1, help="How long it runs before.")] = Line.settle_s,
    slices: Annotated[int, typer.Option(min=1, help="Phases of soak.")] = Line.slices,
    limit_s: Annotated[float, typer.Option(min=0.1, help="How long each way to the limit is counted.")] = Plan.limit_s,
    processes: Annotated[int, typer.Option(min=1, help="Processes of Locust.")] = Plan.processes,
    slo: Annotated[Path, typer.Option(help="What must be kept.")] = SLO_FILE,
    results: Results = RESULTS,
    out: Out = Path("out/bench"),
) -> None:
    """Put every load shape on a server; ends with 1 where a limit is not kept, with 2 where a shape failed."""
    line = Line(stations, takt_ms, machines, connector_ms, knee, most, seconds, settle_s, slices)
    plan = Plan(line, tuple(shape or SHAPES), limit_s, processes)
    limits = read_limits(slo)
    judge(limits, {name: [] for name in plan.shapes})  # a missing section is found before an hour of measuring
    work = Work(pictures_of(faces, folder, profile), network_file(), profile)
    save(work.pictures, out / "pictures")
    with serving(server, metrics, engine) as (grpc, counters):
        target = Target(grpc, counters, profile, out / "pictures")
        served_by = warm_up(target, work)
        record = measure(target, work, plan, out=out, progress=console.print) | {"served_by": served_by}
    checks = judge(limits, record["shapes"])
    broken = [check for check in checks if not check.kept]
    for check in broken:
        console.print(f"not kept: {check}")
    for doubt in doubts(record):
        console.print(f"doubt: {doubt}")
    path = keep(record | {"checks": [check.to_json() for check in checks]}, results, "load")
    console.print(f"{len(checks)} limits, {len(broken)} not kept; {path}")
    for failure in record["failed"]:
        messages.print(f"benchmarks: {failure['error']}")
    raise typer.Exit(2 if record["failed"] else 1 if broken else 0)


@app.command()
def page(results: Results = RESULTS, document: Annotated[Path, typer.Option(help="The page.")] = PAGE) -> None:
    """Write RESULTS.md and its plots from the newest records."""
    write_page(results, document)
    console.print(str(document))


app.command("breakeven")(breakeven.run)
app.command("peers")(peers.run)
app.command("faults")(faults.run)
app.command("soak")(soak.run)
app.command("engines")(engines.run)
app.command("traces")(traces.run)
app.command("scaling")(scaling.run)
app.command("scaling-page")(scaling.write_page)
app.command("size")(scaling.size)


def main() -> None:
    """Run the command; it ends with 2 and a sentence where nothing could be measured."""
    try:
        app()
    except EndfaceError as exc:
        messages.print(f"benchmarks: {exc}")
        sys.exit(2)


if __name__ == "__main__":
    main()
