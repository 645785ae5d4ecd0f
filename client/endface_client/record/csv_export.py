"""Inspections as CSV for a spreadsheet: one row each, with defects counted by type and zone."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final, TextIO, get_args

from endface.report import DefectType, Report
from endface_client.record.entry import Entry

_TYPES: Final = get_args(DefectType)
_OUTSIDE: Final = "outside"  # of every zone

# A cell that begins so is a formula to a spreadsheet, and a serial number comes from a label that anyone may print.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where a country's Excel parts cells at semicolons, what follows one in a text is a cell of its own, quoted or not.
_SECOND_FORMULA: Final = re.compile(rf"([;\t\r\n] *)([{re.escape(''.join(_FORMULA))}])")

# What Excel takes for a number, a date or a time, and then shows and saves as something else: 00123, 1-2, 1E5, MAR1.
# A text without a letter may be one in some country; only numbers of eleven digits at most stay what they are.
_MONTH: Final = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_RECAST: Final = re.compile(
    rf"(?!(0|[1-9]\d{{0,10}})$)(?=.*\d)[\W\d_]+|\d+\.?\d*e[+-]?\d+|[\d:]+ ?[ap]m?|"
    rf"{_MONTH}[ -]?\d+|\d+[ -]?{_MONTH}([ -]?\d+)?|true|false",
    re.IGNORECASE,
)
_NAMES: Final = ("serial", "name", "meta")
"""Columns with texts of others that are no numbers, whatever they look like."""


def write_csv(entries: Callable[[], Iterator[Entry]], out: TextIO) -> int:
    """Write the inspections, their zones first found in a pass of its own.

    Args:
        entries: gives them anew at each call.
        out: where to, opened with ``newline=""``.

    Returns:
        How many there were; of none there is not even a header.
    """
    zones = dict.fromkeys(zone for entry in entries() for zone in _zones(entry))
    counted = [(kind, zone) for zone in (*zones, _OUTSIDE) for kind in _TYPES]
    written = 0
    table: csv.DictWriter[str] | None = None
    for entry in entries():
        row = {key: _cell(key, value) for key, value in _row(entry, counted).items()}
        if table is None:
            table = csv.DictWriter(out, list(row))
            table.writeheader()
        table.writerow(row)
        written += 1
    return written


def _zones(entry: Entry) -> list[str]:
    report = entry.values["report"]
    return [zone["name"] for zone in report["zones"]] if report else []


def _row(entry: Entry, counted: list[tuple[str, str]]) -> dict[str, Any]:
    """The cells of an inspection by column; the part of the report is empty where there is none."""
    report, error, picture = entry.report, entry.error, entry.values["picture"] or {}
    connector = entry.values.get("connector") or {}
    return {
        "number": entry.mark.number,
        "time_utc": entry.time.strftime("%Y-%m-%d %H:%M:%S"),
        "serial": entry.values["serial"],
        "name": entry.values["name"],
        "fiber": entry.fiber,
        "fibers": connector.get("fibers"),
        "connector": connector.get("verdict"),
        "verdict": "not inspected" if entry.word == "error" else entry.word,
        "zones_judged": " ".join(report.scope.judged) if report and report.scope else "",
        "borderline": ("yes" if report.borderline else "no") if report else "",
        "reasons": "; ".join(report.reasons) if report else error and error.message,
        "error_code": error.code if error else report and report.error and report.error.code,
        **_made_by(report),
        "server": entry.values["server"],
        "attempts": entry.values["attempts"],
        "reinspection": report.reinspection.text if report and report.reinspection else "",
        "picture_sha256": picture.get("sha256"),
        "picture_file": entry.picture_file,
        "seal": entry.mark.seal,
        **_counts(report, counted),
    }


def _made_by(report: Report | None) -> dict[str, Any]:
    """The limits and the network."""
    criteria, model = (report.criteria, report.model) if report else (None, None)
    return {
        "profile": criteria and criteria.profile,
        "standard": criteria and criteria.standard,
        "edition": criteria and criteria.edition,
        "limits_status": criteria and criteria.status,
        "network": model and model.name,
        "network_version": model and model.version,
        "network_sha256": model and model.sha256,
        "engine": model and model.engine,
        "software": report and report.software,
        "meta": "; ".join(f"{key}={value}" for key, value in report.meta.items()) if report else "",
    }


def _counts(report: Report | None, counted: list[tuple[str, str]]) -> dict[str, Any]:
    """Defects by type and innermost zone, and the largest; empty where nothing was measured."""
    measured = report is not None and report.fiber is not None
    defects = report.defects if report else ()
    found: Counter[tuple[str, str]] = Counter((defect.type, defect.zone or _OUTSIDE) for defect in defects)
    return {
        "largest_um": max((defect.size_um for defect in defects), default=""),
        **{f"{kind}_{zone}": found[kind, zone] if measured else "" for kind, zone in counted},
    }


def _cell(column: str, value: Any) -> Any:
    """The value; a text with an apostrophe before it where a spreadsheet would make something else of it."""
    if not isinstance(value, str):
        return value
    is_formula = value.lstrip().startswith(_FORMULA) or value[:1] in ("\t", "\r", "\n")
    value = _SECOND_FORMULA.sub(r"\1'\2", value)
    return "'" + value if is_formula or (column in _NAMES and _RECAST.fullmatch(value.strip())) else value
