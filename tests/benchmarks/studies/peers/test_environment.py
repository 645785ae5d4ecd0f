"""An environment for each peer."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.studies.peers.environment import SHARED, prepare, run_command
from benchmarks.studies.peers.peer import PEERS


class Recorder(list[list[str]]):
    """Takes commands instead of running them."""

    def __call__(self, command: list[str]) -> str:
        """Say nothing."""
        self.append(command)
        return ""


def test_environment_is_kept_until_its_requirements_change(tmp_path: Path) -> None:
    """It is made once; other requirements make it anew."""
    commands = Recorder()
    requirements, folder = tmp_path / "requirements.txt", tmp_path / "mosec"
    requirements.write_text("mosec>=0.9\n")

    made = prepare(folder, requirements, commands)
    once = len(commands)
    prepare(folder, requirements, commands)
    again = len(commands)
    requirements.write_text("mosec>=0.10\n")
    prepare(folder, requirements, commands)

    assert made.python == folder / "bin" / "python"
    assert (once, again, len(commands)) == (2, 2, 4)


def test_every_peer_says_what_it_needs() -> None:
    """Its requirements lie in its folder."""
    assert [peer.name for peer in PEERS if not (peer.requirements and peer.requirements.is_file())] == []


def test_what_does_the_work_is_the_same_everywhere(tmp_path: Path) -> None:
    """numpy, OpenCV and the like have the versions of this environment, whatever a peer would like."""
    commands = Recorder()
    (tmp_path / "requirements.txt").write_text("mosec\n")

    prepare(tmp_path / "mosec", tmp_path / "requirements.txt", commands)

    assert {f"{name}=={version(name)}" for name in SHARED} <= set(commands[-1])


def test_endface_runs_where_this_runs(tmp_path: Path) -> None:
    """Without requirements nothing is installed."""
    commands = Recorder()

    assert prepare(tmp_path, None, commands).python == Path(sys.executable)
    assert not commands


def test_failed_command_is_quoted() -> None:
    """What cannot be run says why."""
    with pytest.raises(BenchmarkError, match=r"failed; it said: .*no_such_module"):
        run_command([sys.executable, "-m", "no_such_module"])


def test_versions_of_what_is_installed(tmp_path: Path) -> None:
    """Packages are named with their versions, those that are missing are left out."""
    found = prepare(tmp_path, None).versions(["numpy", "no-such-package"])

    assert found == {"numpy": version("numpy")}
