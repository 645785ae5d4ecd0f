"""Options that the commands of ``python -m benchmarks`` share, and what they make of them."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.common.limit import Work
from benchmarks.common.origin import network_file
from benchmarks.common.pictures import Picture, draw, expect, photographs

console = Console(soft_wrap=True, highlight=False, markup=False)

Profile = Annotated[str, typer.Option(help="Limits to judge by.")]
Faces = Annotated[int, typer.Option(min=1, help="Drawn faces, half of them for each camera.")]
Folder = Annotated[
    Path | None, typer.Option("--photographs", envvar="ENDFACE_REAL_DATA", help="Folder of real photographs to add.")
]
Results = Annotated[Path, typer.Option(help="Folder for the record.")]
Out = Annotated[Path, typer.Option(help="Folder for pictures and what Locust writes.")]


def pictures_of(faces: int, folder: Path | None, profile: str) -> list[Picture]:
    """Drawn pictures and photographs that can be judged, each with its verdict.

    Raises:
        BenchmarkError: none can be judged.
    """
    return expect(chain(draw(faces, profile), photographs(folder) if folder else ()), profile)


def work_of(faces: int, folder: Path | None, profile: str) -> Work:
    """The same pictures with the network that is served by default."""
    return Work(pictures_of(faces, folder, profile), network_file(), profile)
