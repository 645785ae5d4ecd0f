"""Options and consoles that the commands of ``python -m benchmarks`` share."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.common.limit import Work
from benchmarks.common.origin import network_file
from benchmarks.common.pictures import draw, expect, photographs

console = Console(soft_wrap=True, highlight=False, markup=False)
messages = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
"""For errors."""

Profile = Annotated[str, typer.Option(help="Limits to judge by.")]
Faces = Annotated[int, typer.Option(min=1, help="Drawn faces, half of them for each camera.")]
Folder = Annotated[
    Path | None, typer.Option("--photographs", envvar="ENDFACE_REAL_DATA", help="Folder of real photographs to add.")
]
Results = Annotated[Path, typer.Option(help="Folder for the record.")]


def work_of(faces: int, folder: Path | None, profile: str) -> Work:
    """Drawn pictures and photographs that can be judged, with the network that is served by default.

    Raises:
        BenchmarkError: none can be judged.
    """
    files = chain(draw(faces, profile), photographs(folder) if folder else ())
    return Work(expect(files, profile), network_file(), profile)
