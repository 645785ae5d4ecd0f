from __future__ import annotations

import json
from dataclasses import replace

from endface.report import ImageInfo, ModelInfo, Scope
from endface.telemetry import inspection_log

from . import conftest

INVALID = replace(
    conftest.INVALID,
    serial="A123",
    meta={"password": "secret"},
    model=ModelInfo("unet", "1", "onnxruntime", "cd" * 32),
    timings_ms={"preprocess": 4.5},
)


def test_entry_tells_who_and_what() -> None:
    """One line with request id, serial, verdict, code and times; what stands in meta stays out of the log."""
    line = inspection_log.line(inspection_log.inspection_entry(INVALID, "r-1", 31.23456))

    entry = json.loads(line)
    assert entry["time"].endswith("+00:00")
    assert (entry["request_id"], entry["serial"], entry["name"]) == ("r-1", "A123", "face.png")
    assert (entry["verdict"], entry["code"], entry["profile"]) == ("invalid", "defocus", "mm-pc")
    assert entry["timings_ms"] == {"preprocess": 4.5, "total": 31.235}
    assert entry["profile_sha256"] == INVALID.criteria.sha256
    assert (entry["picture_sha256"], entry["network_sha256"]) == ("9f", "cd" * 32)
    assert "secret" not in line


def test_verdict_stands_with_the_zones_that_it_is_about() -> None:
    """As a request names them; of a report from before there were scopes nothing is known."""
    confined = replace(INVALID, scope=Scope(("A", "B"), ("C", "D")))

    assert inspection_log.inspection_entry(confined, "", None)["zones"] == "A,B"
    assert inspection_log.inspection_entry(replace(INVALID, scope=None), "", None)["zones"] is None


def test_unknown_total_is_left_out() -> None:
    """A frame that did not come from our own first stage does not say when it was taken up."""
    assert inspection_log.inspection_entry(INVALID, "", None)["timings_ms"] == {"preprocess": 4.5}


def test_no_request_can_write_a_line_of_its_own() -> None:
    """Line feeds and control characters of a serial number are escaped, and its length is bounded."""
    wild = '\n\x1b[31m"}\n' * 10_000
    report = replace(INVALID, serial=wild, image=ImageInfo(wild, "ab" * 32))
    line = inspection_log.line(inspection_log.inspection_entry(report, wild, 1.0))

    assert line.isprintable()
    assert len(line.encode()) < 4096
    assert json.loads(line)["serial"] == wild[:128]


def test_error_names_stage_and_code() -> None:
    """A request without reports leaves a line, too."""
    entry = inspection_log.error_entry("preprocess", "bad_parameter", "r-2", {"serial": "A124", "foo": 1})

    assert (entry["event"], entry["stage"], entry["code"]) == ("error", "preprocess", "bad_parameter")
    assert (entry["request_id"], entry["serial"]) == ("r-2", "A124")
