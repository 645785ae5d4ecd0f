"""The page on traceability is run: its program and its commands, in the order in which they are printed."""

from __future__ import annotations

import csv
import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from endface_client._record_check import check
from endface_client.testing import PASS, FakeServer

FAIL = dataclasses.replace(PASS, verdict="fail", reasons=("zone A: pit 1",))


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    """The page's text."""
    return (project / "docs" / "traceability.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def ran(page: str, project: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess]:
    """Every program and command of the page with what came of it, and the folder in which they ran as ``.``."""
    folder = tmp_path_factory.mktemp("traceability")
    (folder / "samples").symlink_to(project / "samples")
    (folder / "key").write_text("0123456789abcdef" * 4)
    results: dict[str, subprocess.CompletedProcess] = {}
    with FakeServer(FAIL) as server:
        for language, block in re.findall(r"^ *```(sh|python)\n(.*?)```", page, re.DOTALL | re.MULTILINE):
            whole = [block] if language == "python" else [line.split("#")[0].strip() for line in block.splitlines()]
            for text in filter(None, whole):
                results[text] = run(text, language, folder, server.address)
    results["."] = subprocess.CompletedProcess([], 0, str(folder))
    return results


def run(text: str, language: str, folder: Path, server: str) -> subprocess.CompletedProcess[str]:
    """Run a program or a command of this environment in a folder, against a fake server, with the folder's own head."""
    if language == "python":
        command = [sys.executable, "-c", text.replace("127.0.0.1:8001", server)]
    else:
        head = str(check(folder / "record").head) if (folder / "record").exists() else ""
        program, *arguments = re.sub(r"--head \S+", f"--head {head}", text).split()
        command = [str(Path(sys.executable).with_name(program)), *arguments]
    environment = os.environ | {"ENDFACE_SERVER": server}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_everything_on_the_page_works(ran):
    """Programs and commands end with 0; an inspection with 1, because the fake server fails every face."""
    codes = {text: result.returncode for text, result in ran.items()}

    assert len(codes) >= 9
    assert codes == {text: int(text.startswith("endface inspect")) for text in codes}, [
        result.stderr for result in ran.values() if result.returncode
    ]


def test_the_program_writes_what_the_commands_read(ran):
    """A123 is shown with its picture, and stands in the CSV."""
    (shown,) = [result.stdout for text, result in ran.items() if text.startswith("endface record show")]
    folder = Path(ran["."].stdout)
    with (folder / "inspections.csv").open(encoding="utf-8-sig", newline="") as file:
        serials = [row["serial"] for row in csv.DictReader(file)]

    assert "fail by mm-pc" in shown
    assert (folder / shown.rsplit("picture ", 1)[1].strip()).is_file()
    assert serials.count("A123") == 1
    assert check(folder / "backup").inspections == len(serials)


def test_the_options_of_the_page_exist(page):
    """What its sentences name is an option of the commands."""
    helped = "".join(
        subprocess.run(
            [sys.executable, "-m", "endface_client", *command, "--help"],
            capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "200"},
        ).stdout
        for command in (["inspect"], ["record", "verify"], ["record", "export"])
    )  # fmt: skip

    assert {option for option in re.findall(r"--[a-z-]+", page) if option not in helped} == set()
