"""A network whose ends are folded says what it said before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from endface import contract
from endface.engines.onnx_network import open_graph
from endface.engines.onnx_properties import check_contract
from endface.errors import ConfigurationError
from endface_build.export.fold_ends import fold_ends
from endface_build.manifest import MODEL_FILE


@pytest.fixture(scope="module")
def folded(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folded form of a network that is sure of something everywhere."""
    path = tmp_path_factory.mktemp("folded") / MODEL_FILE
    onnx.save_model(fold_ends(onnx.load(exported / MODEL_FILE)), path)
    return path


def test_numbers_stay(folded: Path, exported: Path, squares: list[NDArray[np.uint8]]) -> None:
    """Labels and confidence of a batch are those of before; sums in another order round a byte by one at most."""
    batch = np.stack(squares)[:, None]
    labels, confidence = open_graph(folded)(batch)
    expected_labels, expected = open_graph(exported / MODEL_FILE)(batch)

    assert expected.max() == 255  # beyond what a float can hold
    assert np.abs(confidence.astype(int) - expected).max() <= 1
    assert (labels == expected_labels).mean() > 0.9999


def test_the_served_network_keeps_its_numbers(tmp_path: Path, squares: list[NDArray[np.uint8]]) -> None:
    """The trained one as well, whose confidence has every value."""
    source = sorted(Path("model_repository/segment").glob("[0-9]*"))[-1] / "model.fp32.onnx"
    path = tmp_path / MODEL_FILE
    onnx.save_model(fold_ends(onnx.load(source)), path)
    for square in squares:
        labels, confidence = open_graph(path)(square[None, None])
        expected_labels, expected = open_graph(source)(square[None, None])
        assert np.abs(confidence.astype(int) - expected).max() <= 1
        assert (labels == expected_labels).mean() > 0.9999


def test_it_speaks_the_contract(folded: Path) -> None:
    """The properties of the file stay, so that a server takes it."""
    check_contract(folded, folded.read_bytes())


def test_less_is_done_at_full_size(folded: Path, exported: Path) -> None:
    """No step is left that only moves pixels into blocks or limits what a byte cannot show."""
    before, after = ([node.op_type for node in onnx.load(path).graph.node] for path in (exported / MODEL_FILE, folded))

    assert {"Slice", "Clip"} <= set(before)
    assert not {"Slice", "Clip"} & set(after)
    assert len(after) < len(before) - 30


def test_another_s_network_is_refused() -> None:
    """Its ends are not known."""
    spec = contract.SQUARE
    planes = helper.make_tensor_value_info(spec.name, TensorProto.FLOAT, ["N", 1, 8, 8])
    weight = helper.make_tensor("weight", TensorProto.FLOAT, [1, 1, 1, 1], [1.0])
    node = helper.make_node("Conv", [spec.name, "weight"], ["out"])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", 1, 8, 8])
    model = helper.make_model(helper.make_graph([node], "other", [planes], [out], [weight]))

    with pytest.raises(ConfigurationError, match="endface-build train"):
        fold_ends(model)
