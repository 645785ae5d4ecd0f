"""``python -m benchmarks floor``: what the serving path costs, by leaving it out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.options import Faces, Folder, Profile, Results, console, work_of
from benchmarks.common.origin import RESULTS
from benchmarks.common.study import Study
from benchmarks.studies.floor import section
from benchmarks.studies.floor.measure import Plan, measure

STUDY = Study("floor", measure, section.text)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    rounds: Annotated[int, typer.Option(min=1, help="Turns of each server.")] = Plan.rounds,
    seconds: Annotated[float, typer.Option(min=1, help="How long a turn is counted.")] = Plan.seconds,
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    results: Results = RESULTS,
    out: Annotated[Path, typer.Option(help="Folder for repositories and environments.")] = Path("out/peers"),
) -> None:
    """Measure endface beside the same stages with less and less around them."""
    plan = Plan(rounds=rounds, seconds=seconds)
    STUDY.record(results, work_of(faces, folder, profile), plan, out.resolve(), console.print)
