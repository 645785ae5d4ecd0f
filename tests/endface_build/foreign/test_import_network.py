"""A network from outside becomes a version whole and proven, or not at all."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

from endface.contract import Label
from endface.engines.onnx_network import Network
from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface_build.foreign import import_network
from endface_build.foreign.import_network import import_segmentation, import_yolo
from endface_build.foreign.yolo_labels import Settings
from endface_build.manifest import MODEL_FILE, read_manifest

MAP = {"dust": "contamination", "core dip": "ignore"}
NAMES = ("dust", "core dip")
OBJECTS = [(0, 0.9, (8.0, 8.0, 16.0, 16.0), [1.0])]


@pytest.fixture
def best(tmp_path, write_yolo):
    """A YOLO network that sees a speck of dust on every face."""
    return write_yolo(tmp_path / "best.onnx", OBJECTS, NAMES)


def test_manifest_tells_where_it_comes_from(tmp_path, best, write_map):
    """The manifest names the network, its file, classes and settings, and what the proof saw."""
    manifest = import_yolo(best, write_map(MAP), tmp_path / "out", Settings(0.05, 0.6))

    assert read_manifest(tmp_path / "out") == manifest
    assert manifest["name"] == "best"
    assert manifest["sha256"] == sha256_of(tmp_path / "out" / MODEL_FILE)
    assert manifest["source"] == {
        "file": "best.onnx",
        "sha256": sha256_of(best),
        "kind": "yolo",
        "confidence": 0.05,
        "overlap": 0.6,
        "classes": {"dust": "contamination", "core dip": "background"},
    }
    assert manifest["proof"]["labelled_px"] == {"scratch": 0, "pit": 0, "contamination": 3 * 64 * 64, "chip": 0}
    assert Network(tmp_path / "out" / MODEL_FILE).info.name == "best"


def test_graph_is_standard(tmp_path, best, write_map):
    """The wrapped graph consists of ONNX's own operators, so that no engine needs a decoder of ours."""
    import_yolo(best, write_map(MAP), tmp_path / "out", Settings())
    model = onnx.load(tmp_path / "out" / MODEL_FILE)

    assert [entry.domain for entry in model.opset_import] == [""]
    assert [value.name for value in model.graph.input] == ["SQUARE"]
    assert [value.name for value in model.graph.output] == ["LABELS", "CONFIDENCE"]
    onnx.checker.check_model(model, full_check=True)


def test_the_same_file_twice(tmp_path, best, write_map):
    """The same network and map give the same bytes."""
    for folder in ("a", "b"):
        import_yolo(best, write_map(MAP), tmp_path / folder, Settings())

    assert (tmp_path / "a" / MODEL_FILE).read_bytes() == (tmp_path / "b" / MODEL_FILE).read_bytes()


def test_name_is_the_users(tmp_path, best, write_map):
    """Reports call the network what its owner calls it."""
    assert import_yolo(best, write_map(MAP), tmp_path / "out", Settings(), name="line 3")["name"] == "line 3"


def test_keys_of_the_other_command(tmp_path, best, write_map):
    """What YOLO's own preprocessing decides cannot be set."""
    with pytest.raises(ConfigurationError, match="the rest is for import-segmentation"):
        import_yolo(best, write_map(MAP, "[input]\nmean = 0.5"), tmp_path / "out", Settings())


def test_yolo_through_the_other_command(tmp_path, best, write_map):
    """A YOLO network is no semantic one, and a semantic one no YOLO network; both refusals name the way."""
    with pytest.raises(ConfigurationError, match="has outputs"):
        import_segmentation(best, write_map(MAP), tmp_path / "out")


def test_semantic_network_through_the_other_command(tmp_path, write_segmenter, write_map):
    """A semantic network is no YOLO network; the refusal names the other command."""
    path = write_segmenter(tmp_path / "unet.onnx", "out = Identity (image)")
    with pytest.raises(ConfigurationError, match="go through import-segmentation"):
        import_yolo(path, write_map(MAP), tmp_path / "out", Settings())


def test_network_that_plays_dice(tmp_path, write_segmenter, write_map):
    """A network whose answer depends on more than the face is refused, and nothing is written."""
    path = write_segmenter(
        tmp_path / "unet.onnx",
        "gray = ReduceMean <axes = [1]> (image) chance = RandomNormalLike (gray) none = Sub (gray, gray)"
        " out = Concat <axis = 1> (none, chance)",
    )
    with pytest.raises(ConfigurationError, match="nothing in it may be random"):
        import_segmentation(path, write_map({"0": "background", "1": "pit"}), tmp_path / "out")

    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", [2, 9, 255, -1])
def test_class_number_out_of_range(tmp_path, write_segmenter, write_map, number):
    """A class number that the map does not know stops the import: it never passes as background."""
    path = write_segmenter(
        tmp_path / "unet.onnx",
        f"gray = ReduceMean <axes = [1], keepdims = 0> (image) same = Constant <value_float = {float(number)}> ()"
        " none = Sub (gray, gray) all = Add (none, same) out = Cast <to = 7> (all)",
        gives="int64[1,h,w]",
    )
    with pytest.raises(ConfigurationError, match="every class number that it gives"):
        import_segmentation(path, write_map({"0": "pit", "1": "background"}), tmp_path / "out")


def test_crash_leaves_the_former_candidate(tmp_path, best, write_map, monkeypatch):
    """Where the proof fails, what lay in the folder before lies there still."""
    before = import_yolo(best, write_map(MAP), tmp_path / "out", Settings())
    monkeypatch.setattr(import_network, "_prove", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        import_yolo(best, write_map(MAP), tmp_path / "out", Settings(confidence=0.5))

    assert read_manifest(tmp_path / "out") == before


def test_names_of_the_wrapping(tmp_path, write_segmenter, write_map):
    """Names in a network that are those of the wrapping disturb nothing."""
    path = write_segmenter(
        tmp_path / "unet.onnx",
        "labels = ReduceMean <axes = [1]> (image) square = Neg (labels) confidence = Sub (labels, labels)"
        " out = Concat <axis = 1> (confidence, labels, square)",
    )
    import_segmentation(path, write_map({"0": "background", "1": "pit", "2": "chip"}), tmp_path / "out")

    found, _ = Network(tmp_path / "out" / MODEL_FILE).segment(np.full((2, 1, 512, 512), 255, np.uint8))
    assert (found == Label.PIT).all()
