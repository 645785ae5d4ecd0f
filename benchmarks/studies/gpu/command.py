"""``python -m benchmarks gpu``."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.common.options import Faces, Folder, Profile, Results, console, work_of
from benchmarks.common.origin import RESULTS
from benchmarks.common.study import Study
from benchmarks.studies.gpu import section
from benchmarks.studies.gpu.measure import Plan, measure
from benchmarks.studies.gpu.networks import Device, Source
from endface.engines.load import default_folder
from endface_build.evaluation.golden import drawn

STUDY = Study("gpu", measure, section.text)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    profile: Profile = "mm-pc",
    faces: Faces = 24,
    folder: Folder = None,
    device: Annotated[Device, typer.Option(help="cpu tries the program where no GPU is.")] = "cuda",
    minutes: Annotated[float, typer.Option(min=0, help="What has not begun by then is left out.")] = 9.0,
    seconds: Annotated[float, typer.Option(min=0, help="How long each figure is counted.")] = 3.0,
    results: Results = RESULTS,
) -> None:
    """Measure networks and servers on this machine's NVIDIA GPU, in at most ten minutes, and keep the record."""
    with TemporaryDirectory() as aside:
        source = Source(default_folder(), Path(aside), device, tuple(drawn()))
        work = work_of(faces, folder, profile)
        record = STUDY.record(results, source, work, Plan(minutes, seconds), console.print)
    console.print(section.text(record))
