"""``python -m benchmarks soak``."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.common.limit import Work
from benchmarks.common.options import Faces, Profile, Results, console, keep, network_file, pictures_of
from benchmarks.common.origin import RESULTS
from benchmarks.studies.soak.measure import Plan, measure


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    pictures: Annotated[int, typer.Option(min=1, help="How many are inspected.")] = Plan.parts,
    kills: Annotated[int, typer.Option(min=0, help="How often a server is made ill.")] = Plan.kills,
    servers: Annotated[int, typer.Option(min=1, help="How many serve.")] = Plan.machines,
    stations: Annotated[int, typer.Option(min=1, help="Stations with sync and with async clients, each.")] = (
        Plan.stations
    ),
    seed: Annotated[int, typer.Option(help="Decides the order of the faults.")] = Plan.seed,
    results: Results = RESULTS,
) -> None:
    """Inspect many pictures while servers are killed; ends with 1 if one was lost or crossed, or memory grew."""
    work = Work(pictures_of(faces, None, profile), network_file(), profile)
    plan = Plan(pictures, kills, servers, stations, seed=seed)
    record = measure(work, plan, console.print)
    figures = record["figures"]
    console.print(f"{figures['right']} right, {figures['lost']} lost, {figures['crossed']} crossed")
    for line in record["trends"]:
        if not line["is_steady"]:
            console.print(f"not flat: {line['column']} rises by {line['rise']:g}, at most {line['limit']:g} allowed")
    for name in record["left_over"]:
        console.print(f"left over: {name}")
    console.print(str(keep(record, results, "soak")))
    raise typer.Exit(0 if record["is_clean"] else 1)
