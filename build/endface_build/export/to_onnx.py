"""Checkpoint to one ONNX file with the contract's names, compared with PyTorch before it is written."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from endface import contract
from endface.engines.onnx_network import open_graph
from endface.engines.onnx_properties import CONTRACT
from endface.errors import ConfigurationError
from endface.files import sha256_of, write_together
from endface_build.drawing.squares import draw_square
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE, as_bytes, tensors
from endface_build.provenance import provenance
from endface_build.training.network import SegmentGraph
from endface_build.training.train import Trained

LABEL_PARITY = 0.9995
"""Usual least share of equal labels, of the pixels that both PyTorch and ONNX Runtime take for a mark: only where two
kinds of mark are equally probable may rounding choose another one.  Whether a pixel is a mark, the confidence says."""

CONFIDENCE_PARITY = 2
"""Largest difference in confidence anywhere: rounding to bytes gives 1, sums of float in another order a little more.
At the outline, where the confidence changes by 30 and more a pixel, 2 move it by less than a tenth of a pixel."""

MAX_BYTES = 10_000_000
"""Largest file that is committed as a plain blob."""

PARITY_SQUARES = 8


def export(
    trained: Trained,
    folder: Path,
    *,
    squares: Sequence[NDArray[np.uint8]] | None = None,
    least_equal: float = LABEL_PARITY,
) -> dict[str, Any]:
    """Write ``model.onnx`` and ``manifest.json``, once ONNX Runtime agrees with PyTorch.

    Args:
        trained: The network and how it came about.
        folder: Where both files go.
        squares: Drawn faces for the proof, uint8 (512, 512) each; None for some of the held-out set.
        least_equal: Share of the marks' pixels whose label must be the same in PyTorch and in ONNX Runtime.

    Returns:
        The manifest.

    Raises:
        ConfigurationError: ONNX Runtime and PyTorch disagree, or the file is too large.
    """
    recipe = trained.recipe
    if squares is None:
        squares = [draw_square(recipe.held_out_seed, index)[0] for index in range(PARITY_SQUARES)]
    module = SegmentGraph(trained.network).eval()
    with TemporaryDirectory() as aside:
        path = Path(aside) / MODEL_FILE
        write_graph(module, path, opset=recipe.opset, recipe_sha256=recipe.sha256)
        parity = _prove(module, path, squares, least_equal)
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(
                f"The network takes {path.stat().st_size} bytes, more than {MAX_BYTES}: make it narrower."
            )
        data, sha256 = path.read_bytes(), sha256_of(path)
    manifest = {
        "name": contract.SEGMENT.name,
        "version": "1",
        "file": MODEL_FILE,
        "sha256": sha256,
        "opset": recipe.opset,
        **tensors(),
        "recipe": recipe.to_json() | {"sha256": recipe.sha256},
        "training": {"steps": trained.steps, "minutes": round(trained.seconds / 60, 1)},
        "metrics": {},
        "parity": parity,
        **provenance(),
    }
    write_together({folder / MODEL_FILE: data, folder / MANIFEST_FILE: as_bytes(manifest)})
    return manifest


def write_graph(module: SegmentGraph, path: Path, *, opset: int, recipe_sha256: str) -> None:
    """Trace the module into one file with names, opset and metadata."""
    example = torch.zeros((2, *contract.SQUARE.dims), dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # it warns that torchvision is missing; we do not use it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's own use of its deprecated tree specs
        warnings.simplefilter("ignore", DeprecationWarning)
        program = torch.onnx.export(
            module,
            (example,),
            dynamo=True,
            verbose=False,
            input_names=[tensor.name for tensor in contract.SEGMENT.inputs],
            output_names=[tensor.name for tensor in contract.SEGMENT.outputs],
            dynamic_shapes={"squares": {0: torch.export.Dim("N")}},
            opset_version=opset,
        )
    assert program is not None
    model = program.model_proto
    del model.metadata_props[:]
    graph = model.graph
    for entries in (graph.node, graph.value_info, graph.input, graph.output, graph.initializer):
        for entry in entries:
            del entry.metadata_props[:]  # traces of the machine it was made on
            entry.doc_string = ""
    properties = {CONTRACT: contract.SEGMENT_CONTRACT, "recipe_sha256": recipe_sha256}
    onnx.helper.set_model_props(model, properties)
    onnx.checker.check_model(model, full_check=True)
    onnx.save_model(model, path)


def _prove(
    module: SegmentGraph, path: Path, squares: Sequence[NDArray[np.uint8]], least_equal: float
) -> dict[str, Any]:
    """Run the file in ONNX Runtime and compare it with PyTorch, picture by picture and as a batch."""
    batch = np.stack(squares)[:, None]
    labels, confidence = open_graph(path)(batch)
    with torch.inference_mode():
        expected = module(torch.from_numpy(batch))
    wanted = expected[0].numpy()
    marked = (labels > 0) & (wanted > 0)
    equal = float((labels == wanted)[marked].mean()) if marked.any() else 1.0
    worst = int(np.abs(confidence.astype(int) - expected[1].numpy().astype(int)).max())
    if equal < least_equal or worst > CONFIDENCE_PARITY:
        raise ConfigurationError(
            f"ONNX Runtime and PyTorch agree on {equal:.5f} of the marks' labels (at least {least_equal} wanted) and differ "
            f"by up to {worst} in confidence (at most {CONFIDENCE_PARITY}): do not use this export."
        )
    return {"squares": len(squares), "labels_equal": round(equal, 6), "confidence_difference": worst}
