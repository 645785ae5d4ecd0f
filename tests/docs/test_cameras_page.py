"""docs/cameras.md: its commands and its program run as printed, on drawn pictures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

from endface.errors import PictureError
from endface.server.process import EmbeddedServer
from endface.telemetry.observer import codes
from endface_build.drawing import scopes
from endface_build.drawing.camera import Camera
from endface_build.drawing.faces import Face
from endface_client.__main__ import app

PAGE = "docs/cameras.md"
FACE = Face()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the page names: pictures of a camera, and connectors in one picture and in several."""
    folder = tmp_path_factory.mktemp("cameras")
    for name, camera in (
        ("pictures/clean", Camera(800, 600, um_per_px=(0.5, 0.5))),
        ("pictures/small-field", Camera(400, 400, um_per_px=(0.5, 0.5))),
        ("connector-7/fiber-1", Camera(700, 600, um_per_px=(0.5, 0.5))),
        ("connector-7/fiber-2", Camera(720, 600, um_per_px=(0.5, 0.5))),
    ):
        path = folder / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(scopes.single(FACE, camera, seed=1).encode())
    camera = Camera(2100, 600, um_per_px=(0.5, 0.5))
    (folder / "mpo.png").write_bytes(scopes.row_of_fibers([FACE] * 4, camera, seed=1).encode())
    return folder


def run(line: str, place: Path, repository: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of the page in the folder, with the commands of this environment."""
    program, *arguments = line.split()
    installed = Path(sys.executable).with_name(program)
    environment = os.environ | {"ENDFACE_REPOSITORY": str(repository), "COLUMNS": "160"}
    return subprocess.run(
        [installed, *arguments], cwd=place, env=environment, capture_output=True, text=True, check=False
    )


def test_commands_run_as_printed(commands: list[str], place: Path, project: Path) -> None:
    """The user is told what to change; every connector passes."""
    check, *inspections = commands
    checked = run(check, place, project / "model_repository")

    assert checked.returncode == 0, checked.stderr  # by profiles that judge the inner zones only
    assert checked.stdout.splitlines()[-1].startswith("to change first (zone_cut_off, 1 of 2)")
    for line, summary in zip(
        inspections, ("1 picture: 1 pass", "1 connector: 1 pass", "1 connector: 1 pass"), strict=True
    ):
        ran = run(line, place, project / "model_repository")
        assert (ran.returncode, ran.stdout.splitlines()[-1]) == (0, summary), ran.stderr


def test_table_is_what_the_command_prints(page: str, commands: list[str], place: Path, project: Path) -> None:
    """Same columns, same pictures, same words; sizes to the digits that differ between machines."""
    printed = page.partition("```\n picture")[2].partition("```")[0]
    shown = run(commands[0], place, project / "model_repository").stdout

    for name in ("clean.png", "small-field.png"):
        (there,), (here,) = (
            [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if name in line]
            for text in (printed, shown)
        )
        assert there[:4] == here[:4]
        assert there[-1] == here[-1]


def test_codes_and_columns_exist(page: str) -> None:
    """What the page sends a reader to is what the programs say."""
    options = {
        option
        for command in get_command(app).commands.values()  # type: ignore[attr-defined] # an app of several commands
        for parameter in command.params
        for option in parameter.opts
    }
    refusals = {"coarse_scale", "zone_cut_off", "defocus", "saturated", "no_fiber", "several_fibers"}

    assert set(re.findall(r"`(--[a-z-]+)", page)) <= options
    assert refusals <= set(re.findall(r"`([a-z_]+)`", page)) & codes(PictureError)


@pytest.mark.triton
def test_program_runs_as_printed(
    page: str, server: EmbeddedServer, place: Path, run_program: Callable[..., str]
) -> None:
    """A real server answers for each of the four fibers."""
    words = {"127.0.0.1:8001": server.grpc_address, "mpo.png": str(place / "mpo.png")}

    assert run_program(page, words) == "pass pass pass pass pass\n"
