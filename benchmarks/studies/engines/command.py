"""``python -m benchmarks engines``."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.common.origin import RESULTS
from benchmarks.studies.engines.compare import drawn_faces, measure
from benchmarks.studies.engines.table import write_table
from endface.engines.catalog import OFFLINE
from endface.engines.load import default_folder
from endface.files import write_whole
from endface_build.commands.options import Model
from endface_build.commands.progress import console, steps
from endface_build.evaluation.golden import of_folder

ENGINES_PAGE = Path("docs/engines.md")


def run(  # noqa: PLR0913, PLR0917 - the options of a command
    model: Model = None,
    samples: Annotated[Path, typer.Option(help="Folder of pictures.")] = Path("samples"),
    faces: Annotated[int, typer.Option(min=1, help="Drawn faces beside them.")] = 40,
    photographs: Annotated[list[Path] | None, typer.Option(help="Folder of real photographs; may be repeated.")] = None,
    results: Annotated[Path, typer.Option(help="Folder for the record.")] = RESULTS,
    page: Annotated[Path, typer.Option(help="The document whose table is written.")] = ENGINES_PAGE,
) -> None:
    """Measure every engine that runs without a server, keep the record and write the table of docs/engines.md."""
    pictures = {"samples": of_folder(samples, "mm-pc"), "drawn": drawn_faces(faces)}
    if photographs:
        pictures["photographs"] = [picture for folder in photographs for picture in of_folder(folder, "mm-pc")]
    with steps() as advance:
        record = measure(model or default_folder(), pictures, partial(advance, "engines", len(OFFLINE)))
    path = results / f"{datetime.now(UTC):%Y-%m-%d}-engines.json"
    write_whole(path, (json.dumps(record, indent=1) + "\n").encode())
    write_table(record, page)
    for each in record["skipped"]:
        console.print(f"not measured: {each['reason']}", highlight=False)
    console.print(f"{path} and {page}")
