"""The command ``provision``: what a container runs before its server starts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from endface.engines.plan import Precision
from endface.engines.tensorrt_library import Runtime
from endface.environment import default_repository
from endface_build.commands.plan import sizes
from endface_build.commands.progress import console


def provision(
    target: Annotated[Path, typer.Argument(help="Folder on a volume; the server serves it with --repository.")],
    *,
    runtime: Annotated[Runtime, typer.Option(help="The engine that the server will be started with.")],
    precision: Annotated[Precision, typer.Option(help="What the convolutions compute in.")] = "fp16",
    batch: Annotated[str, typer.Option(help="Smallest, usual and largest batch.")] = "1,8,32",
    repository: Annotated[
        Path | None, typer.Option(help="Model repository to take the models from; default: the one of this machine.")
    ] = None,
) -> None:
    """Make a repository for this GPU on a volume: links to the models, and a plan, built unless the one there fits."""
    from endface_build.rollout.provision import provision as provide

    started = time.monotonic()
    manifest = provide(
        repository or default_repository(),
        target,
        runtime,
        precision=precision,
        batches=sizes(batch),
        progress=lambda step: _tell(time.monotonic() - started, step),
    )
    _tell(time.monotonic() - started, f"{target} is ready: {manifest.precision}, {manifest.verification}")


def _tell(elapsed_s: float, step: str) -> None:
    """A line for a log, which a container's is: no bar that draws over itself."""
    console.print(f"{elapsed_s:5.0f} s  {step}", highlight=False, markup=False, soft_wrap=True)
