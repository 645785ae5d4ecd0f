"""Options that several commands have, each with its one default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from endface.engines.plan import Precision
from endface.engines.tensorrt_library import Runtime

Model = Annotated[
    Path | None,
    typer.Option("--model", help="Folder of model.onnx and manifest.json; the version that serves if not given."),
]
Out = Annotated[Path, typer.Option("--out", help="Folder for model.onnx and manifest.json, ready for `promote`.")]
Profile = Annotated[str, typer.Option(help="Limits to judge by.")]
Cladding = Annotated[float, typer.Option(help="Cladding diameter, which gives the scale.")]
Golden = Annotated[
    Path | None, typer.Option(help="Folder of your own golden pictures; golden.json in it: names and verdicts.")
]
Repository = Annotated[
    Path | None, typer.Option("--repository", help="Model repository; the one of this machine if not given.")
]
RuntimeName = Annotated[Runtime, typer.Option(help="tensorrt: Triton's container; tensorrt_rtx: pip, no GPU needed.")]
PrecisionName = Annotated[Precision, typer.Option(help="What the convolutions compute in.")]
Batches = Annotated[str, typer.Option("--batch", help="Smallest, usual and largest batch.")]

CANDIDATE = Path("candidate")
"""Where a new network lies until it is promoted."""

PROFILE = "mm-pc"
BATCHES = "1,8,32"


def batch_sizes(text: str) -> list[int]:
    """Batch sizes of a list with commas.

    Raises:
        typer.BadParameter: It is none.
    """
    try:
        return [int(size) for size in text.split(",")]
    except ValueError as exc:
        raise typer.BadParameter(f"{text!r} is no list of batch sizes: say, --batch {BATCHES}") from exc
