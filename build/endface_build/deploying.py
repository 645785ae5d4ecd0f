"""Commands that bring a network to the servers: ``quantize``, ``promote`` and ``rollback``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from endface_build.progress import console, steps

Model = Annotated[Path, typer.Option("--model", help="Folder of model.onnx and manifest.json.")]

MODEL = Path("model_repository/segment/1")


def quantize(model: Model = MODEL) -> None:
    """Replace the network by its eight-bit form, if that loses at most 0.01 of recall and of precision."""
    from endface_build.manifest import read_manifest
    from endface_build.quantize import quantize as quantize_network

    count = read_manifest(model)["recipe"]["held_out_count"]
    with steps() as advance:
        manifest = quantize_network(model, progress=lambda done: advance("comparing with FP32", count, done))
    made = manifest["quantization"]
    console.print(
        f"{model / manifest['file']}: {made['labels_equal']:.3%} of the labels equal, recall loses "
        f"{made['loss']['recall']:.4f}, precision {made['loss']['precision']:.4f}, "
        f"{made['time_ratio']:.2f} of the time on one thread, sha256 {manifest['sha256'][:12]}"
    )
