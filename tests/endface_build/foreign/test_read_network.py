"""Files from outside are read as far as they can be trusted, and refused in a sentence where they cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from endface.errors import ConfigurationError
from endface_build.foreign.class_map import NetworkMap
from endface_build.foreign.read_network import ImageInput, read_foreign

Write = Callable[..., Path]
SAME = "out = Identity (image)"
NO_SIZE = NetworkMap(Path("map.toml"), {"0": 1})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda _: None, "There is no file"),
        (lambda _: b"", "not a whole ONNX network"),
        (lambda _: b"PK\x03\x04 a checkpoint", "not a whole ONNX network"),
        (lambda network: network[:-20], "not a whole ONNX network"),
    ],
    ids=["missing", "empty", "checkpoint", "half"],
)
def test_no_network(
    tmp_path: Path, write_segmenter: Write, content: Callable[[bytes], bytes | None], message: str
) -> None:
    """A file that is no ONNX network, or was cut off, is refused as such."""
    path = write_segmenter(tmp_path / "best.pt", SAME)
    data = content(path.read_bytes())
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=message):
        read_foreign(path, NO_SIZE)


def test_weights_beside_the_file(tmp_path: Path, write_segmenter: Write) -> None:
    """Weights in a file of their own are taken in; without that file the network is refused."""
    path = write_segmenter(tmp_path / "a.onnx", "out = Add (image, image)")
    model = onnx.load(path)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones(4000, np.float32), "weights"))
    onnx.save_model(model, path, save_as_external_data=True, location="a.onnx.data")

    (weights,) = read_foreign(path, NO_SIZE).model.graph.initializer
    assert onnx.numpy_helper.to_array(weights).sum() == 4000
    (tmp_path / "a.onnx.data").unlink()
    with pytest.raises(ConfigurationError, match=r"keep a \.data file beside it"):
        read_foreign(path, NO_SIZE)


@pytest.mark.parametrize(
    ("takes", "properties", "expected"),
    [
        ("float[1,3,480,640]", {}, ImageInput("image", "FLOAT", 3, 480, 640)),
        ("float16[N,1,H,W]", {"imgsz": "[320, 640]"}, ImageInput("image", "FLOAT16", 1, 320, 640)),
        ("float[N,1,H,W]", {"imgsz": "320"}, ImageInput("image", "FLOAT", 1, 320, 320)),
        ("uint8[N,1,H,640]", {}, ImageInput("image", "UINT8", 1, 512, 640, is_size_assumed=True)),
    ],
)
def test_size(
    tmp_path: Path, write_segmenter: Write, takes: str, properties: dict[str, str], expected: ImageInput
) -> None:
    """The size is the graph's; where that leaves it open, what the exporter noted, or the square's."""
    path = write_segmenter(tmp_path / "a.onnx", SAME, takes, takes, properties=properties)

    assert read_foreign(path, NO_SIZE).image == expected


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"names": "{0: 'a', 2: 'b'}"}, "notes the names of its classes as"),
        ({"names": "{0: 'a'"}, "which cannot be read"),
        ({"names": "'a'"}, "notes the names of its classes as"),
        ({"imgsz": "[1, 2, 3]"}, "notes imgsz as"),
    ],
)
def test_broken_notes(tmp_path: Path, write_segmenter: Write, properties: dict[str, str], message: str) -> None:
    """Notes of the exporter that cannot be understood are not guessed at."""
    path = write_segmenter(tmp_path / "a.onnx", SAME, properties=properties)
    with pytest.raises(ConfigurationError, match=message):
        read_foreign(path, NO_SIZE)


def test_functions_are_resolved(tmp_path: Path) -> None:
    """A network that brings functions of its own is written out in plain operators."""
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 18, "own": 1]>
        net (float[1,1,64,64] image) => (float[1,1,64,64] out) { out = own.twice (image) }
        <domain: "own", opset_import: ["": 18]>
        twice (x) => (y) { y = Add (x, x) }
    """)
    onnx.save_model(model, tmp_path / "a.onnx")

    read = read_foreign(tmp_path / "a.onnx", NO_SIZE)
    assert [node.op_type for node in read.model.graph.node] == ["Add"]
    assert read.opset == 18
