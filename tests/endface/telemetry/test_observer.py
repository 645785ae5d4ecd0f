from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from endface.contract import POSTPROCESS, PREPROCESS, PROBE_NAMES
from endface.errors import BadParameterError, ConfigurationError
from endface.health.canary import Canary
from endface.report import Criteria, Defect, Ellipse, Fiber, ImageInfo, ModelInfo, Problem, Report, ZoneResult
from endface.telemetry import metrics
from endface.telemetry.observer import INVALID_CODES, Observer
from endface_client import Client

INVALID = Report(
    "invalid", ImageInfo("face.png", ""), Criteria("mm-pc", "", "", "", ""), "", error=Problem("defocus", "focus again")
)
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


def request(**parameters: str) -> Any:
    """A request with parameters."""
    return SimpleNamespace(parameters=lambda: json.dumps(parameters), request_id=lambda: "r-1")


def counted(observer: Observer) -> dict[tuple[str, ...], float]:
    """What was counted and not handed over: the series' name and its labels; zeros are left out."""
    with observer.metrics._lock:
        found = {**observer.metrics._added, **observer.metrics._levels}
    return {(family.name + end, *labels): value for (family, end, labels), value in found.items() if value}


def fail(observer: Observer, request: Any, error: Exception) -> None:
    """An error ends what the stage does for a request."""
    with pytest.raises(type(error)), observer.watch(request):
        raise error


@pytest.fixture
def observer() -> Observer:
    """The observer of the last stage, outside Triton."""
    return Observer(SimpleNamespace(), POSTPROCESS.name)


def test_reports_are_counted(observer: Observer) -> None:
    """Verdict, code, borderline, defects by zone and type, and the network's confidence in them."""
    failed = replace(FAILED, defects=(defect("A", 0.9), defect("A", 0.8), defect("", 0.5)))
    observer.inspected(request(), [INVALID, failed], None)

    found = counted(observer)
    assert found["endface_verdicts_total", "mm-pc", "invalid"] == 1
    assert found["endface_verdicts_total", "mm-pc", "fail"] == 1
    assert found["endface_invalid_total", "defocus"] == 1
    assert found["endface_borderline_total", "mm-pc"] == 1
    assert found["endface_defects_total", "mm-pc", "A", "pit"] == 2
    assert found["endface_defects_total", "mm-pc", "outside", "pit"] == 1
    assert found["endface_confidence_count",] == 3
    assert found["endface_confidence_sum",] == pytest.approx(2.2)


def test_code_from_a_frame_of_the_clients_own_making_is_no_label(observer: Observer) -> None:
    """Whoever sends frames to the last stage cannot make series."""
    observer.inspected(request(), [replace(INVALID, error=Problem("x" * 1000, ""))], None)

    assert counted(observer)["endface_invalid_total", "other"] == 1


def test_errors_are_counted_by_code(observer: Observer) -> None:
    """Ours by their codes, all others as internal."""
    fail(observer, request(), BadParameterError("wrong"))
    fail(observer, request(), ZeroDivisionError())

    found = counted(observer)
    assert found["endface_errors_total", "postprocess", "bad_parameter"] == 1
    assert found["endface_errors_total", "postprocess", "internal"] == 1


@pytest.mark.parametrize("name", PROBE_NAMES)
def test_health_checks_are_no_parts(name: str) -> None:
    """They are counted apart, and in no time, verdict or log."""
    observer = Observer(SimpleNamespace(), PREPROCESS.name)
    probe = request(name=name)
    observer.asked(probe)
    with observer.watch(probe):
        pass
    observer.inspected(probe, [INVALID], 0.0)

    assert set(counted(observer)) == {
        ("endface_started_timestamp_seconds", "preprocess"),
        ("endface_probes_total", name),
    }


def test_part_with_a_serial_number_is_no_health_check(observer: Observer) -> None:
    """A picture that happens to be called so is counted like any other."""
    observer.inspected(request(name="health", serial="A123"), [INVALID], None)

    assert counted(observer)["endface_verdicts_total", "mm-pc", "invalid"] == 1


def test_health_checks_are_called_as_observers_think() -> None:
    """The supervisor's picture and the client's have the names that are counted apart."""
    canary = Canary("127.0.0.1", 1, b"")
    with Client("127.0.0.1:1") as client:
        names = {client._health_job().name, json.loads(canary._content[: canary._header])["parameters"]["name"]}

    assert names == set(PROBE_NAMES)


def test_network_that_serves_is_one(observer: Observer) -> None:
    """After a change the new network is 1 and the former 0."""
    observer.uses(MODEL)
    observer.uses(replace(MODEL, version="2", sha256="cd"))

    levels = {
        labels[1]: value for (family, _, labels), value in observer.metrics._levels.items() if family is metrics.INFO
    }
    assert levels == {"ab": 0, "cd": 1}


def test_whatever_may_come_begins_at_zero() -> None:
    """All verdicts, codes, zones and types of every profile are declared; requests add no series."""
    observer = Observer(SimpleNamespace(), POSTPROCESS.name)
    observer.expect_reports(None)
    before = set(observer.metrics._added)
    observer.inspected(request(), [INVALID, replace(FAILED, defects=(defect("D", 1.0), defect("", 1.0)))], 0.0)
    fail(observer, request(), ZeroDivisionError())

    assert set(observer.metrics._added) == before
    assert {"defocus", "no_fiber", "undecodable", "empty_image"} <= INVALID_CODES


def test_lines_are_written_where_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """ENDFACE_LOG=inspections gives a line for each picture and each error; without it there are none."""
    for wish in ("", "inspections"):
        monkeypatch.setenv("ENDFACE_LOG", wish)
        observer = Observer(SimpleNamespace(), POSTPROCESS.name)
        observer.inspected(request(), [INVALID, INVALID], 0.0)
        fail(observer, request(serial="A123"), ZeroDivisionError())

    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [(line["event"], line["request_id"]) for line in lines] == [
        ("inspection", "r-1"),
        ("inspection", "r-1"),
        ("error", "r-1"),
    ]


def test_stage_with_a_misspelt_wish_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is found while the model loads."""
    monkeypatch.setenv("ENDFACE_LOG", "yes")

    with pytest.raises(ConfigurationError, match="ENDFACE_LOG"):
        Observer(SimpleNamespace(), POSTPROCESS.name)
