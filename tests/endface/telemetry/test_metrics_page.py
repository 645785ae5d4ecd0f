"""The page on observability against the code: its table of metrics, and its lines of the log."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from endface import environment
from endface.report import ModelInfo
from endface.telemetry import inspection_log
from endface.telemetry.metrics import BUCKETS_S, FAMILIES

from .conftest import INVALID


@pytest.fixture(scope="module")
def page(project: Path) -> str:
    """The page's text."""
    return (project / "docs" / "observability.md").read_text(encoding="utf-8")


def test_table_of_metrics_is_that_of_the_code(page: str) -> None:
    """Every metric has its row with kind, labels and meaning, in the code's order; no row is left over."""
    rows = re.findall(r"^\| `(endface_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)

    assert rows == [
        (each.name, each.kind, ", ".join(f"`{label}`" for label in each.labels), each.text) for each in FAMILIES
    ]


def test_page_names_the_buckets(page: str) -> None:
    """Whoever writes a query finds the bounds, in milliseconds."""
    assert ", ".join(f"{bound * 1000:g}" for bound in BUCKETS_S[:-1]) + " ms" in " ".join(page.split())


def test_lines_of_the_log_are_those_of_the_code(page: str) -> None:
    """The examples have the keys that are written, in their order, and the variable has its name."""
    examples = [json.loads(line) for line in re.findall(r"^\{.*\}$", page, re.MULTILINE)]
    report = replace(INVALID, model=ModelInfo("", "", "", ""))

    assert [list(each) for each in examples] == [
        ["time", *inspection_log.inspection_entry(report, "", 1.0)],
        ["time", *inspection_log.error_entry("preprocess", "bad_parameter", "", {})],
    ]
    assert f"{environment.LOG}=inspections" in page
