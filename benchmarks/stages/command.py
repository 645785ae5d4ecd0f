"""``python -m benchmarks stages``."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.common.options import Faces, Folder, Profile, Results, console, work_of
from benchmarks.common.origin import RESULTS
from benchmarks.common.study import Study
from benchmarks.stages import section
from benchmarks.stages.measure import measure

STUDY = Study("stages", measure, section.text)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each picture goes through each stage.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each way to the limit is counted.")] = 20.0,
    results: Results = RESULTS,
) -> None:
    """Time every stage without a server, and find the pictures a second that this machine can do at all."""
    record = STUDY.record(results, work_of(faces, folder, profile), rounds=rounds, seconds=seconds)
    console.print(f"{record['limit']['images_per_s']:g} pictures/s")
