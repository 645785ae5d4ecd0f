"""The engines' measurement and its table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.studies.engines.measure import Contender, drawn_faces, measure, probe
from benchmarks.studies.engines.section import BEGIN, END, write_table
from endface.engines.catalog import OPENCV
from endface.errors import ConfigurationError, EngineError
from endface_build.evaluation.golden import of_folder

ROW = {
    "engine": "litert",
    "precision": "int8",
    "bytes": 515_304,
    "sha256": "cafe",
    "agreement": {"samples": {"pictures": 7, "labels_equal": 0.99991, "worst": 0.9995, "flips": ["a.png"]}},
    "ms": 61.4,
    "network_ms": 41.6,
    "peak_mb": 131.7,
}
RECORD = {
    "machine": {"cpu": "a CPU", "cores": 2, "system": "Linux x86_64", "python": "3.11.7"},
    "versions": {"endface": "0.1.0"},
    "commit": "0123456789abcdef-dirty",
    "created": "2026-11-22T20:00:00+00:00",
    "network": {"version": "1", "sha256": "33225ec308f429ff"},
    "pictures": {"samples": 8},
    "engines": [ROW],
    "skipped": [{"engine": "opencv", "reason": "there is no file."}],
}


def test_measures_every_engine_in_its_own_process(offline_repository: Path, samples: list[Path]) -> None:
    """Agreement by set of pictures, times and memory, the latter below 1 GB with LiteRT."""
    pictures = {"samples": [each for each in of_folder(samples[0].parent, "mm-pc") if each.name.startswith("o")]}
    pictures["drawn"] = drawn_faces(1)
    model = next((offline_repository / "segment").glob("[0-9]*"))

    record = json.loads(json.dumps(measure(model, pictures, print)))
    rows = {row["engine"]: row for row in record["engines"]}

    assert record["pictures"] == {"samples": 2, "drawn": 1}
    assert record["skipped"] == []
    assert set(rows) == {"onnxruntime", "opencv", "litert"}
    for row in rows.values():
        assert [each["pictures"] for each in row["agreement"].values()] == [1, 1]  # one sample is out of focus
        assert all(each["labels_equal"] >= 0.995 and not each["flips"] for each in row["agreement"].values())
        assert 0 < row["network_ms"] < row["ms"]
        assert 30 < row["peak_mb"] < 1000


def test_an_engine_that_cannot_run_says_why(tmp_path: Path, samples: list[Path]) -> None:
    """The sentence of the engine's process is passed on."""
    pictures = {"samples": of_folder(samples[0].parent, "mm-pc")}

    with pytest.raises(EngineError, match=r"opencv did not run: the network's manifest .*manifest\.json is missing"):
        probe(Contender(OPENCV, tmp_path / "model.onnx", "fp32"), pictures)


def test_refuses_two_pictures_of_one_name(repository: Path, samples: list[Path]) -> None:
    """They could not be told apart."""
    pictures = of_folder(samples[0].parent, "mm-pc")

    with pytest.raises(ConfigurationError, match="Several pictures are called"):
        measure(repository / "segment" / "1", {"samples": pictures, "again": pictures}, print)


def test_the_table_stands_between_its_marks(tmp_path: Path) -> None:
    """Writing it again replaces it, and leaves the page around it alone."""
    page = tmp_path / "engines.md"
    page.write_text(f"# Engines\n\nProse.\n\n{BEGIN}\nold\n{END}\n\nMore.\n")

    write_table(RECORD, page)
    once = page.read_text()
    write_table(RECORD, page)

    assert page.read_text() == once
    assert once.startswith("# Engines\n\nProse.\n")
    assert once.endswith(f"{END}\n\nMore.\n")
    assert "old" not in once
    assert "| litert | int8 | 0.99991 (0.99950) | 1 | 61 | 42 | 132 | 0.5 |" in once
    assert "Not measured: opencv. there is no file." in once
    assert "`0123456789ab` with local changes" in " ".join(once.split())


def test_begins_a_page_and_writes_over_none(tmp_path: Path) -> None:
    """Without a page there will be one; somebody's page without the marks stays as it is."""
    page = tmp_path / "engines.md"
    write_table(RECORD, page)
    assert page.read_text().startswith("# Engines\n\n## Measured\n")
    page.write_text("# Engines\n")

    with pytest.raises(ConfigurationError, match="no place for the table"):
        write_table(RECORD, page)

    assert page.read_text() == "# Engines\n"
