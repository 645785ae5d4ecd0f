"""Links from one page of the project to another."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PAGES = sorted(page for pattern in ("*.md", "docs/**/*.md", "benchmarks/**/*.md") for page in PROJECT.glob(pattern))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_linked_files_exist(page: Path) -> None:
    """No link leads nowhere; the texts of benchmarks/results are parts of RESULTS.md, and link as from there."""
    folder = page.parents[1] if page.parent.name == "results" else page.parent
    links = [link for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (folder / link).exists()] == []


def test_pages_are_linked() -> None:
    """The pattern finds links at all."""
    assert len(re.findall(r"\]\(docs/", (PROJECT / "README.md").read_text(encoding="utf-8"))) > 5
