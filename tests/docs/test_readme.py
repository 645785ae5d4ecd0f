"""The README's words are run: its program against a real server, its commands against the Makefile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.server.process import EmbeddedServer

PAGE = "README.md"


@pytest.mark.triton
def test_program_runs_as_printed(page: str, server: EmbeddedServer, run_program: Callable[..., str]) -> None:
    """The client's snippet, with the test server's address, runs and fails the chipped face."""
    printed = run_program(page, {"127.0.0.1:8001": server.grpc_address})

    assert printed.startswith("fail\n")


def test_make_targets_exist(page: str, project: Path) -> None:
    """Every `make` command of the README is a target, and each target explains itself in `make help`."""
    named = set(re.findall(r"make ([a-z-]+)", page))
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))

    assert named <= explained | {"test"}
    assert set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()) == explained
