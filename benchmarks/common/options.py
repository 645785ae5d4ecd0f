"""What the commands of ``python -m benchmarks`` share: options, pictures, the network, and where a record goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.common.origin import Json
from benchmarks.common.pictures import Picture, draw, expect, photographs
from endface import contract
from endface.engines.onnx_network import newest_version
from endface.environment import default_repository
from endface.files import write_whole
from endface_build.manifest import MODEL_FILE

REAL_DATA = "ENDFACE_REAL_DATA"

console = Console(soft_wrap=True, highlight=False, markup=False)

Profile = Annotated[str, typer.Option(help="Limits to judge by.")]
Faces = Annotated[int, typer.Option(min=1, help="Drawn faces, half of them for each camera.")]
Folder = Annotated[
    Path | None, typer.Option("--photographs", envvar=REAL_DATA, help="Folder of real photographs to add.")
]
Results = Annotated[Path, typer.Option(help="Folder for the record.")]
Out = Annotated[Path, typer.Option(help="Folder for pictures and what Locust writes.")]


def network_file() -> Path:
    """The newest network of the repository that is served by default."""
    folder = default_repository() / contract.SEGMENT.name
    return folder / str(newest_version(folder)) / MODEL_FILE


def pictures_of(faces: int, folder: Path | None, profile: str) -> list[Picture]:
    """Drawn pictures and photographs that can be judged, each with its verdict.

    Args:
        faces: how many are drawn.
        folder: photographs to add.
        profile: the limits to judge by.

    Raises:
        BenchmarkError: none can be judged.
    """
    return expect(chain(draw(faces, profile), photographs(folder) if folder else ()), profile)


def keep(record: Json, results: Path, kind: str) -> Path:
    """Write a record as today's of its kind.

    Args:
        record: with the head that ``origin.origin`` gives.
        results: folder of the records.
        kind: a section of the page.

    Returns:
        The file.
    """
    path = results / f"{datetime.now(UTC):%Y-%m-%d}-{kind}.json"
    write_whole(path, (json.dumps(record, indent=1) + "\n").encode())
    return path
