"""What an export for another engine must prove before it is written."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from endface.engines.catalog import LITERT, OPENCV, network_file
from endface.errors import ConfigurationError, EndfaceError, EngineError
from endface.files import sha256_of
from endface_build.data.labelled import Labelled
from endface_build.evaluation.golden import Golden
from endface_build.export.quantize import FP32_FILE, source_of
from endface_build.export.variants import export_variant
from endface_build.manifest import MODEL_FILE, read_manifest, write_manifest


@pytest.fixture
def version(repository: Path, served: Path, tmp_path: Path) -> Path:
    """A copy of the project's network, in float."""
    manifest = read_manifest(repository / "segment" / "1")
    path = tmp_path / "version" / MODEL_FILE
    path.parent.mkdir()
    shutil.copyfile(served, path)
    manifest.pop("quantization", None)
    write_manifest(path.parent, manifest | {"file": MODEL_FILE, "sha256": sha256_of(path)})
    return path.parent


@pytest.fixture
def pictures(samples: list[Path]) -> list[Golden]:
    """One picture to prove a network on."""
    picture = next(path for path in samples if path.name == "scratched.jpg")
    return [Golden(picture.name, picture.read_bytes(), "mm-pc")]


def test_writes_where_the_engine_looks(version: Path, pictures: list[Golden]) -> None:
    """The file lies in its engine's folder and says which network it was made from, and what it was proven on."""
    manifest = export_variant(OPENCV, version, pictures=pictures)

    assert network_file(version, OPENCV) == version / "opencv" / "model.onnx"
    assert read_manifest(version / "opencv") == manifest
    assert manifest["from_sha256"] == sha256_of(version / MODEL_FILE)
    assert manifest["parity"]["pictures"] == 1
    assert manifest["parity"]["labels_equal"] >= 0.9995


def test_goes_from_the_network_in_float(version: Path, pictures: list[Golden]) -> None:
    """Beside a quantized network lies the one that it was made from; that one is exported."""
    shutil.copyfile(version / MODEL_FILE, version / FP32_FILE)
    (version / MODEL_FILE).write_bytes(b"eight bits")
    quantization = {"from_sha256": sha256_of(version / FP32_FILE)}
    manifest = {"name": "segment", "version": "1", "file": MODEL_FILE, "sha256": sha256_of(version / MODEL_FILE)}
    write_manifest(version, manifest | {"quantization": quantization})

    assert export_variant(OPENCV, version, pictures=pictures)["from_sha256"] == quantization["from_sha256"]


def test_refuses_another_network_in_float(version: Path) -> None:
    """A file that is not the manifest's is not exported."""
    manifest = read_manifest(version)
    (version / MODEL_FILE).write_bytes(b"another")

    with pytest.raises(ConfigurationError, match="not the network in float"):
        source_of(version, manifest)


def test_writes_nothing_that_disagrees(version: Path, pictures: list[Golden]) -> None:
    """An engine that does not reach its parity gets no file."""
    with pytest.raises(ConfigurationError, match=r"at least 1\.01 wanted.*Nothing was written"):
        export_variant(OPENCV, version, pictures=pictures, least_equal=1.01)

    assert not (version / "opencv").exists()


def test_pictures_that_prove_nothing(version: Path, wall: Labelled) -> None:
    """Where no picture can be judged the message names no option, for `export` has none for pictures."""
    with pytest.raises(EndfaceError, match="No golden picture can be judged") as caught:
        export_variant(OPENCV, version, pictures=[Golden(wall.name, wall.data, "mm-pc")])

    assert "--" not in str(caught.value)


def test_without_litert_says_what_to_install(version: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The format is LiteRT's own, so its package must be there."""
    for module in ("ai_edge_litert", "endface_build.export.to_litert", "endface_build.export.tflite_file"):
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(EngineError, match=r"pip install '\.\[litert\]'"):
        export_variant(LITERT, version)
