"""The manifest beside a network: what it is, how it was made, how good it is."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

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
    write_whole(folder / MANIFEST_FILE, (json.dumps(values, indent=2) + "\n").encode())


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
