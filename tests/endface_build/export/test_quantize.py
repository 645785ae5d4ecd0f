"""Eight bits change next to nothing, keep what is not convolution in float, and never replace what they would harm."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from endface import contract
from endface.engines.onnx_network import Network, open_graph
from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface_build.drawing.squares import Square
from endface_build.export.quantize import FP32_FILE, between_convolutions, quantize
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE, read_manifest, write_manifest


def test_file_and_manifest_belong_together(quantized: Path, exported: Path) -> None:
    """The quantized file is what the server loads; its manifest names it, its source, how it was made and its loss."""
    manifest = read_manifest(quantized)

    assert manifest["precision"] == "int8"
    assert manifest["sha256"] == Network(quantized / MODEL_FILE).info.sha256 == sha256_of(quantized / MODEL_FILE)
    from_sha256 = manifest["quantization"]["from_sha256"]
    assert from_sha256 == sha256_of(exported / MODEL_FILE) == sha256_of(quantized / FP32_FILE)
    assert manifest["quantization"]["squares"] == manifest["metrics"]["squares"] == 3
    assert manifest["quantization"]["fp32"]["recall"] == 1.0
    assert manifest["quantization"]["loss"]["recall"] == pytest.approx(1 - manifest["metrics"]["recall"]["any"])
    assert {file.name for file in quantized.iterdir()} == {MODEL_FILE, FP32_FILE, MANIFEST_FILE}


def test_labels_stay(quantized: Path, exported: Path, judged: list[Square]) -> None:
    """Even without training nearly all labels are those of the network in float; the manifest says how many.

    It also says how far the probability of a mark is off where outlines run.
    """
    segment = open_graph(quantized / MODEL_FILE)
    in_float = open_graph(exported / MODEL_FILE)
    pairs = [(segment(square[None, None]), in_float(square[None, None])) for square, _ in judged]
    made = read_manifest(quantized)["quantization"]

    same = np.mean([(found[0] == wanted[0]).mean() for found, wanted in pairs])
    assert same > 0.9
    assert made["labels_equal"] == pytest.approx(same, abs=1e-6)
    errors = [np.abs(found[1] / 255 - wanted[1] / 255)[abs(wanted[1] / 255 - 0.5) < 0.25] for found, wanted in pairs]
    assert made["probability_error"] == pytest.approx(np.mean(np.concatenate(errors)), abs=2e-4)


def test_weights_leave_room_for_sums_of_sixteen_bits(quantized: Path) -> None:
    """No weight needs its eighth bit: two products with the largest activation fit into 16 bits on any CPU."""
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(quantized / MODEL_FILE).graph.initializer
        if tensor.data_type == TensorProto.INT8 and len(tensor.dims) == 4
    ]

    assert len(weights) >= 5
    assert all(2 * 255 * int(np.abs(weight.astype(int)).max()) < 2**15 for weight in weights)


def test_again_from_the_same_source(quantized: Path, judged: list[Square], tmp_path: Path) -> None:
    """A quantized network is quantized anew from the network in float, which gives the same file."""
    again = quantize(quantized, tmp_path, judged=judged[:1], calibration=[judged[0][0]], max_loss=1.0)

    assert again["sha256"] == read_manifest(quantized)["sha256"]
    assert again["quantization"]["from_sha256"] == sha256_of(tmp_path / FP32_FILE)


def test_loss_is_refused(exported: Path, judged: list[Square], tmp_path: Path) -> None:
    """A network that loses too much is not written."""
    with pytest.raises(ConfigurationError, match=r"Eight bits cost .* of the recall.*nothing was written"):
        quantize(exported, tmp_path / "out", judged=judged[:1], calibration=[judged[0][0]], max_loss=-1.0)

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, b"another network"], ids=["missing", "changed"])
def test_lost_source(quantized: Path, tmp_path: Path, content: bytes | None) -> None:
    """Where the network in float is gone or another one, the way out is named."""
    folder = shutil.copytree(quantized, tmp_path / "network")
    (folder / FP32_FILE).unlink()
    if content is not None:
        (folder / FP32_FILE).write_bytes(content)
    with pytest.raises(ConfigurationError, match="endface-build export"):
        quantize(folder, folder)


def test_full_disk_leaves_the_former_files(
    quantized: Path, judged: list[Square], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the disk has no room for the last of the three files, network, source and manifest stay those of before."""
    folder = shutil.copytree(quantized, tmp_path / "network")
    write_manifest(folder, read_manifest(folder) | {"name": "before"})
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    synced = iter([None, None, OSError(errno.ENOSPC, "No space left on device")])

    def sync(_: int) -> None:
        if (failure := next(synced)) is not None:
            raise failure

    monkeypatch.setattr("os.fsync", sync)
    with pytest.raises(OSError, match="No space"):
        quantize(folder, folder, judged=judged[:1], calibration=[judged[0][0]], max_loss=1.0)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def graph_of(*nodes: tuple[str, str, list[str], list[str]]) -> onnx.GraphProto:
    """A graph of nodes (operator, name, inputs, outputs)."""
    made = [helper.make_node(kind, inputs, outputs, name=name) for kind, name, inputs, outputs in nodes]
    return helper.make_graph(made, "drawn", [], [])


def test_only_what_lies_between_convolutions() -> None:
    """Normalizing before, arg-max behind and side branches are left alone."""
    graph = graph_of(
        ("Add", "normalize", ["square", "mean"], ["a"]),
        ("Conv", "first", ["a", "w"], ["b"]),
        ("Relu", "inner", ["b"], ["c"]),
        ("Sigmoid", "float only", ["c"], ["d"]),
        ("Relu", "side", ["b"], ["unused"]),
        ("Conv", "last", ["d", "w"], ["e"]),
        ("Add", "behind", ["e", "e"], ["f"]),
    )

    assert between_convolutions(graph) == ["first", "inner", "last"]


def test_convolutions_at_the_ends_can_be_left_out() -> None:
    """What only they enclose is left out with them."""
    graph = graph_of(
        ("Conv", "first", ["square", "w"], ["a"]),
        ("Relu", "after first", ["a"], ["b"]),
        ("Conv", "second", ["b", "w"], ["c"]),
        ("Relu", "inner", ["c"], ["d"]),
        ("Conv", "third", ["d", "w"], ["e"]),
        ("Relu", "before last", ["e"], ["f"]),
        ("Conv", "last", ["f", "w"], ["g"]),
    )

    assert between_convolutions(graph, 1, 1) == ["second", "inner", "third"]


def test_ends_stay_in_float(quantized: Path) -> None:
    """The first convolution and the last two take and give numbers, all others bytes."""
    graph = onnx.load(quantized / MODEL_FILE).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    in_bytes = [makers.get(node.input[1]) == "DequantizeLinear" for node in convolutions]

    assert in_bytes == [False, *[True] * (len(convolutions) - 3), False, False]


def test_graph_without_convolution() -> None:
    """There is nothing to quantize in a graph without convolutions."""
    with pytest.raises(ConfigurationError, match="no convolution"):
        between_convolutions(graph_of(("Relu", "only", [contract.SQUARE.name], ["a"])))
