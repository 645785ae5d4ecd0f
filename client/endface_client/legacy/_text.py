"""Text beside a success, with the headings that the classical pipeline gives it."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable
from typing import Final

from endface.report import Report
from endface_client.legacy._defects import MARKER_TYPE, Values

_COLUMNS: Final = 80
_SHOWN: Final = 5


def detailed(values: Values, report: Report) -> str:
    """The text of a success, 80 columns wide.

    Args:
        values: the JSON of the picture.
        report: endface's own report.
    """
    summary = values["summary"]
    sections = {
        "FILE INFORMATION": _file(values, report),
        "OVERALL VERDICT": [
            f"Status: {'ANOMALOUS' if summary['is_anomalous'] else 'NORMAL'}",
            f"Confidence: {summary['anomaly_confidence']:.1%}",
            f"Verdict: {report.verdict}{', borderline' if report.borderline else ''}",
            f"Quality score: {summary['quality_score']:.1f}",
        ],
        "GLOBAL STATISTICAL ANALYSIS": ["Not computed: endface compares with limits, not with a reference picture."],
        "TOP DEVIANT FEATURES (Z-Score > 2)": ["Not computed."],
        "STRUCTURAL ANALYSIS": _fiber(report),
        "LOCAL ANOMALY REGIONS": _worst(values),
        "SPECIFIC DEFECTS DETECTED": _counts(values),
        "ANOMALY CRITERIA SUMMARY": _criteria(report),
    }
    lines = ["=" * _COLUMNS, "DETAILED ANALYSIS REPORT".center(_COLUMNS).rstrip(), "=" * _COLUMNS, ""]
    for heading, body in sections.items():
        lines += [heading, "-" * _COLUMNS, *_wrapped(body), ""]
    return "\n".join([*lines, "=" * _COLUMNS, "END OF REPORT".center(_COLUMNS).rstrip(), "=" * _COLUMNS, ""])


def _file(values: Values, report: Report) -> list[str]:
    return [
        f"Image: {values['image_path']}",
        f"Size: {report.image.width} x {report.image.height} pixels",
        f"SHA-256: {report.image.sha256}",
        f"Timestamp: {values['timestamp']}",
        f"Software: {report.software}",
        f"Network: {report.model.name} {report.model.version} ({report.model.engine})"
        if report.model
        else "Network: -",
    ]


def _fiber(report: Report) -> list[str]:
    if report.fiber is None or report.calibration is None:
        return ["No fiber."]
    cladding, (scale_x, scale_y) = report.fiber.cladding, report.calibration.um_per_px
    x, y = cladding.center_px
    rx, ry = cladding.radii_px
    return [
        f"Cladding: center ({x:.1f}, {y:.1f}) px, radii {rx:.1f} x {ry:.1f} px",
        f"Scale: {scale_x:.4f} x {scale_y:.4f} um per pixel, from the {report.calibration.source}",
    ]


def _worst(values: Values) -> list[str]:
    """The first defects, as the list is: from the inner zones outward."""
    shown = [defect for defect in values["defects"] if defect["defect_type"] != MARKER_TYPE][:_SHOWN]
    return [
        f"{defect['defect_id']}: {defect['severity']}, zone {defect['zone'] or '-'}, {defect['size_um']:.1f} um, "
        f"at {tuple(defect['location_xy'])}"
        for defect in shown
    ] or ["None."]


def _counts(values: Values) -> list[str]:
    found = Counter(defect["defect_type"] for defect in values["defects"] + values["uncounted_defects"])
    return [
        f"Scratches: {found['SCRATCH']}",
        f"Digs: {found['DIG']}",
        f"Blobs: {found['CONTAMINATION']}",
        f"Edge Irregularities: {found['CHIP']}",
    ]


def _criteria(report: Report) -> list[str]:
    criteria = report.criteria
    rows = [
        f"Zone {zone.name}: {row.text}: found {row.found}, {row.verdict}"
        for zone in report.zones
        for row in zone.limits
    ]
    return [f"{criteria.standard}, edition {criteria.edition}, profile {criteria.profile}", *rows, *report.reasons]


def _wrapped(lines: Iterable[str]) -> list[str]:
    return [part for line in lines for part in textwrap.wrap(line, _COLUMNS, subsequent_indent="  ") or [""]]
