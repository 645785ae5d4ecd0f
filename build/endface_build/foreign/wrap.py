"""A graph around a foreign network that speaks the contract: squares in, labels and confidence out.

    SQUARE --for each--> picture as the network wants it -> the network -> what its outputs mean -> LABELS, CONFIDENCE

All of it is standard ONNX, so the engine that runs our own network runs this one.  The squares of a batch are taken one
by one (``Scan``): many networks are exported for one picture, and boxes are sorted out picture by picture anyway.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime
from numpy.typing import NDArray
from onnx_ir.passes.common import NameFixPass
from onnxscript import GraphBuilder

from endface.contract import CANDIDATE, CONFIDENCE, LABELS, SEGMENT_CONTRACT, SQUARE, SQUARE_PX
from endface.engines.onnx_properties import CONTRACT
from endface.errors import ConfigurationError
from endface_build.foreign.read_network import Foreign

FLOAT: Final = onnx.TensorProto.FLOAT
UINT8: Final = onnx.TensorProto.UINT8
SIDES: Final = (SQUARE_PX, SQUARE_PX)

Op = Any
"""Adds operators to a graph: ``op.Add(a, b)`` is the tensor of the sum."""

Tensor = Any
"""A tensor of the graph, which is no array yet."""

ToImage = Callable[[Op, Tensor], Tensor]
"""Adds the way from a square, uint8 [1, 512, 512], to the network's picture."""

ToLabels = Callable[[Op, dict[str, Tensor]], tuple[Tensor, Tensor]]
"""Adds the way from the network's outputs, by name, to labels and confidence, uint8 [512, 512]."""


def wrap(network: Foreign, to_image: ToImage, to_labels: ToLabels) -> onnx.ModelProto:
    """The whole graph: squares to label maps."""
    batch = value(SQUARE.name, UINT8, ("N", *SQUARE.dims))
    builder = _builder(network, batch)

    def one(op: Op, square: Tensor) -> tuple[Tensor, Tensor]:
        return to_labels(op, _insert(op, network, to_image(op, square)))

    body = builder.subgraph(
        one,
        [value("square", UINT8, SQUARE.dims)],
        [value("labels", UINT8, SIDES), value("confidence", UINT8, SIDES)],
    )
    outputs = [value("", UINT8, ("N", *SIDES)) for _ in range(2)]
    builder.op.Scan(batch, body=body, num_scan_inputs=1, _outputs=outputs)
    outputs[0].name, outputs[1].name = LABELS.name, CONFIDENCE.name  # the builder puts a letter before names
    model = _model(builder, outputs, network)
    onnx.helper.set_model_props(model, {CONTRACT: SEGMENT_CONTRACT})
    onnx.checker.check_model(model)
    return model


def raw_outputs(network: Foreign, to_image: ToImage, square: NDArray[np.uint8]) -> dict[str, NDArray[np.generic]]:
    """What a network answers to a square, by the names of its outputs: their true shapes, whatever the file declares.

    Args:
        network: The network.
        to_image: As for ``wrap``.
        square: uint8 (512, 512).

    Raises:
        ConfigurationError: ONNX Runtime cannot run the network on pictures of its size.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # the exception says what is wrong
    entry = value("square", UINT8, SQUARE.dims)
    try:
        builder = _builder(network, entry)
        outputs = _insert(builder.op, network, to_image(builder.op, entry))
        model = _model(builder, outputs.values(), network)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        values = session.run(None, {entry.name: square[None]})
    except Exception as exc:  # errors of ONNX Runtime and onnxscript share no base class
        raise ConfigurationError(
            f"ONNX Runtime cannot run {network.path} on a picture of {network.image.height} x {network.image.width} "
            f"pixels: export it with standard operators and for this size. ({exc})"
        ) from exc
    return dict(zip(outputs, values, strict=True))


def value(name: str, datatype: int, shape: tuple[int | str, ...]) -> ir.Value:
    """A tensor of a graph; ``datatype`` is one of ``onnx.TensorProto``."""
    return ir.Value(name=name, type=ir.TensorType(ir.DataType(datatype)), shape=ir.Shape(shape))


def constant(op: Op, values: Any, dtype: type[np.generic] = np.float32) -> Tensor:
    """Numbers as a tensor of the graph."""
    return op.Constant(value=ir.tensor(np.asarray(values, dtype)))


def enlarge(op: Op, maps: Tensor, mode: str, height: int = SQUARE_PX, width: int = SQUARE_PX) -> Tensor:
    """Maps (1, N, h, w) resized to (1, N, height, width)."""
    sizes = op.Concat(op.Slice(op.Shape(maps), [0], [2]), [height, width], axis=0)
    return op.Resize(maps, None, None, sizes, mode=mode, coordinate_transformation_mode="half_pixel")


def to_bytes(op: Op, labels: Tensor, probability: Tensor) -> tuple[Tensor, Tensor]:
    """Labels and confidence as the contract says, uint8 [512, 512] each.

    Args:
        op: Adds operators.
        labels: uint8, the most probable kind of mark at each pixel.
        probability: float32 of the same shape, that the pixel belongs to a mark of any kind.
    """
    levels = op.Min(op.Round(op.Mul(probability, 255.0)), 255.0)
    marks = op.Where(op.GreaterOrEqual(levels, float(CANDIDATE)), labels, constant(op, 0, np.uint8))
    return op.Reshape(marks, list(SIDES)), op.Reshape(op.Cast(levels, to=UINT8), list(SIDES))


def _builder(network: Foreign, entry: ir.Value) -> GraphBuilder:
    """An empty graph with one input, in the network's operator set."""
    graph = ir.Graph([entry], [], nodes=[], opset_imports={"": network.opset}, name="segment")
    return GraphBuilder(graph)


def _insert(op: Op, network: Foreign, image: Tensor) -> dict[str, Tensor]:
    """Put the network's nodes and weights behind its picture; its outputs by name."""
    theirs = ir.from_proto(copy.deepcopy(network.model)).graph  # a name that changes here would change there
    entry = next(each for each in theirs.inputs if each.name == network.image.name)
    ir.convenience.replace_all_uses_with(entry, image, replace_graph_outputs=True)
    outputs = {str(each.name): each for each in theirs.outputs}
    theirs.outputs.clear()
    nodes = list(theirs)
    theirs.remove(nodes)
    for name, weights in list(theirs.initializers.items()):
        del theirs.initializers[name]
        weights.name = f"theirs/{name}"
        op.builder.root.graph.register_initializer(weights)
    op.builder.graph.extend(nodes)
    return outputs


def _model(builder: GraphBuilder, outputs: Any, network: Foreign) -> onnx.ModelProto:
    """A model in the network's own format, each name in it used once."""
    builder.graph.outputs.extend(outputs)
    model = ir.Model(builder.graph, ir_version=network.model.ir_version)
    for node in builder.graph.all_nodes():
        node.metadata_props.clear()  # onnxscript notes where each was made
    NameFixPass()(model)
    return ir.to_proto(model)
