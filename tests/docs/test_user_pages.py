"""The pages for users: their programs run, and what they list is complete."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.criteria.profile import profile_names
from endface.server.process import EmbeddedServer


@pytest.mark.triton
@pytest.mark.parametrize(
    ("page", "printed"),
    [
        ("README.md", r"fail\n(.|\n)*"),
        ("docs/inspecting.md", r"scratched\.jpg pass\npits-in-core\.jpg fail\n"),
        ("docs/scaling.md", r"(multimode-clean\.jpg pass\nchipped\.jpg fail\n){4}"),  # one of two servers is not there
    ],
)
def test_program_runs_as_printed(
    project: Path, server: EmbeddedServer, run_program: Callable[..., str], page: str, printed: str
) -> None:
    """A page's program inspects pictures on a real server, whose address stands in for the printed one."""
    text = (project / page).read_text(encoding="utf-8")

    assert re.fullmatch(printed, run_program(text, {"127.0.0.1:8001": server.grpc_address}))


def test_profiles_are_those_that_ship(project: Path) -> None:
    """The table of docs/profiles.md lists the profiles that exist."""
    page = (project / "docs" / "profiles.md").read_text(encoding="utf-8")
    table = page.partition("| profile |")[2].partition("\n\n")[0]

    assert set(re.findall(r"`([a-z0-9-]+)`", table)) == set(profile_names())


def test_make_targets_exist(project: Path) -> None:
    """Every `make` command of the README is a target, and each target explains itself in `make help`."""
    named = set(re.findall(r"make ([a-z-]+)", (project / "README.md").read_text(encoding="utf-8")))
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))

    assert named <= explained | {"test"}
    assert set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()) == explained
