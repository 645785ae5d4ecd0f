"""The command ``plan``: a network to a TensorRT plan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from endface import contract
from endface.engines.manifest import newest_version
from endface.engines.plan import PLAN_FILE, PlanManifest, Precision
from endface.engines.tensorrt_library import Runtime
from endface_build.commands.progress import console

SEGMENT = Path("model_repository") / contract.SEGMENT.name


def plan(  # noqa: PLR0913 - one parameter for each option of the command
    *,
    runtime: Annotated[Runtime, typer.Option(help="tensorrt: Triton's container; tensorrt_rtx: pip, no GPU needed.")],
    precision: Annotated[Precision, typer.Option(help="What the convolutions compute in.")] = "fp16",
    batch: Annotated[str, typer.Option(help="Smallest, usual and largest batch.")] = "1,8,32",
    model: Annotated[
        Path | None, typer.Option(help="The version's folder; the newest in model_repository if not given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write plan and manifest here, not into the version's folder.")
    ] = None,
    golden: Annotated[
        Path | None, typer.Option(help="Folder of your own golden pictures, beside the drawn ones.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Limits to judge your golden pictures by.")] = "mm-pc",
) -> None:
    """Compile the network to a plan for this machine, if no verdict changes, and write its manifest beside it."""
    from endface_build.evaluation import golden as pictures
    from endface_build.export.build_plan import build_plan

    folder = SEGMENT / str(newest_version(SEGMENT)) if model is None else model
    with console.status("reading the network") as status:
        manifest = build_plan(
            folder,
            runtime,
            precision,
            batches=sizes(batch),
            out=out,
            golden=[*pictures.drawn(), *(pictures.of_folder(golden, profile) if golden else ())],
            progress=status.update,
        )
    console.print(f"{(folder if out is None else out) / PLAN_FILE}: {_told(manifest)}", highlight=False, soft_wrap=True)


def sizes(text: str) -> list[int]:
    """Batch sizes of a list with commas.

    Raises:
        typer.BadParameter: It is none.
    """
    try:
        return [int(size) for size in text.split(",")]
    except ValueError as exc:
        raise typer.BadParameter(f"{text!r} is no list of batch sizes: say, --batch 1,8,32") from exc


def _told(manifest: PlanManifest) -> str:
    """A plan in one line."""
    words = [
        f"{manifest.runtime} {manifest.runtime_version}",
        manifest.precision,
        f"batches up to {manifest.max_batch}",
    ]
    if manifest.parity is not None:
        words += [
            f"{manifest.parity.labels_equal:.3%} of the labels as in FP32",
            f"no verdict changed on {manifest.parity.pictures} golden pictures",
        ]
    return ", ".join([*words, manifest.verification])
