from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from endface.engines import variant
from endface.errors import ConfigurationError


def write(folder: Path, file: str, **manifest: Any) -> None:
    """A file and its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(b"network")
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_finds_what_was_made_from_the_version(tmp_path: Path) -> None:
    """OpenCV's and LiteRT's files lie in folders of their own."""
    write(tmp_path, "model.onnx", sha256="a")
    write(tmp_path / "opencv", "model.onnx", from_sha256="a")
    write(tmp_path / "litert", "model.tflite", from_sha256="a")

    assert variant.find(tmp_path, "onnxruntime") == tmp_path / "model.onnx"
    assert variant.find(tmp_path, "opencv") == tmp_path / "opencv" / "model.onnx"
    assert variant.find(tmp_path, "litert") == tmp_path / "litert" / "model.tflite"


def test_a_quantised_version_goes_by_its_network_in_float(tmp_path: Path) -> None:
    """Quantising anew does not make the other engines' files old."""
    write(tmp_path, "model.onnx", sha256="b", quantization={"from_sha256": "a"})
    write(tmp_path / "opencv", "model.onnx", from_sha256="a")

    assert variant.find(tmp_path, "opencv").is_file()


def test_says_how_to_make_what_is_missing(tmp_path: Path) -> None:
    """The sentence holds the command, ready to be copied."""
    write(tmp_path, "model.onnx", sha256="a")

    with pytest.raises(ConfigurationError, match=rf"export --format tflite --model {tmp_path}"):
        variant.find(tmp_path, "litert")


def test_refuses_a_file_of_another_network(tmp_path: Path) -> None:
    """After a new training the old network must not go on judging unseen."""
    write(tmp_path, "model.onnx", sha256="new")
    write(tmp_path / "opencv", "model.onnx", from_sha256="old")

    with pytest.raises(ConfigurationError, match=r"made from another network.*export --format opencv"):
        variant.find(tmp_path, "opencv")


@pytest.mark.parametrize("text", ["", "[]"])
def test_refuses_a_broken_manifest(tmp_path: Path, text: str) -> None:
    """A manifest that says nothing is no proof."""
    write(tmp_path, "model.onnx", sha256="a")
    write(tmp_path / "opencv", "model.onnx")
    (tmp_path / "opencv" / "manifest.json").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=r"manifest\.json (cannot be read|is no JSON object)"):
        variant.find(tmp_path, "opencv")
