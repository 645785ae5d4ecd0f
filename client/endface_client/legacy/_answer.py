"""The dictionaries that the detection stage returns and writes: success, failure, and nothing yet."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from endface import __version__
from endface_client.legacy._config import OmniConfig
from endface_client.legacy._defects import ALGORITHM, Values, listed, marker, score
from endface_client.legacy._inspection import Inspection

ZONES: Final = ("core", "cladding", "ferrule")
"""The pipeline's zones, by which it names its region pictures."""


def answered(image_path: str, found: Inspection, config: OmniConfig, *, displaced: bool) -> Values:
    """The answer to an inspection: a success with a verdict, or a failure where the picture is ``invalid``.

    Args:
        image_path: as the caller gave it.
        found: the inspection.
        config: the caller's configuration.
        displaced: see ``listed``.
    """
    report = found.report
    if report.error is not None:
        size_px = (report.image.width, report.image.height)
        values = failed(image_path, report.error.code, report.error.message, size_px=size_px, verdict=report.verdict)
        return values | _extras(found)
    counted, uncounted = listed(report, displaced=displaced)
    broken = [defect["confidence"] for defect in counted if defect.get("breaks_limit")]
    anomalous = report.verdict != "pass"
    quality = score(counted)
    return {
        "source_image": image_path,
        "image_path": image_path,
        "timestamp": _now(),
        "analysis_complete": True,
        "success": True,
        "overall_quality_score": quality,
        "defects": counted,
        "zones": {zone: {"detected": True} for zone in ZONES},
        "summary": {
            "total_defects": len(counted),
            "is_anomalous": anomalous,
            "anomaly_confidence": max(broken, default=1.0) if anomalous else 0.0,
            "quality_score": quality,
            "mahalanobis_distance": 0.0,
            "ssim_score": 0.0,
        },
        "analysis_metadata": {
            "analyzer": ALGORITHM,
            "version": __version__,
            "knowledge_base": str(config.knowledge_base_path or ""),
            "reference_samples": 0,
            "features_extracted": 0,
        },
        "verdict": report.verdict,
        "borderline": report.borderline,
        "zones_judged": list(report.scope.judged) if report.scope else [],
        "reasons": list(report.reasons),
        "uncounted_defects": uncounted,
    } | _extras(found)


def failed(
    image_path: str,
    code: str,
    message: str,
    *,
    size_px: tuple[int, int] = (0, 0),
    verdict: str = "error",
) -> Values:
    """The answer to a picture that was not judged: a CRITICAL marker at its middle fails it in the pipeline's score.

    Args:
        image_path: as the caller gave it.
        code: stable, for programs.
        message: a sentence that says what to do next.
        size_px: width and height of the picture, where they are known.
        verdict: ``invalid`` for a picture that cannot be judged, ``error`` where it is not the picture's fault.
    """
    width, height = size_px
    place = (width // 2, height // 2)
    return _failure(image_path, code, message, verdict) | {"defects": [marker(1, place, verdict, [message])]}


def region(image_path: str) -> Values:
    """The answer to a picture of one zone: it is not judged, the picture of the whole face counts."""
    message = "a picture of one zone is not judged by itself; the report of the whole picture counts"
    return _failure(image_path, "region", message, "not_judged")


def as_json(values: Values) -> bytes:
    """The JSON as the pipeline writes it: indented by 2, ASCII."""
    return json.dumps(values, indent=2, allow_nan=False).encode("ascii")


def _failure(image_path: str, code: str, message: str, verdict: str) -> Values:
    return {
        "image_path": image_path,
        "timestamp": _now(),
        "success": False,
        "error": message,
        "defects": [],
        "verdict": verdict,
        "error_code": code,
        "reasons": [message],
    }


def _extras(found: Inspection) -> Values:
    """The report as endface has it, and the separation stage's opinion on it."""
    values: Values = {"endface": json.loads(found.report.to_json())}
    if found.consensus is not None:
        values["consensus"] = {
            "center": list(found.consensus.center),
            "core_radius": found.consensus.core_radius,
            "cladding_radius": found.consensus.cladding_radius,
            "agrees": found.agrees is True,
        }
    return values


def _now() -> str:
    return datetime.now().strftime("%Y-%m-%d_%H:%M:%S")
