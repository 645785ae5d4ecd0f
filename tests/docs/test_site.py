"""The pages of docs/ as a site: it builds strictly, and what the pages name exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def site(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_site_builds_strictly_and_holds_every_page(site: Path, project: Path) -> None:
    """No link leads nowhere, no name of the API pages is missing, and each page of docs/ is in the site."""
    pages = {str(page.relative_to(project / "docs").with_suffix("")) for page in (project / "docs").rglob("*.md")}

    assert pages <= {str(page.relative_to(site).with_suffix("")) for page in site.rglob("*.html")}


@pytest.mark.parametrize(
    ("page", "names"),
    [
        (
            "api/client.html",
            ["inspect_many", "inspect_connector", "deadline_s", "ServerUnavailable", "FakeServer", "Record"],
        ),
        ("api/report.html", ["verdict", "size_um", "margin_um", "borderline", "fiber_number", "ConnectorReport"]),
    ],
)
def test_api_pages_hold_what_a_program_uses(site: Path, page: str, names: list[str]) -> None:
    """The API pages come from the docstrings of the packages that a program imports."""
    text = (site / page).read_text(encoding="utf-8")

    assert [name for name in names if name not in text] == []


def test_every_page_stands_in_the_index(project: Path) -> None:
    """docs/index.md leads to each page."""
    index = (project / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {str(page.relative_to(project / "docs")) for page in (project / "docs").rglob("*.md")} - {"index.md"}

    assert [page for page in sorted(pages) if f"({page})" not in index] == []


def test_paths_of_the_architecture_page_exist(project: Path) -> None:
    """Each file and folder that the page sends a reader to is there, the ten changes among them."""
    text = (project / "docs" / "architecture.md").read_text(encoding="utf-8")
    paths = {path for path in re.findall(r"`([\w./-]+/[\w./-]+)`", text) if " " not in path}
    changes = text.partition("## Where to go for a change")[2].splitlines()

    assert [path for path in sorted(paths) if not (project / path).exists()] == []
    assert len([line for line in changes if line.startswith("| ") and "`" in line]) == 10
