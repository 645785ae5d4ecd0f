"""docs/accuracy.md says what its record says, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from endface.files import sha256_of
from endface.options import Options
from endface_build.reports import accuracy
from endface_build.reports.accuracy import Extent, measure
from endface_build.reports.accuracy_page import page_text, write_page


@pytest.fixture(scope="module")
def record(repository, tmp_path_factory):
    """A small record, measured with the network under test, and the folder of its pictures."""
    folder = tmp_path_factory.mktemp("docs")
    model = repository / "segment" / "1" / "model.onnx"
    return measure(model, Extent(2, 1, 1, 1), folder / "accuracy", lambda *_: None), folder


def newest(project: Path) -> Path:
    """The newest committed record."""
    return sorted((project / "benchmarks" / "results").glob("*-accuracy.json"))[-1]


def test_the_committed_page_is_what_its_record_writes(project):
    """Nobody edits the page by hand: the newest record gives it, letter by letter."""
    record = json.loads(newest(project).read_text(encoding="utf-8"))

    assert (project / "docs" / "accuracy.md").read_text(encoding="utf-8") == page_text(record)


def test_the_committed_page_has_its_pictures(project):
    """Every picture that the page shows is there."""
    lines = (project / "docs" / "accuracy.md").read_text(encoding="utf-8").splitlines()
    pictures = [line.split("](")[1].rstrip(")") for line in lines if line.startswith("![")]

    assert pictures
    assert all((project / "docs" / picture).is_file() for picture in pictures)


def test_a_record_says_what_was_measured(record, repository):
    """Machine, versions, commit and the network's hash are in the record, and it is plain JSON."""
    values, _ = record

    assert values["network"]["sha256"] == sha256_of(repository / "segment" / "1" / "model.onnx")
    assert {"cpu", "cores"} <= values["machine"].keys()
    assert {"commit", "created", "versions"} <= values.keys()
    assert json.loads(json.dumps(values, allow_nan=False)) == values


def test_page_and_plots_from_a_record(record):
    """A record gives a page with every section, and plots that can be opened; twice the same."""
    values, folder = record
    write_page(values, folder / "accuracy.md")
    text = (folder / "accuracy.md").read_text(encoding="utf-8")
    before = (folder / "accuracy" / "reliability.png").read_bytes()
    write_page(values, folder / "accuracy.md")

    assert "## Repeatability" in text
    assert "## What the method cannot do" in text
    assert "## Photographs" not in text
    assert all(cv2.imread(str(path)) is not None for path in (folder / "accuracy").glob("*.png"))
    assert (folder / "accuracy" / "reliability.png").read_bytes() == before


def test_photographs_have_a_section_of_their_own(record):
    """Figures of photographs are shown with how they were made and what went wrong."""
    values, _ = record
    photographs = {
        "how": "Through a server.",
        "evaluations": {"network": values["drawn"]["mm-pc"]["network"]},
        "remarks": ["Rims are taken for chips."],
    }
    text = page_text(values | {"photographs": photographs})

    assert "Through a server.\n" in text
    assert "- Rims are taken for chips.\n" in text


def test_failures_are_pictured(repository, tmp_path, monkeypatch):
    """Mistakes of an inspection that sees nothing are drawn in two rows and listed."""
    model = repository / "segment" / "1" / "model.onnx"
    blind = accuracy.Inspector(lambda squares: (np.zeros_like(squares[:, 0]),) * 2, Options("mm-pc"))
    monkeypatch.setattr(accuracy, "with_network", lambda *_: blind)
    values = measure(model, Extent(3, 1, 1, 1), tmp_path, lambda *_: None)

    assert {failure["what"] for failure in values["failures"]} == {"missed"}
    assert cv2.imread(str(tmp_path / "failures.png")).shape[0] == 2 * 220 + 6
    assert "1. missed: " in page_text(values | {"network": {"version": "0", "sha256": "0" * 64}})
