"""A foreign network becomes a candidate whole and proven, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from endface.contract import Label
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface_build.foreign.import_network import import_network
from endface_build.foreign.yolo import Thresholds
from endface_build.manifest import MODEL_FILE, read_manifest

Write = Callable[..., Path]

MAP = {"dust": "contamination", "core dip": "ignore"}
RANDOM = (
    "gray = ReduceMean <axes = [1]> (image) chance = RandomNormalLike (gray) none = Sub (gray, gray)"
    " out = Concat <axis = 1> (none, chance)"
)
OWN_NAMES = (
    "labels = ReduceMean <axes = [1]> (image) square = Neg (labels) confidence = Sub (labels, labels)"
    " out = Concat <axis = 1> (confidence, labels, square)"
)


@pytest.fixture
def best(tmp_path: Path, write_yolo: Write) -> Path:
    """A YOLO network that sees a speck of dust on every face."""
    return write_yolo(tmp_path / "best.onnx", [(0, 0.9, (8.0, 8.0, 16.0, 16.0), [1.0])], ("dust", "core dip"))


def test_candidate(tmp_path: Path, best: Path, write_map: Write) -> None:
    """The manifest names the network, its file, classes and thresholds, and what the proof saw; the graph is plain."""
    manifest = import_network(best, write_map(MAP), tmp_path / "out", thresholds=Thresholds(0.05, 0.6))
    model = onnx.load(tmp_path / "out" / MODEL_FILE)

    assert read_manifest(tmp_path / "out") == manifest
    assert manifest["name"] == Network(tmp_path / "out" / MODEL_FILE).info.name == "best"
    assert manifest["source"] == {
        "file": "best.onnx",
        "sha256": sha256_of(best),
        "kind": "yolo",
        "confidence": 0.05,
        "overlap": 0.6,
        "classes": {"dust": "contamination", "core dip": "background"},
    }
    assert manifest["proof"]["labelled_px"] == {"scratch": 0, "pit": 0, "contamination": 3 * 64 * 64, "chip": 0}
    assert [entry.domain for entry in model.opset_import] == [""]  # no engine needs a decoder of ours
    assert [value.name for value in model.graph.input] == ["SQUARE"]
    assert [value.name for value in model.graph.output] == ["LABELS", "CONFIDENCE"]
    onnx.checker.check_model(model, full_check=True)


def test_the_same_file_twice(tmp_path: Path, best: Path, write_map: Write) -> None:
    """The same network and map give the same bytes, whatever the network is called."""
    for folder in ("a", "b"):
        manifest = import_network(best, write_map(MAP), tmp_path / folder, name=f"line {folder}")
        assert manifest["name"] == f"line {folder}"

    assert (tmp_path / "a" / MODEL_FILE).read_bytes() == (tmp_path / "b" / MODEL_FILE).read_bytes()


def test_what_a_yolo_network_leaves_open(tmp_path: Path, best: Path, write_map: Write) -> None:
    """What YOLO's own preprocessing decides cannot be set."""
    with pytest.raises(ConfigurationError, match=r"is a YOLO network.*leave all but"):
        import_network(best, write_map(MAP, "[input]\nmean = 0.5"), tmp_path / "out")


def test_thresholds_of_another_network(tmp_path: Path, write_segmenter: Write, write_map: Write) -> None:
    """A network without objects has no thresholds."""
    path = write_segmenter(tmp_path / "unet.onnx", OWN_NAMES)
    classes = write_map({"0": "background", "1": "pit", "2": "chip"})
    with pytest.raises(ConfigurationError, match="no YOLO network: leave --confidence"):
        import_network(path, classes, tmp_path / "out", thresholds=Thresholds())


def test_names_of_the_wrapping(tmp_path: Path, write_segmenter: Write, write_map: Write) -> None:
    """Names in a network that are those of the wrapping disturb nothing."""
    path = write_segmenter(tmp_path / "unet.onnx", OWN_NAMES)
    import_network(path, write_map({"0": "background", "1": "pit", "2": "chip"}), tmp_path / "out")

    found, _ = Network(tmp_path / "out" / MODEL_FILE).segment(np.full((2, 1, 512, 512), 255, np.uint8))
    assert (found == Label.PIT).all()


def test_failed_proof_leaves_the_former_candidate(
    tmp_path: Path, best: Path, write_segmenter: Write, write_map: Write
) -> None:
    """A network whose answer depends on more than the face is refused, and what was there before is there still."""
    before = import_network(best, write_map(MAP), tmp_path / "out")
    path = write_segmenter(tmp_path / "unet.onnx", RANDOM)
    with pytest.raises(ConfigurationError, match="nothing in it may be random"):
        import_network(path, write_map({"0": "background", "1": "pit"}), tmp_path / "out")

    assert read_manifest(tmp_path / "out") == before


@pytest.mark.parametrize("number", [2, 255, -1])
def test_class_number_out_of_range(tmp_path: Path, write_segmenter: Write, write_map: Write, number: int) -> None:
    """A class number that the map does not know stops the import: it never passes as background."""
    path = write_segmenter(
        tmp_path / "unet.onnx",
        f"gray = ReduceMean <axes = [1], keepdims = 0> (image) same = Constant <value_float = {float(number)}> ()"
        " none = Sub (gray, gray) all = Add (none, same) out = Cast <to = 7> (all)",
        gives="int64[1,h,w]",
    )
    with pytest.raises(ConfigurationError, match="every class number that it gives"):
        import_network(path, write_map({"0": "pit", "1": "background"}), tmp_path / "out")
    assert not (tmp_path / "out").exists()
