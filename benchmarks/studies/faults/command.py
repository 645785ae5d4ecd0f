"""``python -m benchmarks faults``."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.common.limit import Work
from benchmarks.common.options import Faces, Folder, Profile, Results, console, keep, network_file, pictures_of
from benchmarks.common.origin import RESULTS
from benchmarks.studies.faults.measure import Plan, measure


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 12,
    folder: Folder = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often each fault is tried.")] = Plan.repeats,
    stations: Annotated[int, typer.Option(min=1, help="Stations that work all the time.")] = Plan.stations,
    results: Results = RESULTS,
) -> None:
    """Kill and stop every process of a server while stations work: time to repair, and calls lost (eight minutes)."""
    work = Work(pictures_of(faces, folder, profile), network_file(), profile)
    record = measure(work, Plan(repeats, stations), console.print)
    console.print(str(keep(record, results, "faults")))
