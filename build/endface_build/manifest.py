"""The manifest beside a network: what it is, how it was made, how good it is."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
    write_whole(folder / MANIFEST_FILE, (json.dumps(manifest, indent=2) + "\n").encode())


def provenance(folder: Path = Path(__file__).parent, *paths: str) -> dict[str, str]:
    """When this was made and from which commit; ``-dirty`` where files differ from it.

    Args:
        folder: In the checkout; by default this package, the files of which are then looked at.
        paths: Look at these instead, from the folder on.
    """
    try:
        changed = _git("status", "-s", "--", *(paths or (".",)), folder=folder)
        commit = _git("rev-parse", "HEAD", folder=folder) + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"  # installed from a wheel
    return {"commit": commit, "created": datetime.now(UTC).isoformat(timespec="seconds")}


def _git(*arguments: str, folder: Path) -> str:
    """What git answers in a folder."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
