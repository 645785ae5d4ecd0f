"""Precision of an engine's convolutions: read from what was built, since a wrong type only shows in speed.

It is read in two places: TensorRT's own network, whose types are final when it is strongly typed, and the engine
inspector, where a GPU lets the engine be opened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from endface.engines.plan import Precision
from endface.errors import PlanError

_OF_TENSORRT: Final = {"FLOAT": "fp32", "HALF": "fp16", "INT8": "int8"}
_OF_INSPECTOR: Final = {"FLOAT": "fp32", "FP32": "fp32", "HALF": "fp16", "FP16": "fp16", "INT8": "int8"}

_NAMED: Final = 3
"""Convolutions that a message names."""


def of_network(tensorrt: Any, network: Any) -> dict[str, str]:
    """Precision of each convolution of a strongly typed network.

    A convolution counts as INT8 where both its data and its weights come out of a dequantization: TensorRT fuses that
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
    """Precision of each convolution that the engine inspector shows as a layer of its own.

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
