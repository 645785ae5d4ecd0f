"""The convolutions cut out of a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from endface.engines import graph_ends
from endface.engines.onnx_network import open_graph
from endface.errors import ConfigurationError
from endface_build.drawing.squares import draw_square
from endface_build.export.cut_convolutions import LOGITS, PLANES, cut_convolutions


def test_with_numpy_around_them_they_are_the_network(served: Path) -> None:
    """Planes in numpy, the convolutions alone, arg-max in numpy: the labels of the whole graph, for any batch."""
    squares = np.stack([draw_square(1, index)[0] for index in range(2)])[:, None]
    wanted, sure = open_graph(served)(squares)

    session = onnxruntime.InferenceSession(cut_convolutions(served).SerializeToString())
    labels, confidence = graph_ends.to_labels(session.run([LOGITS], {PLANES: graph_ends.to_planes(squares)})[0])

    assert len(np.unique(wanted)) > 1
    assert (labels == wanted).mean() > 0.9999
    assert np.abs(confidence.astype(int) - sure)[labels == wanted].max() <= 1


def test_nothing_else_is_left(served: Path) -> None:
    """No operator remains that an engine's importer is known to refuse."""
    assert {node.op_type for node in cut_convolutions(served).graph.node} == {"Add", "Conv", "Relu", "Resize"}


@pytest.mark.parametrize("content", [None, b"", b"no network"])
def test_refuses_what_is_no_network(tmp_path: Path, content: bytes | None) -> None:
    """A missing, empty or broken file is named."""
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"model\.onnx is no network to export from"):
        cut_convolutions(path)


def test_refuses_another_network(tmp_path: Path, write_segmenter: Callable[..., Path]) -> None:
    """Convolutions of other shapes need another arg-max than ours."""
    nodes = "weights = Constant <value = float[2,1,1,1] {1, 2}> () out = Conv (image, weights)"
    path = write_segmenter(tmp_path / "model.onnx", nodes, "float[N,1,64,64]", "float[N,2,64,64]")
    with pytest.raises(ConfigurationError, match=r"lead from .*64, 64.* only a network of `endface-build train`"):
        cut_convolutions(path)
