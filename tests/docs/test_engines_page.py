"""The page of engines is run: its commands as printed, as far as a machine without a GPU goes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from endface.engines.plan import NOT_VERIFIED, PLAN_FILE, PlanManifest
from endface.engines.tensorrt_library import Machine
from tests.servers import free_ports, port_options

PAGE = "docs/engines.md"


@pytest.fixture(scope="module")
def place(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model repository of its own, in which the commands run."""
    if find_spec("tensorrt_rtx_bindings") is None:
        pytest.skip("TensorRT for RTX is not installed; it is the extra rtx")
    if Machine.here("tensorrt_rtx").gpu is not None:
        pytest.skip("this machine has a GPU, where the commands serve until they are stopped")
    folder = tmp_path_factory.mktemp("engines")
    ignored = shutil.ignore_patterns("__pycache__", PLAN_FILE, "plan.json", "2")  # the page prints version 1
    shutil.copytree(project / "model_repository", folder / "model_repository", ignore=ignored)
    return folder


def starting(commands: list[str], start: str) -> str:
    """The only command that begins so."""
    (found,) = (command for command in commands if command.startswith(start))
    return found


def run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line in a folder, on the repository there, with the commands of this environment."""
    program, *arguments = line.split()
    installed = Path(sys.executable).with_name(program)
    environment = os.environ | {"ENDFACE_REPOSITORY": str(folder / "model_repository")}
    return subprocess.run(
        [installed, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_plan_is_built_as_printed(page: str, commands: list[str], place: Path) -> None:
    """The first command leaves a plan and a manifest that says that no device has seen it."""
    ran = run(starting(commands, "endface-build plan"), place)

    assert ran.returncode == 0, ran.stderr
    manifest = PlanManifest.load(place / "model_repository" / "segment" / "1")
    assert (manifest.runtime, manifest.precision, manifest.verified) == ("tensorrt_rtx", "fp16", False)
    assert NOT_VERIFIED in page


def test_server_says_what_the_page_says(page: str, commands: list[str], place: Path) -> None:
    """Without a GPU the engine ends with status 2 and the sentence on the page."""
    printed = starting(commands, "endface serve --engine tensorrt_rtx")
    ran = run(" ".join([printed, "--repository=model_repository", *port_options(free_ports())]), place)
    (said,) = re.findall(r"```\n(endface serve: .*?)\n```", page)

    assert ran.returncode == 2
    assert " ".join(said.split()) in " ".join(ran.stderr.split())


def test_job_provides_a_repository_as_printed(commands: list[str], place: Path) -> None:
    """The container's job, with the runtime that compiles without a GPU, makes a repository with a plan."""
    line = starting(commands, "endface-build provision").replace("/plans", "plans").replace("tensorrt", "tensorrt_rtx")
    ran = run(line, place)

    assert ran.returncode == 0, ran.stderr
    assert (place / "plans" / "segment" / "1" / PLAN_FILE).is_file()
