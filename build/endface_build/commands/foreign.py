"""The command ``import``: a network that somebody else trained, to be served in place of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from endface_build.commands.options import CANDIDATE, Out
from endface_build.commands.progress import console


def import_(  # noqa: PLR0913 - one parameter for each option of the command
    network: Annotated[Path, typer.Argument(help="The network's .onnx file.")],
    classes: Annotated[
        Path, typer.Option("--classes", help="TOML file: which of its classes is which of ours (docs/own-network.md).")
    ],
    *,
    out: Out = CANDIDATE,
    name: Annotated[str, typer.Option(help="What reports call the network; the file's name otherwise.")] = "",
    confidence: Annotated[
        float | None, typer.Option(min=0.01, max=0.99, help="YOLO: least score of an object; 0.25 if not given.")
    ] = None,
    overlap: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=0.99,
            help="YOLO: overlap (IoU) from which on the weaker of two boxes is dropped; 0.7 if not given.",
        ),
    ] = None,
) -> None:
    """Wrap a YOLO segmentation network, or any that gives each pixel a class, to be served in place of ours."""
    from endface_build.foreign.import_network import import_network
    from endface_build.foreign.yolo import Thresholds

    given = {"confidence": confidence, "overlap": overlap}
    thresholds = {key: share for key, share in given.items() if share is not None}
    with console.status("wrapping the network and trying it on drawn faces"):
        manifest = import_network(
            network, classes, out, name=name, thresholds=Thresholds(**thresholds) if thresholds else None
        )
    for theirs, ours in manifest["source"]["classes"].items():
        console.print(f"{theirs} -> {ours}", highlight=False, markup=False)
    seen = [f"{pixels} px of {label}" for label, pixels in manifest["proof"]["labelled_px"].items() if pixels]
    console.print(f"on {manifest['proof']['faces']} drawn faces it sees {', '.join(seen) or 'nothing'}")
    console.print(
        f"{out / manifest['file']}: {manifest['name']}, sha256 {manifest['sha256'][:12]}; "
        f"next: endface-build evaluate LABELLED --model {out}",
        markup=False,
    )
