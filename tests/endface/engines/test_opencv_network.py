from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from endface.engines.opencv_network import OpenCVNetwork
from endface.errors import ConfigurationError


def write(folder: Path, content: bytes) -> Path:
    """A file and a manifest that describes it."""
    manifest = {"name": "segment", "version": "1", "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "model.onnx").write_bytes(content)
    return folder / "model.onnx"


def relu(*shape: int | str) -> bytes:
    """A network that does next to nothing to planes of a shape."""
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name in ("PLANES", "LOGITS")]
    graph = helper.make_graph([helper.make_node("Relu", ["PLANES"], ["LOGITS"])], "relu", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    return bytes(model.SerializeToString())


def test_refuses_a_network_with_other_tensors(tmp_path: Path) -> None:
    """Twelve planes come out as twelve, and not as the logits of five classes."""
    path = write(tmp_path, relu("N", 12, 256, 256))

    with pytest.raises(ConfigurationError, match=r"gives \(1, 12, 256, 256\), not .*export --format opencv"):
        OpenCVNetwork(path)


def test_refuses_what_is_no_network(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """OpenCV's own error is the cause of ours."""
    with pytest.raises(ConfigurationError, match="OpenCV cannot run the network"):
        OpenCVNetwork(write(tmp_path, b"no network"))
    capfd.readouterr()  # OpenCV writes its errors on stderr as well


def test_refuses_a_file_that_is_not_the_manifests(tmp_path: Path) -> None:
    """A changed file is not run."""
    path = write(tmp_path, relu("N", 12, 256, 256))
    path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(ConfigurationError, match="not the file that its manifest describes"):
        OpenCVNetwork(path)
