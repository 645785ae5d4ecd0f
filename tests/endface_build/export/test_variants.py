"""What an export for another engine must prove before it is written."""

from __future__ import annotations

import shutil
import sys

import pytest

from endface.engines import variant
from endface.errors import ConfigurationError, EngineError
from endface.files import sha256_of
from endface_build.evaluation.golden import of_folder
from endface_build.export import variants
from endface_build.export.quantize import FP32_FILE, source_of
from endface_build.export.variants import export_variant
from endface_build.manifest import MODEL_FILE, read_manifest, write_manifest


@pytest.fixture
def version(repository, tmp_path):
    """A copy of the project's network, in float."""
    source = repository / "segment" / "1"
    manifest = read_manifest(source)
    path = tmp_path / "version" / MODEL_FILE
    path.parent.mkdir()
    shutil.copyfile(source_of(source, manifest), path)
    manifest.pop("quantization", None)
    write_manifest(path.parent, manifest | {"file": MODEL_FILE, "sha256": sha256_of(path)})
    return path.parent


@pytest.fixture
def pictures(samples, tmp_path):
    """One picture to prove a network on."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(next(path for path in samples if path.name == "scratched.jpg"), folder)
    return of_folder(folder, "mm-pc")


def test_writes_where_the_engine_looks(version, pictures):
    """The file lies in its engine's folder and says which network it was made from, and what it was proven on."""
    manifest = export_variant(variant.OPENCV, version, pictures=pictures)

    assert variant.find(version, variant.OPENCV) == version / "opencv" / "model.onnx"
    assert read_manifest(version / "opencv") == manifest
    assert manifest["from_sha256"] == sha256_of(version / MODEL_FILE)
    assert manifest["parity"]["pictures"] == 1
    assert manifest["parity"]["labels_equal"] >= 0.9995


def test_goes_from_the_network_in_float(version, pictures):
    """Beside a quantised network lies the one that it was made from; that one is exported."""
    shutil.copyfile(version / MODEL_FILE, version / FP32_FILE)
    (version / MODEL_FILE).write_bytes(b"eight bits")
    quantization = {"from_sha256": sha256_of(version / FP32_FILE)}
    manifest = {"name": "segment", "version": "1", "file": MODEL_FILE, "sha256": sha256_of(version / MODEL_FILE)}
    write_manifest(version, manifest | {"quantization": quantization})

    assert export_variant(variant.OPENCV, version, pictures=pictures)["from_sha256"] == quantization["from_sha256"]


def test_refuses_another_network_in_float(version):
    """A file that is not the manifest's is not exported."""
    manifest = read_manifest(version)
    (version / MODEL_FILE).write_bytes(b"another")

    with pytest.raises(ConfigurationError, match="not the network in float"):
        source_of(version, manifest)


def test_writes_nothing_that_disagrees(version, pictures, monkeypatch):
    """An engine that does not reach its parity gets no file."""
    monkeypatch.setattr(variants, "PARITY", {variant.OPENCV: 1.01})

    with pytest.raises(ConfigurationError, match=r"at least 1\.01 wanted.*Nothing was written"):
        export_variant(variant.OPENCV, version, pictures=pictures)

    assert not (version / "opencv").exists()


def test_without_litert_says_what_to_install(version, monkeypatch):
    """The format is LiteRT's own, so its package must be there."""
    for module in ("ai_edge_litert", "endface_build.export.to_litert", "endface_build.export.tflite_file"):
        monkeypatch.setitem(sys.modules, module, None)

    with pytest.raises(EngineError, match=r"pip install 'endface\[litert\]'"):
        export_variant(variant.LITERT, version)
