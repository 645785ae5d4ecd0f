from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from endface.server.workspace import Workspace

KILLED = """
import os, subprocess, sys
from endface.server.workspace import Workspace
workspace = Workspace()
child = subprocess.Popen(["sleep", "60"], stdout=-3, pass_fds=[workspace.lock]) if "child" in sys.argv else None
open(f"/dev/shm/{workspace.shared_memory_prefix}region", "w").close()
print(workspace.path, child.pid if child else 0, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files of its own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def killed(*words: str) -> tuple[Path, Path, int]:
    """A process that was killed with a workspace: the folder, a shared memory region, and its child if wanted."""
    output = subprocess.run([sys.executable, "-c", KILLED, *words], stdout=subprocess.PIPE, text=True, check=False)
    path, child = output.stdout.split()
    return Path(path), Path("/dev/shm") / f"{Path(path).name}region", int(child)


def test_is_removed_with_its_shared_memory(temporary: Path) -> None:
    """Nothing stays behind."""
    workspace = Workspace()
    region = Path("/dev/shm") / f"{workspace.shared_memory_prefix}region"
    region.touch()

    workspace.remove()

    assert not region.exists()
    assert list(temporary.iterdir()) == []


def test_remains_of_the_dead_are_removed() -> None:
    """Folder and shared memory of a process that was killed go at the next start."""
    path, region, _ = killed()
    assert path.is_dir()
    assert region.exists()

    workspace = Workspace()

    assert not path.exists()
    assert not region.exists()
    workspace.remove()


def test_folder_of_the_living_stays() -> None:
    """Servers side by side leave each other alone, in one process, too."""
    first, second = Workspace(), Workspace()

    assert first.path.is_dir()
    first.remove()
    second.remove()


def test_folder_stays_while_the_server_outlives_its_starter() -> None:
    """The server's own processes hold the lock as well: a server that is still ending is not robbed."""
    path, region, child = killed("child")
    Workspace().remove()
    assert path.is_dir()
    assert region.exists()

    os.kill(child, 9)
    while path.exists():  # the lock goes when the child is gone
        Workspace().remove()
    assert not region.exists()


def test_folders_of_others_stay(temporary: Path) -> None:
    """A folder without an owner is none of ours, whatever its name."""
    (temporary / "endface-mine").mkdir()

    Workspace().remove()

    assert (temporary / "endface-mine").is_dir()
