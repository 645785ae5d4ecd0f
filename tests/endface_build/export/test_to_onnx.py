"""An export speaks the contract, agrees with PyTorch and lands whole; so does the network that is committed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from endface import contract
from endface.engines.onnx_network import open_graph
from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface_build.drawing.squares import draw_square
from endface_build.export import to_onnx as exporting
from endface_build.export.to_onnx import export
from endface_build.manifest import MANIFEST_FILE, MODEL_FILE, read_manifest
from endface_build.training.network import SegmentationNetwork
from endface_build.training.recipe import Recipe
from endface_build.training.train import Trained

COMMITTED = Path(__file__).parents[3] / "model_repository" / "segment" / "1"
DATATYPES = {"UINT8": onnx.TensorProto.UINT8}


@pytest.fixture(scope="module")
def trained():
    """An untrained narrow network whose head sees something everywhere."""
    torch.manual_seed(0)
    recipe = Recipe(widths=(4, 8, 8))
    network = SegmentationNetwork(recipe.widths)
    torch.nn.init.normal_(network.head.weight)
    return Trained(network.eval(), recipe, steps=0, seconds=0.0)


@pytest.fixture(scope="module")
def squares():
    """Two drawn faces."""
    return [draw_square(1, index)[0] for index in range(2)]


@pytest.fixture(scope="module")
def exported(trained, squares, tmp_path_factory):
    """Folder of a fresh export."""
    folder = tmp_path_factory.mktemp("export")
    export(trained, folder, squares=squares)
    return folder


@pytest.fixture(params=["fresh", "committed"])
def folder(request):
    """Folder of a fresh export, then of the committed network."""
    return COMMITTED if request.param == "committed" else request.getfixturevalue("exported")


def test_graph_speaks_the_contract(folder):
    """Names, types and shapes of the graph are those of the contract, with a free batch axis."""
    graph = onnx.load(folder / MODEL_FILE).graph
    for specs, values in ((contract.SEGMENT.inputs, graph.input), (contract.SEGMENT.outputs, graph.output)):
        assert [value.name for value in values] == [spec.name for spec in specs]
        for spec, value in zip(specs, values, strict=True):
            batch, *dims = value.type.tensor_type.shape.dim
            assert value.type.tensor_type.elem_type == DATATYPES[spec.datatype]
            assert batch.dim_param
            assert tuple(dim.dim_value for dim in dims) == spec.dims


def test_file_is_one_small_file(folder):
    """The network is one file of at most 10 MB without external data."""
    model = onnx.load(folder / MODEL_FILE, load_external_data=False)

    assert (folder / MODEL_FILE).stat().st_size <= 10_000_000
    assert all(tensor.data_location != onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)


def test_manifest_describes_the_file(folder):
    """The manifest's hash, opset, tensors and recipe are the file's."""
    manifest = read_manifest(folder)
    model = onnx.load(folder / MODEL_FILE)
    properties = {entry.key: entry.value for entry in model.metadata_props}

    assert manifest["name"] == "segment"
    assert manifest["sha256"] == sha256_of(folder / MODEL_FILE)
    assert manifest["opset"] == next(entry.version for entry in model.opset_import if entry.domain == "")
    assert [tensor["name"] for tensor in manifest["outputs"]] == ["LABELS", "CONFIDENCE"]
    assert properties == {"contract": "endface.segment/1", "recipe_sha256": manifest["recipe"]["sha256"]}
    assert manifest["parity"]["labels_equal"] >= 0.9995


def test_batch_equals_single_pictures(folder, squares):
    """A batch gives the same labels as its pictures one by one."""
    engine = open_graph(folder / MODEL_FILE)
    batch = np.stack(squares)[:, None]
    labels, _ = engine(batch)
    single = np.concatenate([engine(batch[i : i + 1])[0] for i in range(len(batch))])

    assert labels.dtype == np.uint8
    assert labels.shape == (2, contract.SQUARE_PX, contract.SQUARE_PX)
    assert (labels == single).mean() > 0.9999


def test_committed_network_was_judged():
    """The committed network's manifest holds the figures of its held-out set and the time that training took."""
    manifest = read_manifest(COMMITTED)

    assert manifest["metrics"]["squares"] == manifest["recipe"]["held_out_count"]
    assert manifest["metrics"]["recall"]["any"] > 0.6
    assert manifest["training"]["steps"] == manifest["recipe"]["steps"]
    assert Recipe.from_json({k: v for k, v in manifest["recipe"].items() if k != "sha256"}) == Recipe()


def test_export_that_disagrees_is_not_written(trained, squares, tmp_path, monkeypatch):
    """Where ONNX Runtime and PyTorch disagree nothing is written."""
    monkeypatch.setattr(exporting, "LABEL_PARITY", 1.1)
    with pytest.raises(ConfigurationError, match="do not use this export"):
        export(trained, tmp_path, squares=squares)

    assert not list(tmp_path.iterdir())


def test_manifest_of_another_file(exported, tmp_path):
    """A manifest beside a changed network is refused."""
    (tmp_path / MODEL_FILE).write_bytes((exported / MODEL_FILE).read_bytes() + b"\0")
    (tmp_path / MANIFEST_FILE).write_bytes((exported / MANIFEST_FILE).read_bytes())
    with pytest.raises(ConfigurationError, match="not the file that its manifest describes"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["", "{}", "[]", json.dumps({"sha": 1})])
def test_broken_manifest(content, tmp_path):
    """A broken manifest is refused with the command that makes one."""
    (tmp_path / MANIFEST_FILE).write_text(content)
    with pytest.raises(ConfigurationError, match="endface-build export"):
        read_manifest(tmp_path)


def test_file_that_is_no_network(tmp_path):
    """A file that ONNX Runtime cannot load is a configuration error."""
    (tmp_path / MODEL_FILE).write_bytes(b"not a network")
    with pytest.raises(ConfigurationError, match=r"ONNX Runtime cannot load .*endface-build export"):
        open_graph(tmp_path / MODEL_FILE)
