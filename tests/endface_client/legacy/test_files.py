"""The detection stage's call: its files, their keys and types."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from endface.report import Report
from endface_client.testing import FakeServer

Values = dict[str, Any]

SUCCESS: dict[str, type | tuple[type, ...]] = {
    "source_image": str,
    "image_path": str,
    "timestamp": str,
    "analysis_complete": bool,
    "success": bool,
    "overall_quality_score": (int, float),
    "defects": list,
    "zones": dict,
    "summary": dict,
    "analysis_metadata": dict,
}
"""Keys that the pipeline's own success has, with their types; so do the next ones."""

SUMMARY = {
    "total_defects": int,
    "is_anomalous": bool,
    "anomaly_confidence": float,
    "quality_score": (int, float),
    "mahalanobis_distance": float,
    "ssim_score": float,
}
METADATA = {
    "analyzer": str,
    "version": str,
    "knowledge_base": str,
    "reference_samples": int,
    "features_extracted": int,
}
DEFECT = {
    "defect_id": str,
    "defect_type": str,
    "location_xy": list,
    "bbox": list,
    "area_px": int,
    "confidence": float,
    "detection_confidence": float,
    "severity": str,
    "contributing_algorithms": list,
    "detection_metadata": dict,
}
NOTES = {
    "SCRATCH": {"length", "angle_degrees"},
    "DIG": {"contour_area"},
    "CHIP": {"contour_area"},
    "CONTAMINATION": {"circularity", "aspect_ratio"},
    "UNKNOWN": set(),
}


def has_types(values: Values, types: dict[str, Any]) -> bool:
    """Whether all keys are there with exactly these types."""
    return all(
        type(values[key]) in (kind if isinstance(kind, tuple) else (kind,)) for key, kind in types.items()
    )  # a numpy number is none of them


def test_a_failed_face_has_the_pipelines_keys(run: Any, failed: Values) -> None:
    """Every key of the pipeline's own success is there with its type, and what is returned is what is written."""
    assert json.loads(run.report.read_text(encoding="ascii")) == failed
    assert has_types(failed, SUCCESS)
    assert has_types(failed["summary"], SUMMARY)
    assert has_types(failed["analysis_metadata"], METADATA)
    assert failed["source_image"] == failed["image_path"] == str(run.picture)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d:\d\d:\d\d", failed["timestamp"])
    assert failed["zones"] == {zone: {"detected": True} for zone in ("core", "cladding", "ferrule")}
    assert failed["summary"]["total_defects"] == len(failed["defects"])
    assert (failed["success"], failed["analysis_complete"], failed["summary"]["is_anomalous"]) == (True, True, True)
    assert failed["analysis_metadata"]["knowledge_base"] == "kb.json"
    assert not {"region_type", "metadata"} & failed.keys()
    assert run.report.read_text(encoding="ascii").startswith('{\n  "source_image"')


def test_defects_have_the_pipelines_keys(failed: Values, found: Report) -> None:
    """Types, ids and numbers are the pipeline's; orientation is a scratch's alone; our own keys come on top."""
    pit, scratch, dirt, marker = failed["defects"]

    assert [each["defect_id"] for each in (pit, scratch, dirt, marker)] == [
        "DIG_0001", "SCR_0002", "CONT_0003", "UNK_0004",
    ]  # fmt: skip
    for defect in (pit, scratch, dirt, marker):
        assert has_types(defect, DEFECT)
        assert defect["detection_metadata"].keys() == NOTES[defect["defect_type"]]
        assert ("orientation" in defect) == (defect["defect_type"] == "SCRATCH")
        assert None not in defect.values()
    assert (scratch["location_xy"], scratch["bbox"], scratch["area_px"]) == ([600, 405], [580, 400, 41, 11], 41 * 11)
    assert (pit["location_xy"], pit["area_px"]) == ([481, 391], 9)
    assert (scratch["zone"], scratch["zones"], scratch["width_um"]) == ("B", ["B", "C"], 5.0)
    assert scratch["polygon_px"] == [[[580.0, 400.0], [620.0, 400.0], [620.0, 410.0], [580.0, 410.0]]]
    assert (scratch["profile"], scratch["network"]) == ("mm-pc", "segment 1, onnxruntime, abababababab")
    assert [pit["severity"], scratch["severity"], dirt["severity"]] == ["NEGLIGIBLE", "CRITICAL", "NEGLIGIBLE"]
    assert marker["reasons"] == list(found.reasons)


def test_the_reports_own_words_are_kept(failed: Values, found: Report) -> None:
    """The verdict and the whole report of endface stand under keys of their own."""
    assert (failed["verdict"], failed["borderline"], failed["reasons"]) == ("fail", True, list(found.reasons))
    report = Report.from_json(json.dumps(failed["endface"]))
    assert (report.defects, report.zones, report.model) == (found.defects, found.zones, found.model)


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 150.0])
def test_orientation_runs_with_the_rows(
    run: Any, ask: Any, fake_server: FakeServer, found: Report, degrees: float
) -> None:
    """Our angles rise against the rows, the pipeline's with them, from above -90 to 90."""
    fake_server.answer = replace(found, defects=(replace(found.defects[1], orientation_deg=degrees),))
    scratch = run.analyze(ask())["defects"][0]

    assert scratch["orientation"] == {0.0: 0.0, 30.0: -30.0, 90.0: 90.0, 150.0: 30.0}[degrees]
    assert scratch["detection_metadata"]["angle_degrees"] == scratch["orientation"]


@pytest.mark.usefixtures("failed")
def test_all_files_of_a_success(run: Any) -> None:
    """The text with its headings, two pictures, and the mask in the picture's own size."""
    assert run.names() == {
        "_report.json", "_detailed.txt", "_analysis.png", "_analysis_simple.png", "_defect_mask.npy",
    }  # fmt: skip
    text = (run.output_dir / "face_detailed.txt").read_text(encoding="utf-8")
    headings = (
        "FILE INFORMATION", "OVERALL VERDICT", "GLOBAL STATISTICAL ANALYSIS", "TOP DEVIANT FEATURES (Z-Score > 2)",
        "STRUCTURAL ANALYSIS", "LOCAL ANOMALY REGIONS", "SPECIFIC DEFECTS DETECTED", "ANOMALY CRITERIA SUMMARY",
        "END OF REPORT",
    )  # fmt: skip
    assert [text.index(heading) for heading in headings] == sorted(text.index(heading) for heading in headings)
    assert "Status: ANOMALOUS\nConfidence: 90.0%\n" in text
    assert "Scratches: 1\nDigs: 1\nBlobs: 1\nEdge Irregularities: 0\n" in text
    assert max(map(len, text.splitlines())) <= 80
    mask = np.load(run.output_dir / "face_defect_mask.npy")
    assert (mask.dtype, mask.shape, set(np.unique(mask))) == (np.uint8, (1000, 1200), {0, 255})
    assert mask[405, 600] == 255
    assert np.count_nonzero(mask) == 41 * 11 + 3 * 3 + 31 * 31
    simple = cv2.imread(str(run.output_dir / "face_analysis_simple.png"))
    assert simple[405, 600, 0] > simple[405, 600, 2]
    assert (simple[0, 0] == 128).all()


def test_without_visualization(run: Any, ask: Any) -> None:
    """Only the JSON and the text are written."""
    values = run.analyze(ask(enable_visualization=False))

    assert run.names() == {"_report.json", "_detailed.txt"}
    assert "Status: NORMAL\nConfidence: 0.0%\n" in (run.output_dir / "face_detailed.txt").read_text(encoding="utf-8")
    assert (values["defects"], values["overall_quality_score"]) == ([], 100.0)
