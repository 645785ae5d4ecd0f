"""``python -m benchmarks stages``."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.common.options import Faces, Folder, Profile, Results, console, work_of
from benchmarks.common.origin import RESULTS
from benchmarks.common.study import Study
from benchmarks.common.turns import Turns
from benchmarks.stages import section
from benchmarks.stages.measure import measure

STUDY = Study("stages", measure, section.text)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each picture goes through each stage.")] = 20,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each way to the limit is counted.")] = 6.0,
    turns: Annotated[int, typer.Option(min=1, help="Turns of the server and of the limit, three seconds each.")] = 12,
    results: Results = RESULTS,
) -> None:
    """Time every stage without a server, and hold a server against the same stages in turns; at most four minutes."""
    work = work_of(faces, folder, profile)
    record = STUDY.record(results, work, rounds=rounds, seconds=seconds, turns=Turns(turns))
    found, one = record["turns"], record["one_client"]
    console.print(
        f"{found['served_images_per_s']['median']:g} of {found['limit_images_per_s']['median']:g} pictures/s, "
        f"served over limit {found['served_over_limit']['median']:g}; one client {one['overhead_ms']:g} ms more"
    )
