"""Provenance of a record (commit, time and machine), and the file that keeps it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from endface.files import write_whole

_PACKAGE: Final = Path(__file__).parent
_CHECKOUT: Final = _PACKAGE.parents[1]
_MAKES_A_NETWORK: Final = ("src", "client", "build", "model_repository")
"""Folders of the checkout whose files decide what a network becomes."""


def provenance(folder: Path = _CHECKOUT, *paths: str) -> dict[str, str]:
    """When this was made and from which commit; ``-dirty`` where files differ from it.

    Args:
        folder: The checkout, or a folder in it.
        paths: What to look at, from the folder on; nothing for everything that decides what a network becomes.
    """
    try:
        if folder == _CHECKOUT:  # an installed wheel may lie in another project's repository, which would answer
            _git("ls-files", "--error-unmatch", __file__, folder=_PACKAGE)
        changed = _git("status", "-s", "--", *(paths or _MAKES_A_NETWORK), folder=folder)
        commit = _git("rev-parse", "HEAD", folder=folder) + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        commit = "unknown"  # installed from a wheel
    return {"commit": commit, "created": datetime.now(UTC).isoformat(timespec="seconds")}


def _git(*arguments: str, folder: Path) -> str:
    """What git answers in a folder."""
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def write_json(path: Path, value: object) -> None:
    """Write a value as JSON, whole."""
    write_whole(path, (json.dumps(value, indent=1) + "\n").encode())


def machine() -> dict[str, Any]:
    """The processor, its cores, the system and Python."""
    return {
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu_name() -> str:
    """The processor's name, as far as the system gives one."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"
