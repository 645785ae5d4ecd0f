from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.engines.manifest import describe, float_sha256, read_manifest, read_verified
from endface.errors import ConfigurationError
from endface.files import sha256

Write = Callable[..., Path]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "is missing"),
        ("", "cannot be read"),
        ("\x00", "cannot be read"),
        ("[]", "lacks name, version, sha256"),
        ("{}", "lacks name, version, sha256"),
        ('{"name": "segment", "version": "1"}', "lacks sha256"),
    ],
)
def test_broken_manifest_is_named(tmp_path: Path, text: str | None, reason: str) -> None:
    """The message names the file, says what is wrong with it, and which command writes it anew."""
    if text is not None:
        (tmp_path / "manifest.json").write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match=rf"manifest\.json {reason}.*endface-build export"):
        read_manifest(tmp_path)


def test_newest_version_is_the_largest_number(tmp_path: Path, write_network: Write) -> None:
    """Versions are numbers: 10 is newer than 9, and it shows as soon as it is there."""
    write_network(tmp_path, version=9)
    assert describe(tmp_path, "tensorrt").version == "9"

    write_network(tmp_path, version=10)
    (tmp_path / "configs").mkdir()

    assert describe(tmp_path, "tensorrt").version == "10"
    assert describe(tmp_path, "tensorrt").engine == "tensorrt"


@pytest.mark.parametrize("folder", [".", "missing"])
def test_folder_without_a_version_is_refused(tmp_path: Path, folder: str) -> None:
    """A report that cannot name its network is a fault of the installation."""
    with pytest.raises(ConfigurationError, match="no version of the network"):
        describe(tmp_path / folder, "onnxruntime")


def test_only_the_described_file_is_read(tmp_path: Path) -> None:
    """A network that is missing or changed is refused."""
    path = tmp_path / "model.onnx"
    with pytest.raises(ConfigurationError, match=r"model\.onnx is missing.*endface-build export"):
        read_verified(path, sha256(b"network"))

    path.write_bytes(b"network")
    assert read_verified(path, sha256(b"network")) == b"network"

    path.write_bytes(b"network\0")
    with pytest.raises(ConfigurationError, match=r"not the file that its manifest describes.*endface-build export"):
        read_verified(path, sha256(b"network"))


@pytest.mark.parametrize(
    ("text", "source"),
    [('{"sha256": "a"}', "a"), ('{"sha256": "b", "quantization": {"from_sha256": "a"}}', "a"), ("{}", None)],
)
def test_quantized_network_names_its_source(text: str, source: str | None) -> None:
    """A network in float is its own source."""
    assert float_sha256(json.loads(text)) == source
