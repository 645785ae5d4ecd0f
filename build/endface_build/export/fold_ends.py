"""The graph's two ends in fewer steps for a CPU: the same numbers but for rounding, a sixth less time.

At a square's full size every step of normalizing and of the probability costs as much as a convolution further inside.
So the blocks of 2 x 2 pixels are taken by the first convolution itself, and the last one gives what a mark is ahead of
the background, not both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper
from onnx.utils import Extractor

from endface import contract
from endface.contract import CANDIDATE, Label
from endface.engines.graph_ends import BLOCK, PLANES
from endface.errors import ConfigurationError

_PLACES: Final = BLOCK**2
_MARKS: Final = len(Label) - 1
_LEVELS: Final = 255.0

_NOT_OURS: Final = "The ends of this network are not those of a network of `endface-build train`."


def fold_ends(model: onnx.ModelProto) -> onnx.ModelProto:
    """A network of ours in float with its ends folded.

    Raises:
        ConfigurationError: It is none.
    """
    shaped = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    convolutions = [node for node in shaped.graph.node if node.op_type == "Conv"]
    weights = {each.name: each for each in shaped.graph.initializer}
    if not convolutions or not _are_ours(convolutions[0], convolutions[-1], weights):
        raise ConfigurationError(_NOT_OURS)
    planes, first, last = _planes_before(shaped.graph, convolutions[0]), convolutions[0], convolutions[-1]
    body = Extractor(shaped).extract_model([first.output[0]], [last.input[0]])
    head = Extractor(shaped).extract_model([contract.SQUARE.name], [planes])
    graph = helper.make_graph(
        [
            *head.graph.node,
            helper.make_node(
                "Conv", [planes, "stem.weight", *first.input[2:]], first.output, "stem",
                strides=[BLOCK, BLOCK], pads=[BLOCK] * 4,
            ),
            *body.graph.node,
            helper.make_node("Conv", [last.input[0], "lead.weight", "lead.bias"], ["lead"], "lead"),
            *_end("lead"),
        ],
        model.graph.name,
        model.graph.input,
        model.graph.output,
        [
            *{each.name: each for part in (head, body) for each in part.graph.initializer}.values(),
            *_constants(),
            *(weights[bias] for bias in first.input[2:]),
            _tensor("stem.weight", _of_pixels(_array(weights[first.input[1]]))),
            _tensor("lead.weight", _ahead(_array(weights[last.input[1]]))),
            _tensor("lead.bias", _ahead(_array(weights[last.input[2]]))),
        ],
    )  # fmt: skip
    folded = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    helper.set_model_props(folded, {entry.key: entry.value for entry in model.metadata_props})
    onnx.checker.check_model(folded, full_check=True)
    return folded


def _are_ours(first: onnx.NodeProto, last: onnx.NodeProto, weights: Mapping[str, onnx.TensorProto]) -> bool:
    """Whether the first convolution takes blocks by 3x3, and the last one gives the logits of all classes."""
    dims = [[list(weights[name].dims) if name in weights else [] for name in node.input[1:]] for node in (first, last)]
    takes, gives = dims[0][0][1:] == [PLANES * _PLACES, 3, 3], dims[1][1:] == [[len(Label) * _PLACES]]
    return takes and gives


def _planes_before(graph: onnx.GraphProto, convolution: onnx.NodeProto) -> str:
    """Name of the planes at full size, which become the blocks that the first convolution takes."""
    makers = {name: node for node in graph.node for name in node.output}
    dims = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]] for value in graph.value_info}
    names = [convolution.input[0]]
    for name in names:
        if dims.get(name) == [PLANES, contract.SQUARE_PX, contract.SQUARE_PX]:
            return str(name)
        names += [each for each in makers[name].input if each in makers] if name in makers else []
    raise ConfigurationError(_NOT_OURS)


def _of_pixels(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights of a convolution over blocks, (O, 12, 3, 3), as those of one over their pixels, (O, 3, 6, 6)."""
    outputs, _, rows, columns = weight.shape
    apart = weight.reshape(outputs, PLANES, BLOCK, BLOCK, rows, columns)
    return apart.transpose(0, 1, 4, 2, 5, 3).reshape(outputs, PLANES, rows * BLOCK, columns * BLOCK)


def _ahead(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weights or biases of the logits, (20, ...), as those of the marks' leads over the background, (16, ...)."""
    classes = values.reshape(len(Label), _PLACES, *values.shape[1:])
    return (classes[1:] - classes[:1]).reshape(_MARKS * _PLACES, *values.shape[1:])


def _end(leads: str) -> list[onnx.NodeProto]:
    """From the leads, float32 (N, 16, 256, 256), to labels and confidence, as ``SegmentGraph`` says."""
    marks = [f"lead.{code}" for code in range(1, _MARKS + 1)]
    nodes = [helper.make_node("Split", [leads], marks, axis=1, num_outputs=_MARKS)]
    best, label = marks[0], "code.1"
    for code, lead in enumerate(marks[1:], start=2):
        nodes += [
            helper.make_node("Greater", [lead, best], [f"ahead.{code}"]),
            helper.make_node("Where", [f"ahead.{code}", f"code.{code}", label], [f"label.{code}"]),
            helper.make_node("Max", [best, lead], [f"best.{code}"]),
        ]
        best, label = f"best.{code}", f"label.{code}"
    nodes += [helper.make_node("Exp", [lead], [f"odds.{lead}"]) for lead in marks]
    nodes += [
        helper.make_node("Sum", [f"odds.{lead}" for lead in marks], ["odds"]),
        helper.make_node("Add", ["odds", "one"], ["odds.all"]),
        helper.make_node("Div", ["levels", "odds.all"], ["background"]),  # no 0 / 0 where the odds are infinite
        helper.make_node("Sub", ["levels", "background"], ["marked"]),
        helper.make_node("Round", ["marked"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["confidence"], to=onnx.TensorProto.UINT8),
        helper.make_node("GreaterOrEqual", ["rounded", "candidate"], ["is.candidate"]),
        helper.make_node("Where", ["is.candidate", label, "code.0"], ["label"]),
    ]
    for blocks, output in (("label", contract.LABELS.name), ("confidence", contract.CONFIDENCE.name)):
        nodes += [
            helper.make_node("DepthToSpace", [blocks], [f"{blocks}.pixels"], blocksize=BLOCK, mode="CRD"),
            helper.make_node("Squeeze", [f"{blocks}.pixels", "axis"], [output]),
        ]
    return nodes


def _constants() -> list[onnx.TensorProto]:
    return [
        *(_tensor(f"code.{code}", np.uint8(code)) for code in range(_MARKS + 1)),
        _tensor("one", np.float32(1)),
        _tensor("levels", np.float32(_LEVELS)),
        _tensor("candidate", np.float32(CANDIDATE)),
        _tensor("axis", np.array([1], np.int64)),
    ]


def _array(tensor: onnx.TensorProto) -> NDArray[np.float32]:
    return np.asarray(numpy_helper.to_array(tensor), np.float32)


def _tensor(name: str, values: Any) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values), name)
