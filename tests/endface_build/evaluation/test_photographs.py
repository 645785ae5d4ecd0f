"""The served network on hand-labelled photographs, which nothing was trained or tuned on."""

from __future__ import annotations

from pathlib import Path

import pytest

from endface.options import Options
from endface.report import Report
from endface_build.data.label_folder import open_folder
from endface_build.data.labelled import Labelled
from endface_build.evaluation.evaluate_pictures import evaluate_pictures
from endface_build.evaluation.inspector import with_network
from endface_build.evaluation.metrics import Json, summarize


@pytest.fixture(scope="module")
def metrics(real_data: Path, project: Path) -> Json:
    """Metrics of the served network on the labelled photographs."""
    inspector = with_network(project / "model_repository" / "segment" / "1" / "model.onnx", Options("mm-pc"))

    def inspect(labelled: Labelled) -> Report:
        return inspector(labelled.data, labelled.name)

    evaluated = evaluate_pictures(open_folder(real_data / "endfaces"), {"network": inspect}, "mm-pc")
    return summarize(evaluated["network"])


def test_network_finds_real_defects(metrics: Json) -> None:
    """Trained on drawn faces alone, the network finds most labelled defects of 3 um and more, with few false alarms."""
    assert metrics["pictures"] == 32
    assert metrics["recall"]["all"]["share"] >= 0.95
    assert metrics["precision"]["all"]["share"] >= 0.95
    assert metrics["iou"] >= 0.5
    assert metrics["line_accuracy"]["share"] >= 0.95


def test_no_bad_part_passes(metrics: Json) -> None:
    """No photograph that fails by its labels in every reading is passed."""
    assert metrics["verdict"]["false_pass"]["count"] > 0
    assert metrics["verdict"]["false_pass"]["hits"] == 0
