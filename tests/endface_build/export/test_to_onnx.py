"""An export speaks the contract, agrees with PyTorch and lands whole; so does the network that is committed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from endface import contract
from endface.engines.onnx_network import open_graph
from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface_build.export.to_onnx import export
from endface_build.manifest import MODEL_FILE, read_manifest
from endface_build.training.recipe import Recipe
from endface_build.training.train import Trained


@pytest.fixture
def committed(project: Path) -> Path:
    """Folder of the project's network."""
    return project / "model_repository" / "segment" / "2"


@pytest.fixture(params=["fresh", "committed"])
def folder(request: pytest.FixtureRequest, committed: Path) -> Path:
    """Folder of a fresh export, then of the committed network."""
    return committed if request.param == "committed" else Path(request.getfixturevalue("exported"))


def test_graph_speaks_the_contract(folder: Path) -> None:
    """Names, types and shapes of the graph are those of the contract, with a free batch axis; it is one small file."""
    model = onnx.load(folder / MODEL_FILE, load_external_data=False)
    ends = [(contract.SEGMENT.inputs, model.graph.input), (contract.SEGMENT.outputs, model.graph.output)]
    for specs, values in ends:
        assert [value.name for value in values] == [spec.name for spec in specs]
        for spec, value in zip(specs, values, strict=True):
            batch, *dims = value.type.tensor_type.shape.dim
            assert value.type.tensor_type.elem_type == onnx.TensorProto.UINT8
            assert spec.datatype == "UINT8"
            assert batch.dim_param
            assert tuple(dim.dim_value for dim in dims) == spec.dims

    assert (folder / MODEL_FILE).stat().st_size <= 10_000_000
    assert all(tensor.data_location != onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer)


def test_manifest_describes_the_file(folder: Path) -> None:
    """The manifest's hash, opset, tensors and recipe are the file's."""
    manifest = read_manifest(folder)
    model = onnx.load(folder / MODEL_FILE)
    properties = {entry.key: entry.value for entry in model.metadata_props}

    assert manifest["name"] == "segment"
    assert manifest["sha256"] == sha256_of(folder / MODEL_FILE)
    assert manifest["opset"] == next(entry.version for entry in model.opset_import if entry.domain == "")
    assert manifest["inputs"] == [{"name": "SQUARE", "datatype": "UINT8", "shape": [-1, 1, 512, 512]}]
    assert [tensor["name"] for tensor in manifest["outputs"]] == ["LABELS", "CONFIDENCE"]
    assert properties == {"contract": "endface.segment/2", "recipe_sha256": manifest["recipe"]["sha256"]}
    assert manifest["parity"]["labels_equal"] >= 0.9995


def test_batch_equals_single_pictures(folder: Path, squares: list[NDArray[np.uint8]]) -> None:
    """A batch gives the same labels as its pictures one by one."""
    segment = open_graph(folder / MODEL_FILE)
    batch = np.stack(squares[:2])[:, None]
    labels, _ = segment(batch)
    single = np.concatenate([segment(batch[i : i + 1])[0] for i in range(len(batch))])

    assert labels.dtype == np.uint8
    assert labels.shape == (2, contract.SQUARE_PX, contract.SQUARE_PX)
    assert (labels == single).mean() > 0.9999


def test_committed_network_was_judged(committed: Path) -> None:
    """The committed network's manifest holds the figures of its held-out set and the time that training took."""
    manifest = read_manifest(committed)

    assert manifest["metrics"]["squares"] == manifest["recipe"]["held_out_count"]
    assert manifest["metrics"]["recall"]["any"] > 0.6
    assert manifest["training"]["steps"] == manifest["recipe"]["steps"]
    recipe = Recipe.from_json({k: v for k, v in manifest["recipe"].items() if k != "sha256"})
    # Version 2 came about in three runs: what each began with, and its drawn set, differ from a run of its own.
    differing = ("start_sha256", "train_seed", "train_count", "held_out_seed", "steps", "learning_rate")
    usual = Recipe()
    assert recipe == replace(usual, **{name: getattr(recipe, name) for name in differing})


def test_export_that_disagrees_is_not_written(
    trained: Trained, squares: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    """Where ONNX Runtime and PyTorch disagree nothing is written."""
    with pytest.raises(ConfigurationError, match="do not use this export"):
        export(trained, tmp_path, squares=squares[:1], least_equal=1.1)

    assert not list(tmp_path.iterdir())
