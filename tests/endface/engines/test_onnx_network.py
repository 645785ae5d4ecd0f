from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from endface.engines.onnx_network import ONNXRUNTIME, Network, describe
from endface.errors import ConfigurationError

Write = Callable[..., Path]


def test_labels_every_square_of_a_batch(tmp_path: Path, write_network: Write) -> None:
    """Each square gets its own label map and confidence, in order."""
    squares = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 512, 512), np.uint8)

    labels, confidence = Network(write_network(tmp_path)).segment(squares)

    assert labels.dtype == confidence.dtype == np.uint8
    assert np.array_equal(labels, squares[:, 0])
    assert np.array_equal(confidence, squares[:, 0])


def test_names_itself(tmp_path: Path, write_network: Write) -> None:
    """A network says which file it is, for the report."""
    path = write_network(tmp_path, version=4)

    info = Network(path).info

    assert (info.name, info.version, info.engine) == ("segment", "4", ONNXRUNTIME)
    assert info.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_refuses_a_file_that_is_not_the_manifests(tmp_path: Path, write_network: Write) -> None:
    """A changed file is not run, and the message says how to mend it."""
    path = write_network(tmp_path)
    path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(ConfigurationError, match=r"not the file that its manifest describes.*endface-build export"):
        Network(path)


@pytest.mark.parametrize("missing", ["model.onnx", "manifest.json"])
def test_refuses_half_a_network(tmp_path: Path, write_network: Write, missing: str) -> None:
    """A network without its manifest is as little worth as a manifest without its network."""
    path = write_network(tmp_path)
    path.with_name(missing).unlink()

    with pytest.raises(ConfigurationError, match=rf"{missing} is missing.*endface-build export"):
        Network(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "segment", "version": "1"}', "\x00"])
def test_refuses_a_broken_manifest(tmp_path: Path, write_network: Write, text: str) -> None:
    """A manifest that cannot be read, or lacks a key, is named."""
    path = write_network(tmp_path)
    path.with_name("manifest.json").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"manifest\.json cannot be read"):
        Network(path)


@pytest.mark.parametrize(
    "change",
    [{"tensors": {"SQUARE": "input.1"}}, {"tensors": {"LABELS": "308"}}, {"datatype": "FLOAT"}, {"side_px": 256}],
    ids=["input name", "output name", "type", "shape"],
)
def test_refuses_a_graph_with_other_tensors(tmp_path: Path, write_network: Write, change: dict[str, object]) -> None:
    """Names, types and shapes of the graph are the contract's, or it is not run."""
    with pytest.raises(ConfigurationError, match="the contract asks for"):
        Network(write_network(tmp_path, **change))


def test_refuses_what_is_no_network(tmp_path: Path, write_network: Write) -> None:
    """A file that ONNX Runtime cannot read is named, though its sum is right."""
    path = write_network(tmp_path)
    path.write_bytes(b"no network")
    manifest = path.with_name("manifest.json")
    sha256 = hashlib.sha256(b"no network").hexdigest()
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"sha256": sha256}), encoding="utf-8")

    with pytest.raises(ConfigurationError, match="ONNX Runtime cannot load"):
        Network(path)


def test_describes_the_newest_version(tmp_path: Path, write_network: Write) -> None:
    """Versions are numbers: 10 is newer than 9, and it shows as soon as it is there."""
    write_network(tmp_path, version=9)
    assert describe(tmp_path, "tensorrt").version == "9"

    write_network(tmp_path, version=10)
    (tmp_path / "configs").mkdir()

    assert describe(tmp_path, "tensorrt").version == "10"
    assert describe(tmp_path, "tensorrt").engine == "tensorrt"


@pytest.mark.parametrize("folder", [".", "missing"])
def test_describes_nothing_without_a_version(tmp_path: Path, folder: str) -> None:
    """A report that cannot name its network is a fault of the installation."""
    with pytest.raises(ConfigurationError, match="no version of the network"):
        describe(tmp_path / folder, ONNXRUNTIME)
