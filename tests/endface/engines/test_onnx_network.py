from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from endface.engines.catalog import ONNXRUNTIME
from endface.engines.onnx_network import Network, open_graph
from endface.errors import ConfigurationError

Write = Callable[..., Path]


def test_labels_every_square_of_a_batch(tmp_path: Path, write_network: Write) -> None:
    """Each square gets its own map, in order; a network that is being exported needs no manifest for that."""
    squares = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 512, 512), np.uint8)
    path = write_network(tmp_path)
    network = Network(path)
    path.with_name("manifest.json").unlink()

    for segment in (network.segment, open_graph(path)):
        labels, confidence = segment(squares)
        assert labels.dtype == confidence.dtype == np.uint8
        assert np.array_equal(labels, squares[:, 0])
        assert np.array_equal(confidence, squares[:, 0])


def test_names_itself(tmp_path: Path, write_network: Write) -> None:
    """A network says which file it is, for the report."""
    path = write_network(tmp_path, version=4)

    info = Network(path).info

    assert (info.name, info.version, info.engine) == ("segment", "4", ONNXRUNTIME)
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [{"tensors": {"SQUARE": "input.1"}}, {"tensors": {"LABELS": "308"}}, {"datatype": "FLOAT"}, {"side_px": 256}],
    ids=["input name", "output name", "type", "shape"],
)
def test_refuses_a_graph_with_other_tensors(tmp_path: Path, write_network: Write, change: dict[str, object]) -> None:
    """Names, types and shapes of the graph are the contract's, or it is not run."""
    with pytest.raises(ConfigurationError, match="the contract asks for"):
        Network(write_network(tmp_path, **change))


@pytest.mark.parametrize("properties", [{}, {"contract": "endface.segment/2"}], ids=["unsaid", "present"])
def test_takes_a_network_of_the_present_contract(
    tmp_path: Path, write_network: Write, properties: dict[str, str]
) -> None:
    """A network that says nothing is taken for one of the present contract, as its tensors are."""
    assert Network(write_network(tmp_path, properties=properties)).info.version == "1"


def test_refuses_a_network_of_an_older_contract(tmp_path: Path, write_network: Write) -> None:
    """Its confidence is high on background and would be misread; the sentence says which command helps."""
    path = write_network(tmp_path, properties={"contract": "endface.segment/1", "recipe_sha256": "a"})
    wanted = rf"speaks the contract endface\.segment/1, .* needs endface\.segment/2: .*convert {path.parent}`"

    with pytest.raises(ConfigurationError, match=wanted):
        Network(path)


def test_refuses_a_graph_that_is_none(tmp_path: Path) -> None:
    """Also where no manifest vouches for it."""
    (tmp_path / "model.onnx").write_bytes(b"no network")

    with pytest.raises(ConfigurationError, match=r"ONNX Runtime cannot load .*endface-build export"):
        open_graph(tmp_path / "model.onnx")
