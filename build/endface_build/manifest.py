"""The manifest beside a network: what it is, how it was made, how good it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from endface import contract
from endface.engines import manifest
from endface.files import write_whole

MODEL_FILE = manifest.MODEL_FILE
MANIFEST_FILE = manifest.MANIFEST_FILE


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in a folder, once it is sure that it describes the network beside it.

    Raises:
        ConfigurationError: It is missing or cannot be read, or its network is missing or another one.
    """
    values = manifest.read_manifest(folder)
    manifest.read_verified(folder / str(values.get("file", MODEL_FILE)), str(values["sha256"]))
    return values


def write_manifest(folder: Path, values: dict[str, Any]) -> None:
    """Write the manifest into a folder, whole."""
    write_whole(folder / MANIFEST_FILE, as_bytes(values))


def as_bytes(values: dict[str, Any]) -> bytes:
    """The content of a manifest's file."""
    return (json.dumps(values, indent=2) + "\n").encode()


def tensors() -> dict[str, list[dict[str, Any]]]:
    """The contract's inputs and outputs with the batch axis, for a manifest."""
    sides = {"inputs": contract.SEGMENT.inputs, "outputs": contract.SEGMENT.outputs}
    return {
        side: [{"name": each.name, "datatype": each.datatype, "shape": [-1, *each.dims]} for each in specs]
        for side, specs in sides.items()
    }
