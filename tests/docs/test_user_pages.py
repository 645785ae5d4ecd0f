"""The pages for users at the line: their programs run, and their tables are complete."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.criteria.profile import profile_names
from endface.server.process import EmbeddedServer


@pytest.mark.triton
def test_program_of_the_page_on_inspecting_runs(
    project: Path, server: EmbeddedServer, run_program: Callable[..., str]
) -> None:
    """The snippet inspects two pictures on a real server."""
    page = (project / "docs" / "inspecting.md").read_text(encoding="utf-8")

    printed = run_program(page, {"127.0.0.1:8001": server.grpc_address})

    assert printed.splitlines() == ["scratched.jpg pass", "pits-in-core.jpg fail"]


def test_profiles_are_those_that_ship(project: Path) -> None:
    """The table of docs/profiles.md lists the profiles that exist."""
    page = (project / "docs" / "profiles.md").read_text(encoding="utf-8")
    table = page.partition("| profile |")[2].partition("\n\n")[0]

    assert set(re.findall(r"`([a-z0-9-]+)`", table)) == set(profile_names())
