"""Inspection log: a line of JSON for each inspection, with who asked, what came of it, and how long it took.

The lines go to the standard error of the stage's process, which is the server's log: Triton's own logger would put a
prefix before each, and wait for the server.  They hold neither pictures nor ``meta.*``, in which anything may stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from endface.report import Report

_LONGEST: Final = 128
"""Characters of a text from a request: a line stays below 4096 bytes, which the kernel never mixes with another's."""


def inspection_entry(report: Report, request_id: str, total_ms: float | None) -> dict[str, Any]:
    """The entry of a picture that got a report.

    Args:
        report: what came of it.
        request_id: Triton's, as the client gave it; may be empty.
        total_ms: from taking the request up to its reports; None where that is not known.
    """
    return {
        "event": "inspection",
        "request_id": request_id[:_LONGEST],
        "serial": report.serial[:_LONGEST],
        "name": report.image.name[:_LONGEST],
        "fiber": report.fiber_number,
        "profile": report.criteria.profile,
        "profile_sha256": report.criteria.sha256,
        "verdict": report.verdict,
        "zones": ",".join(report.scope.judged)[:_LONGEST] if report.scope else None,
        "borderline": report.borderline,
        "code": report.error.code if report.error else None,
        "defects": len(report.defects),
        "picture_sha256": report.image.sha256,
        "network_sha256": report.model.sha256 if report.model else None,
        "timings_ms": dict(report.timings_ms) | ({} if total_ms is None else {"total": round(total_ms, 3)}),
    }


def error_entry(stage: str, code: str, request_id: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The entry of a request that got an error instead of reports.

    Args:
        stage: where it failed.
        code: the error's.
        request_id: as for ``inspection_entry``.
        parameters: the request's own.
    """
    return {"event": "error", **request_fields(request_id, parameters), "stage": stage, "code": code}


def request_fields(request_id: str, parameters: Mapping[str, Any]) -> dict[str, str]:
    """What an entry says of a request beside the profile.

    Args:
        request_id: as for ``inspection_entry``.
        parameters: the request's own.
    """
    return {
        "request_id": request_id[:_LONGEST],
        "serial": str(parameters.get("serial", ""))[:_LONGEST],
        "name": str(parameters.get("name", ""))[:_LONGEST],
    }


def line(entry: Mapping[str, Any]) -> str:
    """An entry as one line of JSON, with the time in UTC before it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": now, **entry}, ensure_ascii=False, separators=(",", ":"))
