"""``python -m benchmarks soak``."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.common.options import Faces, Profile, Results, console, work_of
from benchmarks.common.origin import RESULTS
from benchmarks.common.study import Study
from benchmarks.studies.soak import section
from benchmarks.studies.soak.measure import SoakPlan, measure

STUDY = Study("soak", measure, section.text, section.plot)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    pictures: Annotated[int, typer.Option(min=1, help="How many are inspected.")] = SoakPlan.parts,
    kills: Annotated[int, typer.Option(min=0, help="Number of faults.")] = SoakPlan.kills,
    servers: Annotated[int, typer.Option(min=1, help="How many serve.")] = SoakPlan.machines,
    stations: Annotated[int, typer.Option(min=1, help="Stations with sync and with async clients, each.")] = (
        SoakPlan.stations
    ),
    seed: Annotated[int, typer.Option(help="Decides the order of the faults.")] = SoakPlan.seed,
    results: Results = RESULTS,
) -> None:
    """Inspect many pictures while servers are killed; ends with 1 if one was lost or crossed, or memory grew."""
    plan = SoakPlan(pictures, kills, servers, stations, seed=seed)
    record = STUDY.record(results, work_of(faces, None, profile), plan, console.print)
    figures = record["figures"]
    console.print(f"{figures['right']} right, {figures['lost']} lost, {figures['crossed']} crossed")
    for line in record["trends"]:
        if not line["is_steady"]:
            console.print(f"not flat: {line['column']} rises by {line['rise']:g}, at most {line['limit']:g} allowed")
    for name in record["left_over"]:
        console.print(f"left over: {name}")
    raise typer.Exit(0 if record["is_clean"] else 1)
