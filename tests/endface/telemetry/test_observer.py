from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from endface import environment
from endface.contract import POSTPROCESS, PREPROCESS, PROBE_NAMES
from endface.errors import BadParameterError
from endface.report import Defect, Ellipse, Fiber, ModelInfo, Problem, Report, ZoneResult
from endface.telemetry.observer import INVALID_CODES, Observer
from endface.telemetry.serve_status import ServeStatus

from .conftest import INVALID, Port, request

FAILED = replace(
    INVALID,
    verdict="fail",
    error=None,
    borderline=True,
    fiber=Fiber(Ellipse((0, 0), (1, 1))),
    zones=(ZoneResult("A", 0, 65, 1.0, "fail"),),
)
MODEL = ModelInfo("unet", "1", "onnxruntime", "ab")


def defect(zone: str, confidence: float) -> Defect:
    """A pit."""
    return Defect(1, "pit", zone, (zone,) if zone else (), confidence, (0, 0, 1, 1), (), (0, 0), 1, 1, 1, 1, 0)


def inspect(observer: Observer, request: Any, reports: list[Report], taken_ms: float | None = None) -> None:
    """A request gets its reports."""
    with observer.watch(request) as watched:
        observer.count_reports(watched, reports, taken_ms)


def fail(observer: Observer, request: Any, error: Exception) -> None:
    """An error ends what the stage does for a request."""
    with pytest.raises(type(error)), observer.watch(request):
        raise error


@pytest.fixture
def observer(port: Port) -> Observer:
    """The observer of the last stage."""
    return Observer(port.pb_utils, POSTPROCESS.name)


def counted(observer: Observer, port: Port) -> dict[tuple[str, ...], float]:
    """What stands on the metrics port at the stage's end."""
    observer.close()
    return port.counted()


def test_reports_are_counted(observer: Observer, port: Port) -> None:
    """Verdict, code, borderline, defects by zone and type, and the network's confidence in them."""
    failed = replace(FAILED, defects=(defect("A", 0.9), defect("A", 0.8), defect("", 0.5)))
    inspect(observer, request(), [INVALID, failed])

    found = counted(observer, port)
    assert found["endface_verdicts_total", "mm-pc", "invalid"] == 1
    assert found["endface_verdicts_total", "mm-pc", "fail"] == 1
    assert found["endface_invalid_total", "defocus"] == 1
    assert found["endface_borderline_total", "mm-pc"] == 1
    assert found["endface_defects_total", "mm-pc", "A", "pit"] == 2
    assert found["endface_defects_total", "mm-pc", "outside", "pit"] == 1
    assert found["endface_confidence_count",] == 3
    assert found["endface_confidence_sum",] == pytest.approx(2.2)


def test_code_from_a_frame_of_the_clients_own_making_is_no_label(observer: Observer, port: Port) -> None:
    """Whoever sends frames to the last stage cannot make series."""
    inspect(observer, request(), [replace(INVALID, error=Problem("x" * 1000, ""))])

    assert counted(observer, port)["endface_invalid_total", "other"] == 1


def test_errors_are_counted_by_code(observer: Observer, port: Port) -> None:
    """Ours by their codes, all others as internal."""
    fail(observer, request(), BadParameterError("wrong"))
    fail(observer, request(), ZeroDivisionError())

    found = counted(observer, port)
    assert found["endface_errors_total", "postprocess", "bad_parameter"] == 1
    assert found["endface_errors_total", "postprocess", "internal"] == 1


@pytest.mark.parametrize("name", PROBE_NAMES)
def test_health_checks_are_no_parts(port: Port, name: str) -> None:
    """They are counted apart, and in no time, verdict or log."""
    observer = Observer(port.pb_utils, PREPROCESS.name)
    with observer.watch(request(name=name)) as watched:
        observer.count_probe(watched)
        observer.count_reports(watched, [INVALID], 0.0)

    assert set(counted(observer, port)) == {
        ("endface_started_timestamp_seconds", "preprocess"),
        ("endface_probes_total", name),
    }


def test_part_with_a_serial_number_is_no_health_check(observer: Observer, port: Port) -> None:
    """A picture that happens to be called so is counted like any other."""
    inspect(observer, request(name="health", serial="A123"), [INVALID])

    assert counted(observer, port)["endface_verdicts_total", "mm-pc", "invalid"] == 1


def test_network_that_serves_is_one(observer: Observer, port: Port) -> None:
    """After a change the new network is 1 and the former 0."""
    observer.set_network(MODEL)
    observer.set_network(replace(MODEL, version="2", sha256="cd"))
    observer.close()

    assert {labels[1][1]: n for (name, labels), n in port.values.items() if name == "endface_info"} == {
        "ab": 0,
        "cd": 1,
    }


def test_whatever_may_come_begins_at_zero(observer: Observer, port: Port) -> None:
    """All verdicts, codes, zones and types of every profile are declared; requests add no series."""
    observer.expect_reports(None)
    observer.metrics.flush()
    before = set(port.values)
    inspect(observer, request(), [INVALID, replace(FAILED, defects=(defect("D", 1.0), defect("", 1.0)))], 0.0)
    fail(observer, request(), ZeroDivisionError())
    observer.close()

    assert set(port.values) == before
    assert {"defocus", "no_fiber", "undecodable", "empty_image"} <= INVALID_CODES


def test_parameters_are_parsed_once(observer: Observer) -> None:
    """They may be long, and every use of them is on the picture's way."""
    asked: list[str] = []
    counting = SimpleNamespace(
        parameters=lambda: asked.append("parameters") or json.dumps({"serial": "A123"}),  # type: ignore[func-returns-value]  # None is falsy
        request_id=lambda: "r-1",
    )
    inspect(observer, counting, [INVALID], 0.0)
    fail(observer, counting, BadParameterError("wrong"))

    assert asked == ["parameters"] * 2


def test_numbers_of_serve_are_handed_on(port: Port, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor has no port of its own: the last stage finds its numbers in the server's folder."""
    monkeypatch.setenv(environment.WORKSPACE, str(tmp_path))
    ServeStatus(reloads=3, restarts=2, log_lines_dropped=5).write(tmp_path)
    observer = Observer(port.pb_utils, POSTPROCESS.name)
    observer.expect_reports(None)

    found = counted(observer, port)
    assert found["endface_serve_reloads",] == 3
    assert found["endface_serve_restarts",] == 2
    assert found["endface_serve_log_lines_dropped",] == 5


@pytest.mark.parametrize("text", [None, "", "[]", '{"reloads": 1, "more": 2}'])
def test_server_without_numbers_is_none(tmp_path: Path, text: str | None) -> None:
    """A server that ``endface serve`` did not start, or one of another release, says nothing of itself."""
    if text is not None:
        (tmp_path / "serve.json").write_text(text)

    assert ServeStatus.read(tmp_path) is None


def test_lines_are_written_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """ENDFACE_LOG=inspections gives a line for each picture and each error; without it there are none."""
    for wish in ("", "inspections"):
        monkeypatch.setenv("ENDFACE_LOG", wish)
        observer = Observer(SimpleNamespace(), POSTPROCESS.name)
        inspect(observer, request(), [INVALID, INVALID], 0.0)
        fail(observer, request(serial="A123"), ZeroDivisionError())
        observer.close()

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(line["event"], line["request_id"]) for line in lines] == [
        ("inspection", "r-1"),
        ("inspection", "r-1"),
        ("error", "r-1"),
    ]


def test_log_without_a_reader_costs_no_inspection(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken pipe is counted, and is no trouble of the line."""
    monkeypatch.setenv("ENDFACE_LOG", "inspections")
    reader, writer = os.pipe()
    os.close(reader)
    former = os.dup(2)
    os.dup2(writer, 2)
    try:
        observer = Observer(port.pb_utils, POSTPROCESS.name)
        inspect(observer, request(), [INVALID])
        found = counted(observer, port)
    finally:
        os.dup2(former, 2)
        os.close(former)
        os.close(writer)

    assert found["endface_log_lines_dropped_total", "postprocess"] == 1
    assert found["endface_verdicts_total", "mm-pc", "invalid"] == 1
