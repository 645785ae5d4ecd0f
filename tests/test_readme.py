"""The README's words are run: its program against a real server, its commands against the Makefile."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from endface.embedded import EmbeddedServer
from endface.profile import profile_names


@pytest.fixture(scope="module")
def readme(project: Path) -> str:
    """The README's text."""
    return (project / "README.md").read_text(encoding="utf-8")


@pytest.mark.triton
def test_program_runs_as_printed(readme: str, project: Path, server: EmbeddedServer) -> None:
    """The client's snippet, with the test server's address, runs and fails the chipped face."""
    (program,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)

    ran = subprocess.run(
        [sys.executable, "-c", program.replace("127.0.0.1:8001", server.grpc_address)],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("fail\n")
    assert "scratched.jpg" in ran.stdout


def test_make_targets_exist(readme: str, project: Path) -> None:
    """Every `make` command of the README is a target, and each target explains itself in `make help`."""
    named = set(re.findall(r"make ([a-z-]+)", readme))
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))

    assert named <= explained | {"test"}
    assert set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()) == explained


def test_linked_files_exist(readme: str, project: Path) -> None:
    """No link of the README leads nowhere."""
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", readme) if "://" not in link]

    assert [link for link in links if not (project / link).exists()] == []
    assert len(links) > 5


def test_profiles_are_those_that_ship(readme: str) -> None:
    """The README's table lists the profiles that exist."""
    (table,) = re.findall(r"## Profiles\n(.*?)\n\n[A-Z]", readme, re.DOTALL)
    listed = set(re.findall(r"`([a-z0-9-]+)`", table))

    assert listed == set(profile_names())
