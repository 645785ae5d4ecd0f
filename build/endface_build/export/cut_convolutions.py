"""The network's convolutions alone, cut out of its ONNX file: for engines that cannot run what stands around them.

What is cut away, normalizing and arg-max, such an engine's process does in numpy (``endface.engines.graph_ends``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx.utils import Extractor

from endface.engines.graph_ends import LOGIT_DIMS, PLANE_DIMS
from endface.errors import ConfigurationError

PLANES: Final = "PLANES"
LOGITS: Final = "LOGITS"

Range = tuple[float, float]
"""Smallest and largest value of a tensor."""


def cut_convolutions(source: Path) -> onnx.ModelProto:
    """From the first convolution's input to the last one's output: Conv, Add, Relu and Resize only.

    Args:
        source: The network in float.

    Returns:
        A graph from PLANES float32 [N, 12, 256, 256] to LOGITS float32 [N, 20, 256, 256].

    Raises:
        ConfigurationError: The file is no ONNX network, or not one of ours.
    """
    try:
        model = onnx.shape_inference.infer_shapes(onnx.load(source), strict_mode=True)
        convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
        first, last = convolutions[0].input[0], convolutions[-1].output[0]
        cut = Extractor(model).extract_model([first], [last])
    except Exception as exc:  # a missing file, no protobuf, a graph that breaks a rule: onnx has no common error
        raise ConfigurationError(f"{source} is no network to export from: name one in float. ({exc})") from exc
    rename(cut.graph, {first: PLANES, last: LOGITS})
    found = _dims(cut.graph.input), _dims(cut.graph.output)
    if found != ([PLANE_DIMS], [LOGIT_DIMS]):
        raise ConfigurationError(
            f"The convolutions of {source} lead from {found[0]} to {found[1]}, those of endface's network from "
            f"{PLANE_DIMS} to {LOGIT_DIMS}: only a network of `endface-build train` can be exported for this engine."
        )
    onnx.checker.check_model(cut, full_check=True)
    return cut


def ranges_of(model: onnx.ModelProto, inputs: Iterable[NDArray[np.float32]]) -> dict[str, Range]:
    """Smallest and largest value of every tensor that a node gives, over some inputs.

    Args:
        model: What ``cut_convolutions`` gave.
        inputs: float32 (N, 12, 256, 256) each.
    """
    observed = onnx.ModelProto()
    observed.CopyFrom(model)
    names = [name for node in model.graph.node for name in node.output]
    observed.graph.ClearField("output")
    observed.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(observed.SerializeToString(), providers=["CPUExecutionProvider"])
    ranges: dict[str, Range] = {}
    for planes in inputs:
        values = dict(zip(names, session.run(names, {PLANES: planes}), strict=True)) | {PLANES: planes}
        for name, value in values.items():
            low, high = ranges.get(name, (0.0, 0.0))
            ranges[name] = min(low, float(value.min())), max(high, float(value.max()))
    return ranges


def rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    """Give tensors other names, wherever they occur, but weights."""
    for node in graph.node:
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)


def _dims(values: Iterable[Any]) -> list[tuple[int, ...]]:
    """Shapes behind the batch axis."""
    return [tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]) for value in values]
