"""The guide is run: its program and commands as printed, its lists against what is written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from endface.server.process import EmbeddedServer
from endface_client.legacy._config import EndfaceSettings
from tests.endface_client.legacy.test_files import DEFECT, SUCCESS

Read = Callable[..., Any]


@pytest.fixture(scope="module")
def commands(guide: str) -> list[str]:
    """Its shell commands, the comments left out."""
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", guide, re.DOTALL)).splitlines()
    return [line.split(" #")[0].strip() for line in lines if line]


@pytest.fixture
def folder(guide: str, project: Path, tmp_path: Path) -> Path:
    """A checkout as far as the guide needs one, with the guide's program in it."""
    (program,) = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "samples").symlink_to(project / "samples")
    (tmp_path / "check.py").write_text(program, encoding="utf-8")
    return tmp_path


def shell(command: str, folder: Path) -> str:
    """What a command prints, with this environment's programs first on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def outcomes(printed: str) -> dict[str, list[str]]:
    """The pictures' names with the two words behind each."""
    return {words[0]: words[1:3] for words in map(str.split, printed.splitlines())}


def test_the_commands_do_what_the_guide_says(commands: list[str], folder: Path, read_run: Read) -> None:
    """In process the clean face passes, here and there; without limits none does."""
    with_limits, show, without = commands[:3]

    passed = outcomes(shell(with_limits, folder))
    assert passed["multimode-clean.jpg"] == ["pass", "PASS"]
    assert passed["out-of-focus.jpg"] == ["invalid", "FAIL"]
    assert passed["chipped.jpg"] == ["fail", "FAIL"]
    for name, (verdict, _) in passed.items():
        stem = Path(name).stem
        analysis = read_run(folder / "results" / stem, stem, (1152, 864))
        assert (analysis.status == "PASS") == (verdict == "pass"), name
    assert json.loads(shell(show, folder))["verdict"] == "fail"

    assert set(map(tuple, outcomes(shell(without, folder)).values())) == {("error", "FAIL")}


@pytest.mark.triton
def test_a_server_says_the_same(commands: list[str], folder: Path, server: EmbeddedServer) -> None:
    """The guide's command with a server, this test's address in place of the guide's, prints what it does without."""
    assert len(commands) == 4
    alone, asked = commands[0], commands[3].replace("127.0.0.1:8001", server.grpc_address)
    assert server.grpc_address in asked

    assert outcomes(shell(asked, folder)) == outcomes(shell(alone, folder))


def test_the_settings_are_listed(guide: str) -> None:
    """Each variable and its keyword, and no other."""
    rows = re.findall(r"^\| `(ENDFACE_\w+)` \| `(endface_\w+)` \|", guide, re.MULTILINE)

    assert [keyword for _, keyword in rows] == [f"endface_{name}" for name in EndfaceSettings.__dataclass_fields__]
    assert all(variable == keyword.upper() for variable, keyword in rows)


def test_new_keys_are_listed(guide: str, failed: dict[str, Any]) -> None:
    """What a success holds beyond the pipeline's own keys stands in the guide."""
    listed = {
        kind: set(re.findall(r"`(\w+)`", text))
        for kind, text in re.findall(r"- New keys of (a defect|the report): (.*?)\n- ", guide, re.DOTALL)
    }
    listed |= {"the report": set(re.findall(r"`(\w+)`", re.search(r"keys of the report: (.*?)\n- ", guide, re.S)[1]))}
    theirs = DEFECT.keys() - {"detection_confidence"} | {"orientation"}

    assert failed.keys() - SUCCESS.keys() == listed["the report"] - {"consensus"}
    assert failed["defects"][0].keys() - theirs == listed["a defect"] - {"margin_um"}


def test_what_is_installed_exists(guide: str, project: Path) -> None:
    """The extras of the install command are extras of the package."""
    extras = re.search(r"pip install --editable '\.\[(.*?)\]'", guide)[1].split(",")
    package = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert set(extras) <= package["optional-dependencies"].keys()
