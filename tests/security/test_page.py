"""SECURITY.md: every line of its tables names a test that exists, and what it says of fuzzing is on record."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

LINK = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@pytest.fixture(scope="module")
def rows(project: Path) -> list[str]:
    """The tables' lines, without heads and rules."""
    lines = (project / "SECURITY.md").read_text(encoding="utf-8").splitlines()
    tables = [line for line in lines if line.startswith("|")]
    return [line for line in tables if not set(line) <= set("|- ") and "shown by" not in line]


def test_every_claim_is_tested(rows: list[str]) -> None:
    """No line without a test."""
    assert len(rows) >= 20
    assert [row for row in rows if not LINK.search(row)] == []


def test_every_test_exists(project: Path, rows: list[str]) -> None:
    """Under the name that the page gives."""
    named = {found for row in rows for found in LINK.findall(row)}

    assert [
        (path, test)
        for path, test in sorted(named)
        if f"def {test}(" not in (project / path).read_text(encoding="utf-8")
    ] == []


def test_campaigns_are_those_on_record(project: Path) -> None:
    """100,000 pictures and as many requests, of one commit each, without changes that nobody sees."""
    page = (project / "SECURITY.md").read_text(encoding="utf-8")
    for kind in ("pictures", "requests"):
        record = json.loads((Path(__file__).parent / "records" / f"{kind}.json").read_text(encoding="utf-8"))
        slowest_ms = record["slowest"]["seconds"] * 1000

        assert (record["kind"], record["done"]) == (kind, 100_000)
        assert [origin["commit"].isalnum() for origin in record["origins"]] == [True]
        assert (
            f"- {record['done']:,} {kind} of seed {record['seed']}: {len(record['findings'])} findings; "
            f"the slowest took {slowest_ms:.0f} ms" in page
        )
