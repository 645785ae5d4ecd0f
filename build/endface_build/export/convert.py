"""A network of an older contract with the outputs of the present one: its weights stay, the graph's end is replaced.

What the network computes up to its last convolution, the logits of the classes, has not changed; the end behind it is
taken from a graph that is exported today.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import compose, helper
from onnx.utils import Extractor

from endface import contract
from endface.engines.manifest import MADE_FROM
from endface.engines.onnx_network import open_graph
from endface.engines.onnx_properties import CONTRACT, properties
from endface.errors import ConfigurationError
from endface.files import sha256, sha256_of, write_together
from endface_build.export.cut_convolutions import cut_convolutions, rename
from endface_build.export.quantize import calibration_squares, source_of
from endface_build.export.to_onnx import PARITY_SQUARES, write_graph
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE, as_bytes, read_manifest
from endface_build.provenance import provenance
from endface_build.training.network import SegmentationNetwork, SegmentGraph

_PREFIX: Final = "end/"

_SMALLEST: Final = (1, 1)
"""Widths of a network that is only made for the end of its graph."""


def convert(folder: Path, target: Path, *, squares: Sequence[NDArray[np.uint8]] | None = None) -> dict[str, Any]:
    """Write a version's network in float with the present outputs.

    Args:
        folder: Holds the network of an older contract and its manifest; of a quantized one the network in float is
            taken, to be quantized anew.
        target: Where ``model.onnx`` and ``manifest.json`` go.
        squares: Drawn faces for the proof, uint8 (512, 512) each; None for some of the calibration set.

    Returns:
        The new manifest; ``converted`` in it says from which weights.

    Raises:
        ConfigurationError: There is no such network, it speaks the present contract already, it is not ours, or a mark
            is lost by it: nothing was written then.
    """
    manifest = read_manifest(folder)
    source = source_of(folder, manifest)
    before = properties(source.read_bytes()).get(CONTRACT)
    if before in (None, contract.SEGMENT_CONTRACT):
        raise ConfigurationError(
            f"{source} says that its contract is {before or 'none'}: only a network of an older one can be converted."
        )
    model = with_present_end(source)
    content = model.SerializeToString()
    parity = _prove(source, model, calibration_squares()[:PARITY_SQUARES] if squares is None else squares)
    for key in ("quantization", "precision"):
        manifest.pop(key, None)
    manifest |= {
        "file": MODEL_FILE,
        "sha256": sha256(content),
        "metrics": {},
        "parity": parity,
        "converted": {MADE_FROM: sha256_of(source), "from_contract": before, "to_contract": contract.SEGMENT_CONTRACT},
        **provenance(),
    }
    write_together({target / MODEL_FILE: content, target / MANIFEST_FILE: as_bytes(manifest)})
    return manifest


def with_present_end(source: Path) -> onnx.ModelProto:
    """A network's graph up to its last convolution, and the present end behind it.

    Args:
        source: A network of ours in float.

    Raises:
        ConfigurationError: It is none.
    """
    cut_convolutions(source)  # refuses what is not one of ours
    model = onnx.load(source)
    logits = _logits(model)
    opset = next(entry.version for entry in model.opset_import if not entry.domain)
    joined = Extractor(onnx.shape_inference.infer_shapes(model)).extract_model([contract.SQUARE.name], [logits])
    end = compose.add_prefix(_end(opset), _PREFIX).graph  # names of both graphs may be the same
    outputs = {f"{_PREFIX}{spec.name}": spec.name for spec in contract.SEGMENT.outputs}
    rename(end, outputs | {end.input[0].name: logits})
    joined.graph.ClearField("output")
    for ours, ends in zip(_parts(joined.graph), _parts(end), strict=True):
        ours.extend(ends)
    said = {entry.key: entry.value for entry in model.metadata_props}
    helper.set_model_props(joined, said | {CONTRACT: contract.SEGMENT_CONTRACT})
    onnx.checker.check_model(joined, full_check=True)
    return joined


def _prove(source: Path, model: onnx.ModelProto, squares: Sequence[NDArray[np.uint8]]) -> dict[str, Any]:
    """Compare both on drawn faces: a label that was more probable than background still is one, inside an outline."""
    before = open_graph(source)
    with TemporaryDirectory() as aside:
        path = Path(aside) / MODEL_FILE
        onnx.save_model(model, path)
        after = open_graph(path)
    same: list[NDArray[np.bool_]] = []
    for square in squares:
        wanted, _ = before(square[None, None])
        labels, confidence = after(square[None, None])
        same.append(((labels == wanted) & (confidence > contract.OUTLINE))[wanted > 0])
    marked = np.concatenate(same)
    if not marked.all():
        raise ConfigurationError(
            f"After the conversion {np.count_nonzero(~marked)} of {marked.size} pixels of marks have another label: "
            f"{source} is no network of `endface-build train`. Nothing was written."
        )
    return {"squares": len(squares), "labels_equal": 1.0}


def _end(opset: int) -> onnx.ModelProto:
    """The present graph from logits to labels and confidence."""
    with TemporaryDirectory() as aside:
        path = Path(aside) / MODEL_FILE
        write_graph(SegmentGraph(SegmentationNetwork(_SMALLEST)).eval(), path, opset=opset, recipe_sha256="")
        model = onnx.shape_inference.infer_shapes(onnx.load(path))
    return Extractor(model).extract_model([_logits(model)], [spec.name for spec in contract.SEGMENT.outputs])


def _parts(graph: onnx.GraphProto) -> tuple[Any, ...]:
    """The lists of a graph that a graph behind it adds to."""
    return graph.node, graph.initializer, graph.value_info, graph.output


def _logits(model: onnx.ModelProto) -> str:
    """Name of what the last convolution gives."""
    return str([node for node in model.graph.node if node.op_type == "Conv"][-1].output[0])
