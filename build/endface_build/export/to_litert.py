"""The network's convolutions for LiteRT, in eight bits.

They are a few dozen Conv, Add, Relu and Resize nodes, and LiteRT has an operator for each: a converter for whole
frameworks would bring TensorFlow along to say the same.  Weights are int8, symmetric, with a scale for each output
channel; activations int8 with one scale and zero a tensor; biases int32
(https://ai.google.dev/edge/litert/models/quantization_spec).  Planes go in and logits come out in float, and the last
convolution stays in float, for it decides between the classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from endface.errors import ConfigurationError
from endface_build.export.cut_convolutions import LOGITS, PLANES, Range
from endface_build.export.tflite_file import FLOAT, INT8, File, Scale

_CODES: Final = schema.BuiltinOperator
_ACTIVATIONS: Final = schema.ActivationFunctionType
_WEIGHT_STEPS: Final = 127
"""Symmetric weights have as many steps on either side of zero."""


def to_tflite(model: onnx.ModelProto, ranges: Mapping[str, Range]) -> bytes:
    """Translate the network.

    Args:
        model: What ``convolutions.cut_convolutions`` gave.
        ranges: What ``convolutions.ranges_of`` gave.

    Returns:
        A TensorFlow Lite file from planes float32 (1, 256, 256, 12) to logits float32 (1, 256, 256, 20).

    Raises:
        ConfigurationError: The network has a node for which there is no translation.
    """
    return _Translation(model.graph, ranges).file()


class _Translation:
    """Nodes to operators in their order; tensors are known by their names in ONNX."""

    def __init__(self, graph: onnx.GraphProto, ranges: Mapping[str, Range]) -> None:
        self._graph = graph
        self._ranges = ranges
        self._weights = {entry.name: onnx.numpy_helper.to_array(entry) for entry in graph.initializer}
        self._file = File()
        self._numbers: dict[str, int] = {}
        self._shapes: dict[str, tuple[int, int, int]] = {}
        self._scales: dict[str, Scale] = {}

    def file(self) -> bytes:
        """Translate the graph."""
        channels, height, width = (dim.dim_value for dim in self._graph.input[0].type.tensor_type.shape.dim[1:])
        planes = self._file.tensor("planes", (1, height, width, channels), FLOAT)
        self._file.operator(_CODES.QUANTIZE, [planes], self._bytes(PLANES, (height, width, channels)))
        translations = {"Conv": self._convolution, "Add": self._sum, "Resize": self._resize}
        for node in self._graph.node:
            if node.op_type == "Relu" and node.output[0] in self._numbers:
                continue  # part of the operator before it
            if node.op_type not in translations:
                raise ConfigurationError(
                    f"There is no translation of the node {node.name} ({node.op_type}) for LiteRT: "
                    "only a network of `endface-build train` can be exported."
                )
            translations[node.op_type](node)
        return self._file.to_bytes([planes], [self._numbers[LOGITS]], "endface.segment convolutions")

    def _convolution(self, node: onnx.NodeProto) -> None:
        weights, bias = (self._weights[name] for name in node.input[1:])
        attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        source, stride, pad = node.input[0], attributes["strides"][0], attributes["pads"][0]
        dilation = attributes.get("dilations", [1])[0]
        if stride == 1:
            number, padding = self._numbers[source], schema.Padding.SAME
        else:  # SAME would pad behind only; the network was trained with a pixel before and one behind
            number, padding = self._padded(source, pad), schema.Padding.VALID
        output, activation = self._fused(node)
        height, width, _ = self._shapes[source]
        shape = height // stride, width // stride, len(weights)
        options = schema.Conv2DOptionsT(
            padding=padding,
            strideW=stride,
            strideH=stride,
            dilationWFactor=dilation,
            dilationHFactor=dilation,
            fusedActivationFunction=activation,
        )
        if output == LOGITS:
            inputs = [self._float(number, self._shapes[source]), *self._float_weights(node.name, weights, bias)]
            target = self._numbers[LOGITS] = self._file.tensor("logits", (1, *shape), FLOAT)
        else:
            inputs = [number, *self._byte_weights(node.name, weights, bias, self._scales[source])]
            target = self._bytes(output, shape)
        self._file.operator(_CODES.CONV_2D, inputs, target, options)

    def _sum(self, node: onnx.NodeProto) -> None:
        output, activation = self._fused(node)
        target = self._bytes(output, self._shapes[node.input[0]])
        inputs = [self._numbers[name] for name in node.input]
        self._file.operator(_CODES.ADD, inputs, target, schema.AddOptionsT(fusedActivationFunction=activation))

    def _resize(self, node: onnx.NodeProto) -> None:
        source, factors = node.input[0], self._weights[node.input[2]]
        height, width, channels = self._shapes[source]
        shape = int(height * factors[2]), int(width * factors[3]), channels
        size = self._file.constant(f"{node.name}/size", np.array(shape[:2], np.int32))
        target = self._bytes(node.output[0], shape, self._scales[source])
        options = schema.ResizeNearestNeighborOptionsT()
        self._file.operator(_CODES.RESIZE_NEAREST_NEIGHBOR, [self._numbers[source], size], target, options)

    def _padded(self, source: str, pad: int) -> int:
        height, width, channels = self._shapes[source]
        amounts = self._file.constant(f"{source}/pads", np.array([(0, 0), (pad, pad), (pad, pad), (0, 0)], np.int32))
        shape = 1, height + 2 * pad, width + 2 * pad, channels
        padded = self._file.tensor(f"{source}/padded", shape, INT8, self._scales[source])
        self._file.operator(_CODES.PAD, [self._numbers[source], amounts], padded, schema.PadOptionsT())
        return padded

    def _float(self, number: int, shape: tuple[int, int, int]) -> int:
        """A tensor of bytes as numbers."""
        numbers = self._file.tensor("features", (1, *shape), FLOAT)
        self._file.operator(_CODES.DEQUANTIZE, [number], numbers, schema.DequantizeOptionsT())
        return numbers

    def _float_weights(self, name: str, weights: NDArray[np.float32], bias: NDArray[np.float32]) -> list[int]:
        return [
            self._file.constant(f"{name}/weights", _channels_last(weights)),
            self._file.constant(f"{name}/bias", bias),
        ]

    def _byte_weights(
        self, name: str, weights: NDArray[np.float32], bias: NDArray[np.float32], scale: Scale
    ) -> list[int]:
        """Weights and bias in integers; the bias has the scale of the sums, that of input times weight."""
        steps = np.abs(weights).max(axis=(1, 2, 3)).astype(np.float64) / _WEIGHT_STEPS
        steps[steps == 0] = 1.0
        rounded = np.rint(_channels_last(weights) / steps[:, None, None, None]).astype(np.int8)
        sums = steps * scale.steps[0]
        return [
            self._file.constant(f"{name}/weights", rounded, Scale(tuple(steps))),
            self._file.constant(f"{name}/bias", np.rint(bias / sums).astype(np.int32), Scale(tuple(sums))),
        ]

    def _bytes(self, name: str, shape: tuple[int, int, int], scale: Scale | None = None) -> int:
        """A tensor of bytes, (height, width, channels); its scale holds what calibration saw."""
        self._scales[name] = scale or Scale.of_range(*self._ranges[name])
        self._shapes[name] = shape
        self._numbers[name] = self._file.tensor(name, (1, *shape), INT8, self._scales[name])
        return self._numbers[name]

    def _fused(self, node: onnx.NodeProto) -> tuple[str, int]:
        """The output of a node together with the Relu that alone reads it, if one does."""
        readers = [other for other in self._graph.node if node.output[0] in other.input]
        if [reader.op_type for reader in readers] == ["Relu"]:
            return readers[0].output[0], _ACTIVATIONS.RELU
        return node.output[0], _ACTIVATIONS.NONE


def _channels_last(weights: NDArray[np.float32]) -> Any:
    """Weights (out, in, height, width) to (out, height, width, in)."""
    return np.ascontiguousarray(weights.transpose(0, 2, 3, 1))
