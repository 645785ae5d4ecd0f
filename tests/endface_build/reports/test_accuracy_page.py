"""docs/accuracy.md says what its record says, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface_build.evaluation.metrics import Json
from endface_build.manifest import MODEL_FILE
from endface_build.reports.accuracy import Extent, measure
from endface_build.reports.accuracy_page import page_text, write_page


@pytest.fixture(scope="module")
def blind(write_steps: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that sees no defect anywhere."""
    return write_steps(tmp_path_factory.mktemp("model") / "blind", high=0) / MODEL_FILE


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the page."""
    return tmp_path_factory.mktemp("docs")


@pytest.fixture(scope="module")
def record(blind: Path, docs: Path) -> Json:
    """A small record of the blind network; its pictures lie in the page's folder."""
    return measure(blind, Extent(faces=2, spots=1, parts=1, repeats=1), docs / "accuracy", lambda *_: None)


def test_a_record_says_what_was_measured(record: Json, blind: Path) -> None:
    """Machine, versions, commit and the network's hash are in the record, and it is plain JSON."""
    assert record["network"]["sha256"] == sha256_of(blind)
    assert {"cpu", "cores"} <= record["machine"].keys()
    assert {"commit", "created", "versions"} <= record.keys()
    assert json.loads(json.dumps(record, allow_nan=False)) == record


def test_page_and_plots_from_a_record(record: Json, docs: Path) -> None:
    """A record gives a page with a line of false passes, and plots that can be opened; twice the same."""
    write_page(record, docs / "accuracy.md")
    text = (docs / "accuracy.md").read_text(encoding="utf-8")
    before = (docs / "accuracy" / "reliability.png").read_bytes()
    write_page(record, docs / "accuracy.md")

    assert "| **false passes** |" in text
    assert "## Limits of the method" in text
    assert "## Photographs" not in text
    assert all(cv2.imread(str(path)) is not None for path in (docs / "accuracy").glob("*.png"))
    assert (docs / "accuracy" / "reliability.png").read_bytes() == before


def test_a_record_of_another_version_is_refused(record: Json, tmp_path: Path) -> None:
    """A record that lacks what the page says is refused with what to do, and no page is written."""
    with pytest.raises(ConfigurationError, match=r"lacks 'gage': .*endface-build accuracy"):
        write_page({name: value for name, value in record.items() if name != "gage"}, tmp_path / "accuracy.md")

    assert not list(tmp_path.iterdir())


def test_photographs_have_a_section_of_their_own(record: Json) -> None:
    """Metrics of photographs are shown with how they were made and what went wrong."""
    photographs = {
        "how": "Through a server.",
        "evaluations": {"network": record["drawn"]["mm-pc"]["network"]},
        "remarks": ["Rims are taken for chips."],
    }
    text = page_text(record | {"photographs": photographs})

    assert "Through a server.\n" in text
    assert "- Rims are taken for chips.\n" in text


def test_failures_are_pictured(record: Json, docs: Path) -> None:
    """What the blind network misses is drawn in two rows, as the camera saw it and with outlines, and listed."""
    sheet = cv2.imread(str(docs / "accuracy" / "failures.png"))

    assert {failure["what"] for failure in record["failures"]} == {"missed"}
    assert sheet is not None
    assert sheet.shape[0] == 2 * 220 + 6
    assert "1. missed: " in page_text(record)
