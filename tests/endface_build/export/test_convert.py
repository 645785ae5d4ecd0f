"""A network of an older contract keeps its weights and gets the present outputs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from endface.engines.onnx_network import Network, open_graph
from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface_build.export.convert import convert
from endface_build.export.to_onnx import write_graph
from endface_build.manifest import MODEL_FILE, read_manifest, write_manifest
from endface_build.training.network import BLOCK, SegmentGraph, planes
from endface_build.training.train import Trained


class OldGraph(SegmentGraph):
    """The graph of contract 1: the most probable class, background too, and the logistic of its lead."""

    def forward(self, squares: Tensor) -> tuple[Tensor, Tensor]:
        logits = functional.pixel_shuffle(self.network(planes(squares)), BLOCK)
        best = logits.topk(2, dim=1)
        lead = torch.sigmoid(best.values[:, 0] - best.values[:, 1])
        return best.indices[:, 0].to(torch.uint8), torch.round(255 * lead).to(torch.uint8)


def describe(folder: Path) -> None:
    """Write the manifest of a network that was not quantized."""
    identity = {"name": "segment", "version": "3", "file": MODEL_FILE, "sha256": sha256_of(folder / MODEL_FILE)}
    write_manifest(folder, identity | {"recipe": {"seed": 7}, "metrics": {"squares": 2}})


@pytest.fixture(scope="module")
def old(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a network of contract 1."""
    folder = tmp_path_factory.mktemp("old")
    path = folder / MODEL_FILE
    write_graph(OldGraph(trained.network).eval(), path, opset=18, recipe_sha256="a recipe")
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {"contract": "endface.segment/1", "recipe_sha256": "a recipe"})
    onnx.save_model(model, path)
    describe(folder)
    return folder


def test_outputs_are_those_of_an_export_of_today(
    old: Path, exported: Path, squares: list[NDArray[np.uint8]], tmp_path: Path
) -> None:
    """Weights and outputs are those of the network as it would be exported now, byte by byte; a server takes it."""
    with pytest.raises(ConfigurationError, match="endface-build convert"):
        Network(old / MODEL_FILE)

    convert(old, tmp_path, squares=squares[:1])

    batch = np.stack(squares[:2])[:, None]
    wanted = open_graph(exported / MODEL_FILE)(batch)
    found = Network(tmp_path / MODEL_FILE).segment(batch)
    assert np.array_equal(found[0], wanted[0])
    assert np.abs(found[1].astype(int) - wanted[1]).max() <= 1


def test_manifest_names_the_weights(old: Path, squares: list[NDArray[np.uint8]], tmp_path: Path) -> None:
    """Name, version and recipe stay; the manifest says which file the weights are of, and claims no old figures."""
    convert(old, tmp_path, squares=squares[:1])

    manifest = read_manifest(tmp_path)
    assert (manifest["version"], manifest["recipe"], manifest["metrics"]) == ("3", {"seed": 7}, {})
    assert manifest["converted"] == {
        "from_sha256": sha256_of(old / MODEL_FILE),
        "from_contract": "endface.segment/1",
        "to_contract": "endface.segment/2",
    }
    properties = {entry.key: entry.value for entry in onnx.load(tmp_path / MODEL_FILE).metadata_props}
    assert properties == {"contract": "endface.segment/2", "recipe_sha256": "a recipe"}


def test_takes_its_own_folder(old: Path, squares: list[NDArray[np.uint8]], tmp_path: Path) -> None:
    """A version is converted where it lies; a second time there is nothing to do, and the message says so."""
    folder = shutil.copytree(old, tmp_path / "1")

    convert(folder, folder, squares=squares[:1])

    assert Network(folder / MODEL_FILE).info.version == "3"
    with pytest.raises(ConfigurationError, match=r"its contract is endface\.segment/2"):
        convert(folder, folder)


def test_network_of_another_kind(write_steps: Callable[..., Path], tmp_path: Path) -> None:
    """Logits are looked for where ours are: another network is refused, and its folder left alone."""

    def age(model: onnx.ModelProto) -> None:
        onnx.helper.set_model_props(model, {"contract": "endface.segment/1"})

    folder = write_steps(tmp_path / "1", edit=age)
    before = sha256_of(folder / MODEL_FILE)

    with pytest.raises(ConfigurationError, match="only a network of `endface-build train`"):
        convert(folder, folder)
    assert sha256_of(folder / MODEL_FILE) == before
