from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from endface.server.workspace import SHARED_MEMORY, Workspace

from .conftest import runs

KILLED = """
import os, subprocess, sys
from endface.server.workspace import Workspace
workspace = Workspace()
marked = os.environ | workspace.variables
children = [
    subprocess.Popen(["sleep", "600"], stdout=-3, env=marked, start_new_session=kind == "leader")
    for kind in sys.argv[1:]
]
open(f"/dev/shm/{workspace.shared_memory_prefix}region", "w").close()
print(workspace.path, *(child.pid for child in children), flush=True)
os.kill(os.getpid(), 9)
"""


def killed(*children: str) -> tuple[Path, Path, list[int]]:
    """A process that was killed with a workspace: the folder, a shared memory region, and its children."""
    output = subprocess.run([sys.executable, "-c", KILLED, *children], stdout=subprocess.PIPE, text=True, check=False)
    path, *pids = output.stdout.split()
    return Path(path), SHARED_MEMORY / f"{Path(path).name}region", list(map(int, pids))


@pytest.fixture
def workspace() -> Iterator[Workspace]:
    """A workspace."""
    made = Workspace()
    yield made
    made.remove()


def test_is_removed_with_its_shared_memory() -> None:
    """Nothing stays behind."""
    workspace = Workspace()
    region = SHARED_MEMORY / f"{workspace.shared_memory_prefix}region"
    region.touch()

    workspace.remove()

    assert not region.exists()
    assert not workspace.path.exists()


def test_is_out_of_reach_of_cleaners(workspace: Workspace) -> None:
    """Temporary files are removed by age, and a unit with PrivateTmp gets new ones; shared memory is neither."""
    assert workspace.path.parent == Path("/dev/shm")
    assert workspace.path.stat().st_mode & 0o777 == 0o700


def test_remains_of_the_dead_are_removed() -> None:
    """Folder, shared memory and stubs of a server whose starter was killed go at the next start."""
    path, region, stubs = killed("stub", "stub")
    assert path.is_dir()
    assert all(map(runs, stubs))

    Workspace().remove()

    assert not path.exists()
    assert not region.exists()
    assert not any(map(runs, stubs))


def test_server_that_is_still_ending_is_waited_for() -> None:
    """A Triton whose starter was killed finishes what is under way; then its ports are free."""
    path, _, (leader,) = killed("leader")
    waiting = subprocess.Popen(
        [sys.executable, "-c", "from endface.server.workspace import Workspace; Workspace().remove()"]
    )
    assert runs(leader)

    os.kill(leader, signal.SIGTERM)

    assert waiting.wait() == 0
    assert not path.exists()


def test_servers_that_start_together_wait_for_the_same_one() -> None:
    """One of them removes what is left, the others wait for it: else they found the ports taken."""
    program = """
import psutil, sys
from endface.server.workspace import Workspace
print("begins", flush=True)
Workspace().remove()
print(psutil.pid_exists(int(sys.argv[1])) and psutil.Process(int(sys.argv[1])).status() != "zombie")
"""
    _, _, (leader,) = killed("leader")
    command = [sys.executable, "-c", program, str(leader)]
    starting = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for each in starting:
        assert each.stdout is not None
        assert each.stdout.readline() == "begins\n"

    os.kill(leader, signal.SIGTERM)

    assert [each.communicate()[0] for each in starting] == ["False\n"] * 3


def test_folder_of_the_living_stays(workspace: Workspace) -> None:
    """Servers side by side leave each other alone, in one process, too."""
    second = Workspace()

    assert workspace.path.is_dir()
    second.remove()
    assert workspace.path.is_dir()


def test_folders_of_others_stay() -> None:
    """A folder without an owner is none of ours, whatever its name."""
    other = SHARED_MEMORY / f"endface-mine-{os.getpid()}"
    other.mkdir()

    Workspace().remove()

    assert other.is_dir()
    other.rmdir()


def test_removed_folder_is_made_anew(workspace: Workspace) -> None:
    """Under its name, with its lock: the next server leaves it alone."""
    assert not workspace.restore()
    shutil.rmtree(workspace.path)

    assert workspace.restore()
    assert workspace.busy_markers.is_dir()
    Workspace().remove()
    assert workspace.path.is_dir()


def test_stages_read_a_copy_of_the_users_profiles() -> None:
    """What the folder holds is told to the server's processes, and made anew when somebody removes it."""
    workspace = Workspace({"plant-7.toml": b"limits"})
    try:
        assert workspace.variables["ENDFACE_PROFILES"] == str(workspace.profiles)
        assert workspace.profiles is not None
        shutil.rmtree(workspace.profiles)

        assert workspace.restore()
        assert (workspace.profiles / "plant-7.toml").read_bytes() == b"limits"
        assert not workspace.restore()
    finally:
        workspace.remove()
