"""A report's defects as the classical pipeline writes them, and the marker that keeps it from passing a face.

The pipeline's last stage merges what lies close together and may keep the mildest severity of what it merges, so a
CRITICAL defect alone does not fail a face for sure.  It never merges a type of its own with others that are 10 pixels
away or more, hence the marker: one CRITICAL of type UNKNOWN, far from everything.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from endface.report import Defect, DefectType, Report
from endface_client.legacy._severity import POINTS, Grade, Severity, fitted, grade

Values = dict[str, Any]
"""An object of the pipeline's JSON."""

NAMES: Final[dict[DefectType, tuple[str, str]]] = {
    "scratch": ("SCRATCH", "SCR"),
    "pit": ("DIG", "DIG"),
    "contamination": ("CONTAMINATION", "CONT"),
    "chip": ("CHIP", "CHIP"),
}
"""The pipeline's types and the beginnings of its ids."""

MARKER_TYPE: Final = "UNKNOWN"

ALGORITHM: Final = "endface"

_FREE_PX: Final = 16.0
"""How far the marker stays from every defect: the pipeline merges different types below 10 pixels."""

_PLACES: Final = 17
"""Rows and columns of places where the marker may stand, the picture's corners among them."""


def listed(report: Report, *, displaced: bool) -> tuple[list[Values], list[Values]]:
    """The defects that the pipeline may count, and those that it may not, for it would fail a face that passes.

    Args:
        report: with the verdict pass or fail.
        displaced: whether the pipeline moves the defects of this picture, so that no place is far from everything.

    Returns:
        With a failed face all defects and the marker; with one that passes at most 30, and the rest.
    """
    grades = [grade(defect, report) for defect in report.defects]
    severities: list[Severity | None] = [found.severity for found in grades]
    if report.verdict == "pass":
        severities = fitted([found.severity for found in grades])
    every = [
        _values(defect, report, found, severity or "NEGLIGIBLE")
        for defect, found, severity in zip(report.defects, grades, severities, strict=True)
    ]
    if report.verdict != "pass":
        return _marked(every, report, displaced=displaced), []
    counted = [values for values, severity in zip(every, severities, strict=True) if severity]
    return counted, [values for values, severity in zip(every, severities, strict=True) if not severity]


def marker(number: int, location_xy: tuple[int, int], verdict: str, reasons: Sequence[str]) -> Values:
    """The defect that fails a face in the pipeline's score; it carries the reasons into the final report."""
    return {
        "defect_id": f"UNK_{number:04d}",
        "defect_type": MARKER_TYPE,
        "location_xy": list(location_xy),
        "bbox": [*location_xy, 1, 1],
        "area_px": 1,
        "confidence": 1.0,
        "detection_confidence": 1.0,
        "severity": "CRITICAL",
        "contributing_algorithms": [ALGORITHM],
        "detection_metadata": {},
        "verdict": verdict,
        "reasons": list(reasons),
    }


def score(defects: Sequence[Values]) -> float:
    """The pipeline's score of unmerged defects, 0 to 100."""
    return float(max(0, 100 - sum(POINTS[defect["severity"]] for defect in defects)))


def mask(defect: Defect, size_px: tuple[int, int]) -> tuple[NDArray[np.bool_], tuple[int, int]]:
    """The defect's pixels of a picture.

    Args:
        defect: whose outline is filled, its holes left out.
        size_px: width and height of the picture.

    Returns:
        bool (h, w) over the box around it inside the picture, empty where it lies outside; the box's column and row.
    """
    rings = [np.round(np.array(ring)).astype(np.int32) for ring in defect.polygon_px if ring]
    if not rings:
        return np.zeros((0, 0), bool), (0, 0)
    points = np.concatenate(rings)
    low = np.maximum(points.min(axis=0), 0)
    high = np.minimum(points.max(axis=0) + 1, size_px)
    if (high <= low).any():
        return np.zeros((0, 0), bool), (0, 0)
    width, height = (high - low).tolist()
    filled = np.zeros((height, width), np.uint8)
    cv2.fillPoly(filled, [ring - low for ring in rings], (1,))
    return filled.view(np.bool_), (int(low[0]), int(low[1]))


def _marked(every: list[Values], report: Report, *, displaced: bool) -> list[Values]:
    """All defects and the marker; where it cannot stand apart all are CRITICAL, for then so is what they merge to."""
    place, distance_px = _free_place([values["location_xy"] for values in every], report)
    if every and (displaced or distance_px < _FREE_PX):
        every = [values | {"severity": "CRITICAL"} for values in every]
    number = max((defect.id for defect in report.defects), default=0) + 1
    return [*every, marker(number, place, report.verdict, report.reasons) | _origin(report)]


def _free_place(taken: Sequence[Sequence[int]], report: Report) -> tuple[tuple[int, int], float]:
    """The picture's middle where nothing is listed, else the place that is farthest from everything listed."""
    width, height = max(report.image.width, 1), max(report.image.height, 1)
    if not taken:
        return (width // 2, height // 2), math.inf
    columns, rows = (np.round(np.linspace(0, side - 1, _PLACES)) for side in (width, height))
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    distances = np.array([np.hypot(*(np.array(taken) - place).T).min() for place in places])
    best = int(distances.argmax())
    x, y = places[best].astype(int).tolist()
    return (x, y), float(distances[best])


def _values(defect: Defect, report: Report, found: Grade, severity: Severity) -> Values:
    kind, prefix = NAMES[defect.type]
    x, y, width, height = defect.bbox_px
    filled, corner = mask(defect, (report.image.width, report.image.height))
    area_px = max(1, int(np.count_nonzero(filled)))
    confidence = min(1.0, max(0.01, float(defect.confidence)))
    orientation = {"orientation": _orientation(defect, report)} if defect.type == "scratch" else {}
    margin = {"margin_um": round(found.margin_um, 3)} if math.isfinite(found.margin_um) else {}
    return {
        "defect_id": f"{prefix}_{defect.id:04d}",
        "defect_type": kind,
        "location_xy": _location(defect, filled, corner, report),
        "bbox": [x, y, width, height],
        "area_px": area_px,
        "confidence": confidence,
        "detection_confidence": confidence,
        "severity": severity,
        **orientation,
        "contributing_algorithms": [ALGORITHM],
        "detection_metadata": _metadata(defect, area_px, orientation),
        "zone": defect.zone,
        "zones": list(defect.zones),
        "breaks_limit": found.breaks_limit,
        **margin,
        "size_um": defect.size_um,
        "width_um": defect.width_um,
        "length_um": defect.length_um,
        "area_um2": defect.area_um2,
        "center_um": list(defect.center_um),
        "polygon_px": [[list(point) for point in ring] for ring in defect.polygon_px],
    } | _origin(report)


def _origin(report: Report) -> Values:
    """The rules and the network that judged; the pipeline's last stage keeps no other place for them."""
    model = report.model
    network = {"network": f"{model.name} {model.version}, {model.engine}, {model.sha256[:12]}"} if model else {}
    return {"profile": report.criteria.profile, "software": report.software, **network}


def _location(defect: Defect, filled: NDArray[np.bool_], corner: tuple[int, int], report: Report) -> list[int]:
    """The mean of the defect's pixels, column and row; always inside the picture."""
    rows, columns = np.nonzero(filled)
    x, y, width, height = defect.bbox_px
    middle = (columns.mean() + corner[0], rows.mean() + corner[1]) if len(rows) else (x + width / 2, y + height / 2)
    sides = (report.image.width, report.image.height)
    return [min(max(round(float(value)), 0), max(side - 1, 0)) for value, side in zip(middle, sides, strict=True)]


def _orientation(defect: Defect, report: Report) -> float:
    """Direction in degrees above -90 to 90, rows downward as the pipeline has it, on the camera's pixels."""
    angle = math.radians(defect.orientation_deg)
    scale_x, scale_y = report.calibration.um_per_px if report.calibration else (1.0, 1.0)
    degrees = math.degrees(math.atan2(-math.sin(angle) / scale_y, math.cos(angle) / scale_x))
    return round(degrees + 180 if degrees <= -90 else degrees - 180 if degrees > 90 else degrees, 1) + 0.0


def _metadata(defect: Defect, area_px: int, orientation: Values) -> Values:
    """What the pipeline notes beside a defect of this type."""
    _, _, width, height = defect.bbox_px
    if defect.type == "scratch":
        return {"length": round(math.hypot(width, height), 1), "angle_degrees": orientation["orientation"]}
    if defect.type != "contamination":
        return {"contour_area": float(area_px)}
    outer = np.array(defect.polygon_px[0] if defect.polygon_px else [(0.0, 0.0)], np.float32)
    around = float(cv2.arcLength(outer, closed=True))
    circularity = min(1.0, 4 * math.pi * float(cv2.contourArea(outer)) / around**2) if around else 1.0
    return {"circularity": round(circularity, 4), "aspect_ratio": round(width / max(height, 1), 4)}
