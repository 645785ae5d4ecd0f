"""An environment for each peer: the requirements of two frameworks may exclude each other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.common.errors import BenchmarkError, last_words
from benchmarks.common.origin import ROOT
from endface.files import write_whole

SHARED: Final = ("numpy", "onnxruntime", "opencv-python-headless", "orjson", "pillow")
"""What does the work: of the same version in every environment, so that frameworks are compared and nothing else."""

RunCommand = Callable[[list[str]], str]

_PIP: Final = ("-m", "pip", "--disable-pip-version-check")
_STAMP: Final = "stamp.txt"


def run_command(command: list[str]) -> str:
    """Output of a command.

    Raises:
        BenchmarkError: it failed; its last words are in the message.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"`{' '.join(command)}` failed; it said: {last_words(done.stderr)}")
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """Environment of a peer.

    Attributes:
        python: Its interpreter.
        folder: What belongs to the peer on this machine: the environment itself, and what the server writes.
    """

    python: Path
    folder: Path

    @property
    def log(self) -> Path:
        """What the server writes."""
        return self.folder / "server.log"

    def versions(self, names: Iterable[str]) -> dict[str, str]:
        """Versions of packages; those that are not installed are left out."""
        listed = json.loads(run_command([str(self.python), *_PIP, "list", "--format=json"]))
        installed = {each["name"].lower(): each["version"] for each in listed}
        return {name: installed[name.lower()] for name in names if name.lower() in installed}


def prepare(folder: Path, requirements: Path | None, run: RunCommand = run_command) -> Environment:
    """Make a peer's environment, or take the one that was made of the same requirements.

    Args:
        folder: where it lies.
        requirements: the peer's own, a file of pip; None for the environment that this runs in.
        run: runs a command and gives what it wrote.

    Raises:
        BenchmarkError: something cannot be installed; pip's last words are in the message.
    """
    if requirements is None:
        return Environment(Path(sys.executable), folder)
    python = folder / "bin" / "python"
    pinned = [f"{name}=={version(name)}" for name in SHARED]
    stamp = "\n".join([sys.version, str(ROOT), *pinned, requirements.read_text(encoding="utf-8")])
    if not (folder / _STAMP).is_file() or (folder / _STAMP).read_text(encoding="utf-8") != stamp:
        run([sys.executable, "-m", "venv", "--clear", str(folder)])
        install = ("install", "--quiet", "--requirement", str(requirements), "--editable", f"{ROOT}[onnxruntime]")
        run([str(python), *_PIP, *install, *pinned])
        write_whole(folder / _STAMP, stamp.encode())
    return Environment(python, folder)
