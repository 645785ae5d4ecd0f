from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from endface.engines.opencv_network import OpenCVNetwork
from endface.errors import ConfigurationError

Write = Callable[..., Path]


def relu(*shape: int | str) -> bytes:
    """A network that does next to nothing to planes of a shape."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name in ("PLANES", "LOGITS")]
    graph = helper.make_graph([helper.make_node("Relu", ["PLANES"], ["LOGITS"])], "relu", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def test_refuses_a_network_with_other_tensors(tmp_path: Path, write_described: Write) -> None:
    """Twelve planes come out as twelve, and not as the logits of five classes."""
    path = write_described(tmp_path / "model.onnx", relu("N", 12, 256, 256))

    with pytest.raises(ConfigurationError, match=r"gives \(1, 12, 256, 256\), not .*export --format opencv"):
        OpenCVNetwork(path)
