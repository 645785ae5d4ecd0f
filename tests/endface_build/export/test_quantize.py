"""Eight bits change next to nothing, keep what is not convolution in float, and never replace what they would harm."""

from __future__ import annotations

import shutil

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from endface import contract
from endface.engines.onnx_network import Network, open_graph
from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface_build.drawing.squares import draw_square
from endface_build.export import quantize as quantizing
from endface_build.export.quantize import FP32_FILE, between_convolutions, quantize
from endface_build.export.to_onnx import export
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE, read_manifest
from endface_build.training.network import SegmentationNetwork
from endface_build.training.recipe import Recipe
from endface_build.training.train import Trained


@pytest.fixture(autouse=True)
def few_faces(monkeypatch):
    """Two faces are enough to find the ranges of a tiny network."""
    monkeypatch.setattr(quantizing, "CALIBRATION_COUNT", 2)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Folder of an untrained narrow network whose head calls much a defect."""
    torch.manual_seed(0)
    recipe = Recipe(widths=(4, 8, 8))
    network = SegmentationNetwork(recipe.widths)
    torch.nn.init.normal_(network.head.weight, std=20)
    folder = tmp_path_factory.mktemp("export")
    export(Trained(network.eval(), recipe, steps=0, seconds=0.0), folder, squares=[draw_square(1, 0)[0]])
    return folder


@pytest.fixture
def folder(exported, tmp_path):
    """A copy of the network that may be changed."""
    return shutil.copytree(exported, tmp_path / "network")


@pytest.fixture(scope="module")
def judged(exported):
    """Three squares, with what the network in float says as their truth."""
    engine = open_graph(exported / MODEL_FILE)
    squares = [draw_square(1, index)[0] for index in range(3)]
    return [(square, engine(square[None, None])[0][0]) for square in squares]


@pytest.fixture
def no_limit(monkeypatch):
    """An untrained network may lose what it likes."""
    monkeypatch.setattr(quantizing, "MAX_LOSS", 1.0)


@pytest.mark.usefixtures("no_limit")
def test_file_and_manifest_belong_together(folder, exported, judged):
    """The quantised file is what the server loads; its manifest names it, its source, how it was made and its loss."""
    manifest = quantize(folder, judged=judged)

    assert manifest == read_manifest(folder)
    assert manifest["precision"] == "int8"
    assert manifest["sha256"] == Network(folder / MODEL_FILE).info.sha256 == sha256_of(folder / MODEL_FILE)
    assert manifest["quantization"]["from_sha256"] == sha256_of(exported / MODEL_FILE) == sha256_of(folder / FP32_FILE)
    assert manifest["quantization"]["squares"] == manifest["metrics"]["squares"] == 3
    assert manifest["quantization"]["fp32"]["recall"] == 1.0
    assert manifest["quantization"]["loss"]["recall"] == pytest.approx(1 - manifest["metrics"]["recall"]["any"])
    assert {file.name for file in folder.iterdir()} == {MODEL_FILE, FP32_FILE, MANIFEST_FILE}


@pytest.mark.usefixtures("no_limit")
def test_labels_stay(folder, judged):
    """Even without training nearly all labels are those of the network in float, and the report says how many."""
    manifest = quantize(folder, judged=judged)
    engine = open_graph(folder / MODEL_FILE)
    same = [(engine(square[None, None])[0][0] == labels).mean() for square, labels in judged]

    assert np.mean(same) > 0.9
    assert manifest["quantization"]["labels_equal"] == pytest.approx(np.mean(same), abs=1e-6)


@pytest.mark.usefixtures("no_limit")
def test_weights_leave_room_for_sums_of_sixteen_bits(folder, judged):
    """No weight needs its eighth bit: two products with the largest activation fit into 16 bits on any CPU."""
    quantize(folder, judged=judged)
    weights = [
        onnx.numpy_helper.to_array(tensor)
        for tensor in onnx.load(folder / MODEL_FILE).graph.initializer
        if tensor.data_type == TensorProto.INT8 and len(tensor.dims) == 4
    ]

    assert len(weights) >= 8
    assert all(2 * 255 * int(np.abs(weight.astype(int)).max()) < 2**15 for weight in weights)


@pytest.mark.usefixtures("no_limit")
def test_again_from_the_same_source(folder, judged):
    """Quantising twice starts from the network in float both times, and gives the same file."""
    first = quantize(folder, judged=judged)
    second = quantize(folder, judged=judged)

    assert second["sha256"] == first["sha256"]
    assert second["quantization"]["from_sha256"] == first["quantization"]["from_sha256"]


def test_loss_is_refused(folder, judged, monkeypatch):
    """A network that loses too much stays as it was."""
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    blind = [(square, np.zeros_like(labels)) for square, labels in judged]
    monkeypatch.setattr(quantizing, "_loss", lambda *_: 0.0101)
    with pytest.raises(ConfigurationError, match=r"cost 0\.0101 of the recall.*stays as it is"):
        quantize(folder, judged=blind)

    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.usefixtures("no_limit")
@pytest.mark.parametrize("content", [None, b"another network"], ids=["missing", "changed"])
def test_lost_source(folder, judged, content):
    """Where the network in float is gone or another one, the way out is named."""
    quantize(folder, judged=judged)
    (folder / FP32_FILE).unlink()
    if content is not None:
        (folder / FP32_FILE).write_bytes(content)
    with pytest.raises(ConfigurationError, match="endface-build export"):
        quantize(folder, judged=judged)


def test_no_network(tmp_path):
    """A folder without a network names the command that makes one."""
    with pytest.raises(ConfigurationError, match="endface-build export"):
        quantize(tmp_path)


def graph_of(*nodes):
    """A graph of nodes (operator, name, inputs, outputs)."""
    made = [helper.make_node(kind, inputs, outputs, name=name) for kind, name, inputs, outputs in nodes]
    return helper.make_graph(made, "drawn", [], [])


def test_only_what_lies_between_convolutions():
    """Normalising before, arg-max behind and side branches are left alone."""
    graph = graph_of(
        ("Add", "normalise", ["square", "mean"], ["a"]),
        ("Conv", "first", ["a", "w"], ["b"]),
        ("Relu", "inner", ["b"], ["c"]),
        ("Sigmoid", "float only", ["c"], ["d"]),
        ("Relu", "side", ["b"], ["unused"]),
        ("Conv", "last", ["d", "w"], ["e"]),
        ("Add", "behind", ["e", "e"], ["f"]),
    )

    assert between_convolutions(graph) == ["first", "inner", "last"]


def test_graph_without_convolution():
    """There is nothing to quantise in a graph without convolutions."""
    with pytest.raises(ConfigurationError, match="no convolution"):
        between_convolutions(graph_of(("Relu", "only", [contract.SQUARE.name], ["a"])))
