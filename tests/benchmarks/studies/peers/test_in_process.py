"""Loops without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.common.limit import Work
from benchmarks.common.pictures import Picture
from benchmarks.studies.peers import in_process
from endface.engines.catalog import ONNXRUNTIME


@pytest.fixture
def work(pictures: list[Picture], repository: Path) -> Work:
    """Two pictures and the network that is served."""
    return Work(pictures[:2], repository / "segment" / "1" / "model.onnx", "mm-pc")


def test_what_stops_a_loop_is_in_its_row(work: Work, tmp_path: Path) -> None:
    """An engine whose file is missing has no figures, but a sentence."""
    row = in_process.measure("opencv", Work(work.pictures, tmp_path / "1" / "model.onnx", "mm-pc"), 0.01)

    assert row["title"] == "OpenCV DNN, float"
    assert "which the engine opencv runs" in row["error"]
    assert "images_per_s" not in row


def test_loop_is_measured(work: Work) -> None:
    """A row has the throughput of all cores."""
    assert in_process.measure(ONNXRUNTIME, work, 0.01)["images_per_s"] > 0
