"""A page of docs/ and the commands on it; a module names its page in ``PAGE``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def page(project: Path, request: pytest.FixtureRequest) -> str:
    """The page's text."""
    return (project / request.module.PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def commands(page: str) -> list[str]:
    """Its shell commands in their order, without comments."""
    blocks = "".join(re.findall(r"```sh\n(.*?)```", page, re.DOTALL))
    return [line.split(" #")[0].strip() for line in blocks.splitlines() if line.strip()]
