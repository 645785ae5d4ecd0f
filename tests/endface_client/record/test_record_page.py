"""The page on traceability is run: its program and its commands, in the order in which they are printed."""

from __future__ import annotations

import csv
import dataclasses
import re
import shlex
import subprocess
import sys
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from endface_client.__main__ import app
from endface_client.record.verify import check
from endface_client.testing import PASS, FakeServer

FAIL = dataclasses.replace(PASS, verdict="fail", reasons=("zone A: pit 1",))


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    """The page's text."""
    return (project / "docs" / "traceability.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Ran:
    """What came of a program or a command."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def folder(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page is run: samples and a key are there."""
    folder = tmp_path_factory.mktemp("traceability")
    (folder / "samples").symlink_to(project / "samples")
    (folder / "key").write_text("0123456789abcdef" * 4)
    return folder


@pytest.fixture(scope="module")
def ran(page: str, folder: Path) -> dict[str, Ran]:
    """Every program and command of the page with what came of it."""
    results: dict[str, Ran] = {}
    with FakeServer(FAIL) as server, chdir(folder):
        for language, block in re.findall(r"^ *```(sh|python)\n(.*?)```", page, re.DOTALL | re.MULTILINE):
            if language == "python":
                results[block] = run_program(block.replace("127.0.0.1:8001", server.address))
                continue
            for line in filter(None, (line.split("#")[0].strip() for line in block.splitlines())):
                results[line] = run_command(line, server.address)
    return results


def run_program(text: str) -> Ran:
    """Run a program in a process of this environment."""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def run_command(line: str, server: str) -> Ran:
    """Run a command in this process, against a fake server, with the folder's own head."""
    head = str(check(Path("record")).head) if Path("record").exists() else ""
    program, *arguments = shlex.split(re.sub(r"--head \S+", f"--head {head}", line))
    assert program == "endface"
    result = CliRunner().invoke(app, arguments, env={"ENDFACE_SERVER": server})
    return Ran(result.exit_code, result.stdout, result.stderr)


def test_everything_on_the_page_works(ran: dict[str, Ran]) -> None:
    """Programs and commands end with 0; an inspection with 1, because the fake server fails every face."""
    codes = {text: result.code for text, result in ran.items()}

    assert len(codes) >= 9
    assert codes == {text: int(text.startswith("endface inspect")) for text in codes}, [
        result.stderr for result in ran.values() if result.code
    ]


def test_the_program_writes_what_the_commands_read(ran: dict[str, Ran], folder: Path) -> None:
    """A123 is shown with its picture, and stands in the CSV."""
    (shown,) = [result.stdout for text, result in ran.items() if text.startswith("endface record show")]
    with (folder / "inspections.csv").open(encoding="utf-8-sig", newline="") as file:
        serials = [row["serial"] for row in csv.DictReader(file)]

    assert "fail by mm-pc" in shown
    assert (folder / shown.rsplit("picture ", 1)[1].strip()).is_file()
    assert serials.count("A123") == 2  # of the program and of the command
    assert check(folder / "backup").inspections == len(serials)


def test_the_options_of_the_page_exist(page: str) -> None:
    """What its sentences name is an option of the commands."""
    helped = "".join(
        CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"}).stdout
        for command in (["inspect"], ["record", "verify"], ["record", "export"])
    )

    assert {option for option in re.findall(r"--[a-z-]+", page) if option not in helped} == set()
