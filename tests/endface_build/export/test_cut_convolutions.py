"""The convolutions cut out of a network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from endface.engines import graph_ends
from endface.engines.onnx_network import open_graph
from endface.errors import ConfigurationError
from endface_build.drawing.squares import draw_square
from endface_build.export.cut_convolutions import LOGITS, PLANES, cut_convolutions
from endface_build.export.quantize import source_of
from endface_build.manifest import read_manifest


@pytest.fixture(scope="module")
def network(repository: Path) -> Path:
    """The project's network in float."""
    folder = repository / "segment" / "1"
    return source_of(folder, read_manifest(folder))


def test_with_numpy_around_them_they_are_the_network(network: Path) -> None:
    """Planes in numpy, the convolutions alone, arg-max in numpy: the labels of the whole graph, for any batch."""
    squares = np.stack([draw_square(1, index)[0] for index in range(2)])[:, None]
    wanted, sure = open_graph(network)(squares)

    session = onnxruntime.InferenceSession(cut_convolutions(network).SerializeToString())
    labels, confidence = graph_ends.to_labels(session.run([LOGITS], {PLANES: graph_ends.to_planes(squares)})[0])

    assert len(np.unique(wanted)) > 1
    assert (labels == wanted).mean() > 0.9999
    assert np.abs(confidence.astype(int) - sure)[labels == wanted].max() <= 1


def test_nothing_else_is_left(network: Path) -> None:
    """No operator remains that an engine's importer is known to refuse."""
    assert {node.op_type for node in cut_convolutions(network).graph.node} == {"Add", "Conv", "Relu", "Resize"}


@pytest.mark.parametrize("content", [None, b"", b"no network"])
def test_refuses_what_is_no_network(tmp_path: Path, content: bytes | None) -> None:
    """A missing, empty or broken file is named."""
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"model\.onnx is no network to export from"):
        cut_convolutions(path)


def test_refuses_another_network(tmp_path: Path) -> None:
    """Convolutions of other shapes need another arg-max than ours."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [2, 1, 1, 1], [1.0, 2.0])
    graph = helper.make_graph(
        [helper.make_node("Conv", ["input", "weights"], ["output"])],
        "other",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 1, 64, 64])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 2, 64, 64])],
        [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save_model(model, tmp_path / "model.onnx")

    with pytest.raises(ConfigurationError, match=r"lead from .*64, 64.* only a network of `endface-build train`"):
        cut_convolutions(tmp_path / "model.onnx")
