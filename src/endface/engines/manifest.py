"""The manifest beside a network, and the folders of its versions.

segment/1/model.onnx     a version of the network
segment/1/manifest.json  its name, version and SHA-256, how it was made and how good it is
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from endface import files
from endface.errors import ConfigurationError
from endface.report import ModelInfo

MODEL_FILE: Final = "model.onnx"
"""The network in the folder of a version; Triton's own name for it."""

MANIFEST_FILE: Final = "manifest.json"
"""The manifest beside a network."""

MADE_FROM: Final = "from_sha256"
"""Key for the SHA-256 of the network in float that a network was made from."""

REPAIR: Final = "restore the file from version control, or write it anew with `endface-build export`"
"""The end of a sentence about a network that is missing or broken."""

_IDENTITY: Final = ("name", "version", "sha256")


def newest_version(directory: Path) -> int:
    """The version that Triton serves once it has loaded it: the largest number.

    Args:
        directory: the model's folder in the repository, with its numbered versions.

    Raises:
        ConfigurationError: no version is there.
    """
    versions = [int(entry.name) for entry in directory.iterdir() if entry.name.isdigit()] if directory.is_dir() else []
    if not versions:
        raise ConfigurationError(f"no version of the network in {directory}; {REPAIR}")
    return max(versions)


def newest_folder(directory: Path) -> Path:
    """The folder of the newest version.

    Args:
        directory: the model's folder in the repository, with its numbered versions.

    Raises:
        ConfigurationError: no version is there.
    """
    return directory / str(newest_version(directory))


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in a folder.

    Raises:
        ConfigurationError: it is missing, cannot be read, or does not say which network it describes.
    """
    path = folder / MANIFEST_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ConfigurationError(f"the network's manifest {path} is missing; {REPAIR}") from exc
    except (OSError, ValueError) as exc:
        raise ConfigurationError(f"the network's manifest {path} cannot be read ({exc}); {REPAIR}") from exc
    missing = _IDENTITY if not isinstance(values, dict) else [key for key in _IDENTITY if key not in values]
    if missing:
        raise ConfigurationError(f"the network's manifest {path} lacks {', '.join(missing)}; {REPAIR}")
    return dict(values)


def describe(directory: Path, engine: str) -> ModelInfo:
    """Which network the newest version is, without loading it.

    Args:
        directory: the model's folder in the repository, with its numbered versions.
        engine: name of the engine that runs it.

    Raises:
        ConfigurationError: no version is there, or its manifest cannot be read.
    """
    return identify(newest_folder(directory), engine)


def identify(folder: Path, engine: str) -> ModelInfo:
    """Which network a version is, without loading it.

    Args:
        folder: the version's folder, with the network's manifest.
        engine: name of the engine that runs it.

    Raises:
        ConfigurationError: its manifest cannot be read.
    """
    values = read_manifest(folder)
    return ModelInfo(str(values["name"]), str(values["version"]), engine, str(values["sha256"]))


def read_verified(path: Path, sha256: str) -> bytes:
    """The bytes of a network, verified against its manifest.

    Args:
        path: the file.
        sha256: what its manifest says.

    Raises:
        ConfigurationError: it is missing, or another one.
    """
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"the network {path} is missing; {REPAIR}") from exc
    if files.sha256(content) != sha256:
        raise ConfigurationError(f"the network {path} is not the file that its manifest describes; {REPAIR}")
    return content


def float_sha256(manifest: Mapping[str, Any]) -> str | None:
    """SHA-256 of the network in float that a version's network is, or was quantized from."""
    quantization = manifest.get("quantization")
    sha256: str | None = quantization.get(MADE_FROM) if quantization else manifest.get("sha256")
    return sha256
