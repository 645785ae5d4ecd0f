"""Commands that let a network from outside stand in for ours: ``import-yolo`` and ``import-segmentation``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from endface_build.commands.progress import console

Source = Annotated[Path, typer.Argument(help="The network's .onnx file.")]
Classes = Annotated[
    Path, typer.Option("--classes", help="TOML file: which of its classes is which of ours (docs/own-network.md).")
]
Out = Annotated[Path, typer.Option("--out", help="Folder for model.onnx and manifest.json.")]
Name = Annotated[str, typer.Option("--name", help="What reports call the network; the file's name otherwise.")]

OUT = Path("candidate")


def import_yolo(  # noqa: PLR0913 - one parameter for each option of the command
    network: Source,
    classes: Classes,
    *,
    out: Out = OUT,
    name: Name = "",
    confidence: Annotated[float, typer.Option(min=0.01, max=0.99, help="Least score of an object.")] = 0.25,
    overlap: Annotated[
        float, typer.Option(min=0.01, max=0.99, help="Overlap (IoU) from which on the weaker of two boxes is dropped.")
    ] = 0.7,
) -> None:
    """Wrap a YOLO segmentation network, as its usual exporter writes it (ONNX), to be served in place of ours."""
    from endface_build.foreign.import_network import import_yolo as wrap_yolo
    from endface_build.foreign.yolo_labels import Settings

    with console.status("wrapping the network and trying it on drawn faces"):
        manifest = wrap_yolo(network, classes, out, Settings(confidence, overlap), name=name)
    _tell(manifest, out)


def import_segmentation(network: Source, classes: Classes, *, out: Out = OUT, name: Name = "") -> None:
    """Wrap any semantic segmentation network (ONNX) to be served in place of ours."""
    from endface_build.foreign.import_network import import_segmentation as wrap_segmentation

    with console.status("wrapping the network and trying it on drawn faces"):
        manifest = wrap_segmentation(network, classes, out, name=name)
    _tell(manifest, out)


def _tell(manifest: dict[str, Any], out: Path) -> None:
    """What became of the classes, what was seen, and what comes next."""
    for theirs, ours in manifest["source"]["classes"].items():
        console.print(f"{theirs} -> {ours}", highlight=False, markup=False)
    seen = [f"{pixels} px of {name}" for name, pixels in manifest["proof"]["labelled_px"].items() if pixels]
    console.print(f"on {manifest['proof']['faces']} drawn faces it sees {', '.join(seen) or 'nothing'}")
    console.print(
        f"{out / manifest['file']}: {manifest['name']}, sha256 {manifest['sha256'][:12]}; "
        f"next: endface-build evaluate LABELLED --model {out}",
        markup=False,
    )
