"""A network that everybody can predict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import TensorProto, helper

WriteNetwork = Callable[..., Path]


@pytest.fixture
def write_network() -> WriteNetwork:
    """Write a network that labels each pixel with its gray level, and its manifest; say where.

    ``tensors`` changes the graph's names (by the contract's), ``datatype`` and ``side_px`` all its tensors.
    """

    def write(
        folder: Path,
        *,
        version: int = 1,
        tensors: dict[str, str] | None = None,
        datatype: str = "UINT8",
        side_px: int = 512,
    ) -> Path:
        names = {name: name for name in ("SQUARE", "LABELS", "CONFIDENCE")} | (tensors or {})
        kind, sides = getattr(TensorProto, datatype), [side_px, side_px]
        graph = helper.make_graph(
            [
                helper.make_node("Squeeze", [names["SQUARE"], "axis"], [names[name]])
                for name in ("LABELS", "CONFIDENCE")
            ],
            "echo",
            [helper.make_tensor_value_info(names["SQUARE"], kind, ["N", 1, *sides])],
            [helper.make_tensor_value_info(names[name], kind, ["N", *sides]) for name in ("LABELS", "CONFIDENCE")],
            [helper.make_tensor("axis", TensorProto.INT64, [1], [1])],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
        path = folder / str(version) / "model.onnx"
        path.parent.mkdir(parents=True)
        path.write_bytes(model.SerializeToString())
        write_manifest(path, version)
        return path

    return write


def write_manifest(path: Path, version: int) -> None:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = {"name": "segment", "version": str(version), "file": path.name, "sha256": sha256}
    path.with_name("manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
