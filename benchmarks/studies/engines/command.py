"""``python -m benchmarks engines``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.options import Results, console
from benchmarks.common.origin import RESULTS
from benchmarks.common.study import Study
from benchmarks.studies.engines import section
from benchmarks.studies.engines.measure import drawn_faces, measure
from endface.engines.load import default_folder
from endface_build.commands.options import Model
from endface_build.evaluation.golden import of_folder

STUDY = Study("engines", measure, section.text)


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    model: Model = None,
    samples: Annotated[Path, typer.Option(help="Folder of pictures.")] = Path("samples"),
    faces: Annotated[int, typer.Option(min=1, help="Drawn faces beside them.")] = 40,
    photographs: Annotated[list[Path] | None, typer.Option(help="Folder of real photographs; may be repeated.")] = None,
    results: Results = RESULTS,
    page: Annotated[Path, typer.Option(help="The document whose table is written.")] = Path("docs/engines.md"),
) -> None:
    """Measure every engine that runs without a server, keep the record and write the table of docs/engines.md."""
    pictures = {"samples": of_folder(samples, "mm-pc"), "drawn": drawn_faces(faces)}
    if photographs:
        pictures["photographs"] = [picture for folder in photographs for picture in of_folder(folder, "mm-pc")]
    section.write_table(STUDY.record(results, model or default_folder(), pictures, console.print), page)
    console.print(str(page))
