"""What the convolutions of an engine compute in: read from what was built, since a wrong type only shows in speed.

Three witnesses: TensorRT's own network, whose types are final when it is strongly typed; the engine inspector, where a
GPU lets the engine be opened; and the engine's bytes, which hold the weights as they are multiplied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from endface.engines.plan import Precision
from endface.errors import PlanError

_OF_TENSORRT: Final = {"FLOAT": "fp32", "HALF": "fp16", "INT8": "int8"}
_OF_INSPECTOR: Final = {"FLOAT": "fp32", "FP32": "fp32", "HALF": "fp16", "FP16": "fp16", "INT8": "int8"}
_OF_NUMPY: Final = {"float32": "fp32", "float16": "fp16", "int8": "int8"}

_WORD_BYTES: Final = 4
_FEW_BYTES: Final = 64

_NAMED: Final = 3
"""Convolutions that a message names."""


def of_network(tensorrt: Any, network: Any) -> dict[str, str]:
    """What each convolution of a strongly typed network computes in.

    A convolution counts as INT8 where both its data and its weights come out of a dequantisation: TensorRT fuses that
    into a convolution of bytes.

    Args:
        tensorrt: The runtime's module.
        network: Its ``INetworkDefinition``.

    Returns:
        Names and precisions; a type that is none of ours by TensorRT's name.
    """
    layers = [network.get_layer(number) for number in range(network.num_layers)]
    makers = {layer.get_output(number).name: layer for layer in layers for number in range(layer.num_outputs)}

    def is_dequantized(tensor: Any) -> bool:
        maker = makers.get(tensor.name) if tensor is not None else None
        return (
            maker is not None
            and maker.type == tensorrt.LayerType.DEQUANTIZE
            and maker.get_input(0).dtype == tensorrt.DataType.INT8
        )

    found = {}
    for layer in layers:
        if layer.type == tensorrt.LayerType.CONVOLUTION:
            data = layer.get_input(0)
            weights = layer.get_input(1) if layer.num_inputs > 1 else None
            kind = "INT8" if is_dequantized(data) and is_dequantized(weights) else data.dtype.name
            found[layer.name] = _OF_TENSORRT.get(kind, kind)
    return found


def of_inspector(information: str) -> dict[str, str]:
    """What the engine inspector says of each convolution that it shows as a layer of its own.

    Args:
        information: Its JSON of an engine that was built with detailed profiling verbosity.

    Returns:
        Names and precisions, by the type of the weights or else of the input; empty where convolutions are fused into
        larger layers.
    """
    found = {}
    for layer in json.loads(information)["Layers"]:
        if isinstance(layer, dict) and layer.get("ParameterType") == "Convolution":
            inputs = layer.get("Inputs") or [{}]
            kind = (layer.get("Weights") or {}).get("Type") or inputs[0].get("Format/Datatype", "")
            words = [_OF_INSPECTOR[word] for word in str(kind).upper().split() if word in _OF_INSPECTOR]
            found[str(layer["Name"])] = words[0] if words else str(kind)
    return found


def of_plan(plan: bytes, model: onnx.ModelProto) -> dict[str, str]:
    """What the weights of each convolution lie in an engine of TensorRT for RTX as.

    Args:
        plan: The engine.
        model: The graph that it was compiled from.

    Returns:
        The names of the convolutions with the type of their weights, where the engine holds them as the graph does;
        ``unknown`` for the others.  A handful of weights may be constants in a kernel's code: they tell nothing.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        if node.op_type == "Conv":
            name = node.input[1]
            if name in makers and makers[name].op_type == "DequantizeLinear":
                name = makers[name].input[0]
            if name not in tensors:
                found[node.name] = "unknown"  # computed by other nodes
                continue
            weights = numpy_helper.to_array(tensors[name])
            if weights.nbytes >= _FEW_BYTES:
                kind = str(weights.dtype) if _is_in(plan, weights) else "unknown"
                found[node.name] = _OF_NUMPY.get(kind, kind)
    return found


def _is_in(plan: bytes, weights: NDArray[Any]) -> bool:
    """Whether an engine holds weights in the layout KRSC, with the channels filled up to whole words, or in KCRS."""
    last = np.moveaxis(weights, 1, -1)
    filling = -last.shape[-1] % (_WORD_BYTES // weights.itemsize)
    filled = np.pad(last, [(0, 0)] * (last.ndim - 1) + [(0, filling)])
    return filled.tobytes() in plan or weights.tobytes() in plan


def require(precision: Precision, found: Mapping[str, str], witness: str) -> None:
    """Refuse convolutions in another precision than was asked for.

    Args:
        precision: What was asked for.
        found: What they compute in, by name.
        witness: Who says so.

    Raises:
        PlanError: There are such.
    """
    others = {name: kind for name, kind in found.items() if kind != precision}
    if others:
        examples = ", ".join(f"{name}: {kind}" for name, kind in list(others.items())[:_NAMED])
        raise PlanError(
            f"By {witness}, {len(others)} of {len(found)} convolutions would not compute in {precision} ({examples}). "
            "No plan was written: compile a network that `endface-build export` wrote, or choose another --precision."
        )
