"""Links from one page of the project to another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_linked_files_exist(page: Path) -> None:
    """No link leads nowhere."""
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_pages_are_linked() -> None:
    """The pattern finds links at all."""
    assert len(re.findall(r"\]\(docs/", (PROJECT / "README.md").read_text(encoding="utf-8"))) > 5
