"""The manifest beside a network: what it is, how it was made, how good it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from endface import contract
from endface.errors import ConfigurationError
from endface.files import sha256_of, write_whole

MODEL_FILE = "model.onnx"
MANIFEST_FILE = "manifest.json"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in a folder.

    Raises:
        ConfigurationError: It is missing or not JSON, or its network is missing or another one.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text())
        sha256, network = manifest["sha256"], folder / manifest["file"]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ConfigurationError(f"No usable manifest in {folder}: make it with `endface-build export`.") from exc
    if not network.is_file():
        raise ConfigurationError(f"There is no network {network}: make it with `endface-build export`.")
    if sha256 != sha256_of(network):
        raise ConfigurationError(f"{path} describes another network than the one beside it: export it anew.")
    return dict(manifest)


def write_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest into a folder, whole."""
    write_whole(folder / MANIFEST_FILE, as_bytes(manifest))


def as_bytes(manifest: dict[str, Any]) -> bytes:
    """The content of a manifest's file."""
    return (json.dumps(manifest, indent=2) + "\n").encode()


def tensors() -> dict[str, list[dict[str, Any]]]:
    """The contract's inputs and outputs with the batch axis, for a manifest."""
    sides = {"inputs": contract.SEGMENT.inputs, "outputs": contract.SEGMENT.outputs}
    return {
        side: [{"name": each.name, "datatype": each.datatype, "shape": [-1, *each.dims]} for each in specs]
        for side, specs in sides.items()
    }
