"""``python -m benchmarks faults``."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmarks.common.options import Faces, Folder, Profile, Results, console, work_of
from benchmarks.common.origin import RESULTS
from benchmarks.common.study import Study
from benchmarks.studies.faults import section
from benchmarks.studies.faults.causes import TOURS
from benchmarks.studies.faults.measure import FaultsPlan, measure

STUDY = Study("faults", measure, section.text)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 12,
    folder: Folder = None,
    repeats: Annotated[int, typer.Option(min=1, help="How often each fault is tried.")] = FaultsPlan.repeats,
    stations: Annotated[int, typer.Option(min=1, help="Stations that work all the time.")] = FaultsPlan.stations,
    results: Results = RESULTS,
) -> None:
    """Kill and stop every process of a server while stations work: time to repair, and calls lost (fifteen minutes)."""
    STUDY.record(results, TOURS, work_of(faces, folder, profile), FaultsPlan(repeats, stations), console.print)
