"""A graph is typed where it convolves and nowhere else, sees the same, and takes and gives bytes as before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, shape_inference

from endface.engines.onnx_network import open_graph
from endface.engines.plan import Precision
from endface.errors import PlanError
from endface_build.export.typed_graph import typed
from endface_build.manifest import MODEL_FILE

Write = Callable[..., Path]
Graphs = dict[Precision, onnx.ModelProto]

PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8")
RAMP = np.tile(np.arange(512, dtype=np.uint8) // 2, (512, 1))
"""All gray levels, one beside the other."""


@pytest.fixture(scope="module")
def source(write_steps: Write, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a network that labels by brightness."""
    return write_steps(tmp_path_factory.mktemp("steps") / "1") / MODEL_FILE


@pytest.fixture(scope="module")
def graphs(source: Path) -> Graphs:
    """The network in each precision."""
    return {precision: typed(source, precision, [RAMP]) for precision in PRECISIONS}


def types_of(model: onnx.ModelProto) -> dict[str, int]:
    """Element type of each tensor of a graph."""
    graph = shape_inference.infer_shapes(model).graph
    values = (*graph.value_info, *graph.input, *graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values} | {
        tensor.name: tensor.data_type for tensor in graph.initializer
    }


def run(model: onnx.ModelProto, tmp_path: Path) -> NDArray[np.uint8]:
    """Labels of the ramp."""
    onnx.save_model(model, tmp_path / "typed.onnx")
    return open_graph(tmp_path / "typed.onnx")(RAMP[None, None])[0][0]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_bytes_in_and_out(graphs: Graphs, precision: Precision) -> None:
    """Tensors of the contract keep name and type; in between there are no bytes, which TensorRT does not take there."""
    graph, types = graphs[precision].graph, types_of(graphs[precision])
    ends = [value.name for value in (*graph.input, *graph.output)]

    assert ends == ["SQUARE", "LABELS", "CONFIDENCE"]
    assert {types[name] for name in ends} == {TensorProto.UINT8}
    assert [name for name, kind in types.items() if kind == TensorProto.UINT8] == ends


@pytest.mark.parametrize(("precision", "differing_px"), [("fp32", 0), ("fp16", 0), ("int8", 512 * 512 // 50)])
def test_sees_the_same(graphs: Graphs, precision: Precision, differing_px: int, tmp_path: Path) -> None:
    """Labels are the brightness's steps; INT8, whose ranges end at 5.1, may miss a step by one gray level."""
    labels = run(graphs[precision], tmp_path)

    assert np.count_nonzero(labels != np.minimum(RAMP // 50, 4)) <= differing_px


def test_half_precision_ends_with_the_convolutions(graphs: Graphs) -> None:
    """Convolutions and what lies between them are in half; normalizing before and rounding behind are in float."""
    types = types_of(graphs["fp16"])
    half = {name for name, kind in types.items() if kind == TensorProto.FLOAT16}
    weights = {tensor.name for tensor in graphs["fp16"].graph.initializer}

    assert half - weights == {"scaled.half", "first", "positive", "second", "both", "third"}
    assert half & weights == {"spread.half", "through.half", "join.half"}
    assert types["scaled"] == types["clipped"] == TensorProto.FLOAT


def test_int8_is_what_tensorrt_takes(graphs: Graphs) -> None:
    """Only convolutions are quantized, symmetrically, and their bias stays in float."""
    graph = graphs["int8"].graph
    makers = {name: node for node in graph.node for name in node.output}
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    zeros = [weights[node.input[2]] for node in graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")]

    assert len(convolutions) == 3
    assert all(makers[name].op_type == "DequantizeLinear" for node in convolutions for name in node.input[:2])
    assert all(zero.dtype == np.int8 and not zero.any() for zero in zeros)


def test_nameless_nodes_are_told_apart(graphs: Graphs) -> None:
    """Each node of a typed graph has a name of its own, though ONNX asks for none."""
    for model in graphs.values():
        names = [node.name for node in model.graph.node]
        assert all(names)
        assert len(set(names)) == len(names)


def test_weight_beyond_half_precision(write_steps: Write, tmp_path: Path) -> None:
    """A weight that half precision cannot hold is named, with the way out."""
    folder = write_steps(tmp_path / "1", spread=70_000)
    with pytest.raises(PlanError, match=r"weight spread is too large for half precision.*--precision fp32"):
        typed(folder / MODEL_FILE, "fp16")


def test_another_contract(write_steps: Write, tmp_path: Path) -> None:
    """A network that speaks another contract is refused with its tensors and the contract's."""

    def widen(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[3].dim_value = 640

    folder = write_steps(tmp_path / "1", edit=widen)
    wrong = r"SQUARE UINT8\[N,1,512,640\].*contract asks for SQUARE UINT8\[N,1,512,512\], LABELS"
    with pytest.raises(PlanError, match=wrong):
        typed(folder / MODEL_FILE, "fp32")


@pytest.mark.parametrize(
    ("content", "message"), [(None, r"no network .*endface-build export"), (b"not a network", "is no ONNX network")]
)
def test_no_network(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A missing network names the command that makes one; any other file is no network."""
    if content is not None:
        (tmp_path / MODEL_FILE).write_bytes(content)
    with pytest.raises(PlanError, match=message):
        typed(tmp_path / MODEL_FILE, "fp16")
