"""The network's graph in the types that TensorRT shall compute in, which are written into the graph.

TensorRT 11 and TensorRT for RTX have no flag for a precision: a graph in float becomes an engine in float, whatever was
wanted.  So the graph is typed first.  Only what lies between the first convolution and the last is: the picture's mean
is a sum over 262,144 pixels, which half precision (at most 65,504) cannot hold, and the softmax behind is too cheap to
be worth a rounding.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableSequence, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from endface import contract
from endface.engines.plan import Precision
from endface.errors import PlanError
from endface_build.export.quantize import CalibrationSquares, between_convolutions, calibration_squares

_DATA_INPUTS: Final = {"Resize": 1}
"""Leading inputs that carry data, where not all do: the scales of a Resize stay in float."""


def typed(source: Path, precision: Precision, squares: Sequence[NDArray[np.uint8]] | None = None) -> onnx.ModelProto:
    """The network with its convolutions in a precision; bytes go in and out as before.

    Args:
        source: The network in float.
        precision: What the convolutions shall compute in.
        squares: Drawn faces that fix the ranges of INT8, uint8 (512, 512) each; None for the calibration set.

    Raises:
        PlanError: The file is missing, no network, speaks another contract, or does not fit the precision.
        ConfigurationError: It has no convolution.
    """
    model = _read(source)
    _name(model.graph.node)
    _cast_bytes_last(model.graph)
    if precision == "fp16":
        _halve(model.graph)
    elif precision == "int8":
        model = _quantized(model, calibration_squares() if squares is None else squares)
    onnx.checker.check_model(model, full_check=True)
    return model


def _read(path: Path) -> onnx.ModelProto:
    """A network that speaks the contract."""
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except FileNotFoundError as exc:
        raise PlanError(f"There is no network {path}: make one with `endface-build export`.") from exc
    except Exception as exc:  # what ONNX raises for a file that is none shares no base class
        raise PlanError(f"{path} is no ONNX network ({exc}): write it anew with `endface-build export`.") from exc
    found = _tensors((*model.graph.input, *model.graph.output))
    wanted = _specs((*contract.SEGMENT.inputs, *contract.SEGMENT.outputs))
    if found != wanted:
        raise PlanError(
            f"{path} has the tensors {found}, the contract asks for {wanted}: "
            "compile a network that `endface-build export` wrote."
        )
    return model


def _tensors(values: Sequence[onnx.ValueInfoProto]) -> str:
    """Inputs and outputs with type and shape, the batch axis as ``N``."""
    words = []
    for value in values:
        tensor = value.type.tensor_type
        dims = [str(dim.dim_value) if dim.HasField("dim_value") else "N" for dim in tensor.shape.dim]
        words.append(f"{value.name} {TensorProto.DataType.Name(tensor.elem_type)}[{','.join(dims)}]")
    return ", ".join(words)


def _specs(specs: Sequence[contract.TensorSpec]) -> str:
    """The contract's tensors in the same words."""
    return ", ".join(f"{spec.name} {spec.datatype}[{','.join(('N', *map(str, spec.dims)))}]" for spec in specs)


def _name(nodes: Sequence[onnx.NodeProto]) -> None:
    """Give each node a name of its own, which ONNX does not ask for."""
    taken: set[str] = set()
    for node in nodes:
        if not node.name or node.name in taken:
            node.name = f"{node.op_type} of {node.output[0]}"  # a graph makes each tensor once
        taken.add(node.name)


def _cast_bytes_last(graph: onnx.GraphProto) -> None:
    """Let values become bytes at the outputs only: TensorRT takes bytes as input and output, not in between."""
    outputs = [output.name for output in graph.output]
    casts = [node for node in graph.node if _casts_to_bytes(node) and node.output[0] not in outputs]
    if not casts:
        return
    for cast in casts:
        for node in graph.node:
            _replace(node.input, cast.output[0], cast.input[0])
        graph.node.remove(cast)
    for name in outputs:
        for node in graph.node:
            _replace(node.output, name, f"{name}.values")
        graph.node.append(
            helper.make_node("Cast", [f"{name}.values"], [name], f"bytes of {name}", to=TensorProto.UINT8)
        )
    del graph.value_info[:]  # their types have changed


def _casts_to_bytes(node: onnx.NodeProto) -> bool:
    return node.op_type == "Cast" and any(
        entry.name == "to" and entry.i == TensorProto.UINT8 for entry in node.attribute
    )


def _replace(names: MutableSequence[str], old: str, new: str) -> None:
    """Replace a name in a node's inputs or outputs."""
    for place, name in enumerate(names):
        if name == old:
            names[place] = new


def _halve(graph: onnx.GraphProto) -> None:
    """Put the nodes between the convolutions, and their weights, into half precision, with casts around them."""
    inside = set(between_convolutions(graph))
    values = {value for node in graph.node if node.name in inside for value in node.output}
    weights = {tensor.name: tensor for tensor in graph.initializer}
    halves: dict[str, onnx.TensorProto] = {}
    casts: dict[str, onnx.NodeProto] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        for place, name in _data(node):
            if (node.name in inside) == (name in values):
                continue
            kind, ending = (TensorProto.FLOAT, "float") if name in values else (TensorProto.FLOAT16, "half")
            wanted = node.input[place] = f"{name}.{ending}"
            if name in weights:
                halves.setdefault(wanted, _half(weights[name], wanted))
            elif wanted not in casts:
                casts[wanted] = helper.make_node("Cast", [name], [wanted], f"cast to {wanted}", to=kind)
                nodes.append(casts[wanted])
        nodes.append(node)
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(halves.values())
    _drop_unused(graph)


def _data(node: onnx.NodeProto) -> Iterator[tuple[int, str]]:
    """Places and names of a node's inputs that carry data."""
    count = _DATA_INPUTS.get(node.op_type, len(node.input))
    return ((place, name) for place, name in enumerate(node.input[:count]) if name)


def _half(tensor: onnx.TensorProto, name: str) -> onnx.TensorProto:
    """A weight in half precision."""
    with np.errstate(over="ignore"):  # reported below, with the weight's name
        values = numpy_helper.to_array(tensor).astype(np.float16)
    if not np.isfinite(values).all():
        raise PlanError(f"The weight {tensor.name} is too large for half precision: choose --precision fp32 or int8.")
    return numpy_helper.from_array(values, name)


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Remove weights that no node reads any more."""
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _quantized(model: onnx.ModelProto, squares: Sequence[NDArray[np.uint8]]) -> onnx.ModelProto:
    """The network with quantized convolutions as TensorRT takes them.

    It wants ranges that are symmetric, and a bias in float; ONNX Runtime on the CPU is faster with neither, so
    ``endface_build.export.quantize`` makes another graph of the same weights for it.
    """
    with TemporaryDirectory() as aside:
        source, prepared, target = (Path(aside) / f"{name}.onnx" for name in ("source", "prepared", "target"))
        onnx.save_model(model, source)
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(target),
            CalibrationSquares(squares),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod.MinMax,  # as for the CPU
            op_types_to_quantize=["Conv"],
            extra_options={"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False},
        )
        return onnx.load(target)
