"""``python -m benchmarks breakeven``."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.common.limit import Work
from benchmarks.common.options import Faces, Folder, Profile, Results, console, keep, network_file, pictures_of
from benchmarks.common.origin import RESULTS
from benchmarks.studies.breakeven.measure import Plan, measure


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each phase is counted.")] = Plan.seconds,
    settle_s: Annotated[float, typer.Option(min=0.1, help="How long it runs before.")] = Plan.settle_s,
    rounds: Annotated[int, typer.Option(min=1, help="How often all arrangements take their turn.")] = Plan.rounds,
    stations: Annotated[int, typer.Option(min=2, help="Stations where throughput is measured.")] = Plan.stations,
    results: Results = RESULTS,
) -> None:
    """Compare the ways to divide an inspection between client and server: stages, hops, memory, number formats."""
    work = Work(pictures_of(faces, folder, profile), network_file(), profile)
    record = measure(work, Plan(seconds, settle_s, rounds, stations), console.print)
    console.print(str(keep(record, results, "breakeven")))
