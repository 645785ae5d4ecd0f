"""Spans of the stages, and who asks for them."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from endface import telemetry
from endface.contract import POSTPROCESS
from endface.errors import BadParameterError
from endface.telemetry import trace
from endface.telemetry.observer import Observer
from tests.span_collector import Collector, Span

from .conftest import INVALID, request

ENDPOINT, TRACES = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADER = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody asks for traces, and no provider is left over."""
    for name in (ENDPOINT, TRACES, "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)
    trace._provider.cache_clear()
    yield
    trace._provider.cache_clear()


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Whom the environment names."""
    with Collector() as running:
        monkeypatch.setenv(ENDPOINT, running.endpoint)
        yield running


def spans_of(collector: Collector, asked: Any, reports: int = 1) -> list[Span]:
    """What a stage sends of a request that gets so many reports, once the stage has ended."""
    observer = Observer(SimpleNamespace(), POSTPROCESS.name)
    with observer.watch(asked) as watched:
        observer.count_reports(watched, [INVALID] * reports, None)
    observer.close()
    return collector.spans


@pytest.mark.parametrize(
    ("variables", "endpoint"),
    [
        ({}, ""),
        ({ENDPOINT: ""}, ""),
        ({ENDPOINT: "http://c:4318"}, "http://c:4318/v1/traces"),
        ({ENDPOINT: "http://c:4318/"}, "http://c:4318/v1/traces"),
        ({TRACES: "http://t/own"}, "http://t/own"),
        ({ENDPOINT: "http://c:4318", TRACES: "http://t/own"}, "http://t/own"),
        ({ENDPOINT: "http://c:4318", "OTEL_SDK_DISABLED": "TRUE"}, ""),
        ({ENDPOINT: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, ""),
        ({ENDPOINT: "http://c:4318", "OTEL_TRACES_EXPORTER": "otlp"}, "http://c:4318/v1/traces"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ""),
    ],
)
def test_traces_are_asked_for_by_the_standards_variables(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], endpoint: str
) -> None:
    """Who names a collector wants traces, unless he says that he does not."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert trace.endpoint() == endpoint
    assert bool(trace.flags()) == bool(endpoint)


def test_nothing_is_imported_where_nobody_asks() -> None:
    """A stage and a client work without a module of OpenTelemetry's, though it is installed."""
    program = """
import sys
from types import SimpleNamespace
from endface.telemetry.observer import Observer
from endface_client import Client
from endface_client.testing import FakeServer
with Observer(SimpleNamespace(), "segment").watch(SimpleNamespace(parameters=lambda: "")):
    pass
with FakeServer() as server, Client(server.address, profile="mm-pc") as client:
    print(client.inspect(b"a picture").verdict)
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout == "pass\n[]\n"


def test_missing_packages_are_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Pictures go their way, and the line says what to install."""
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "endface.telemetry.otlp_export", None)
    monkeypatch.delattr(telemetry, "otlp_export", raising=False)
    observers = [Observer(SimpleNamespace(), POSTPROCESS.name) for _ in range(2)]
    for observer in observers:
        with observer.watch(request(traceparent=HEADER)) as watched:
            observer.count_reports(watched, [INVALID], None)

    (line,) = caplog.messages
    assert line.startswith("no traces: ")
    assert "pip install '.[trace]'" in line


def test_wrong_variable_is_said_and_harms_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """OpenTelemetry refuses some values of its own variables; pictures do not suffer for it."""
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")
    with Observer(SimpleNamespace(), POSTPROCESS.name).watch(request(traceparent=HEADER)):
        pass

    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "correct OTEL_*" in caplog.text


def test_stages_span_lies_below_the_callers(collector: Collector) -> None:
    """Same trace, the caller's span as its parent, and what the log would say as its attributes."""
    (span,) = spans_of(collector, request(traceparent=HEADER, serial="A123", profile="mm-pc"))

    assert (span.service, span.name, span.trace, span.parent) == ("endface", "endface.postprocess", TRACE, PARENT)
    assert span.end_ns >= span.start_ns
    assert not span.failed
    assert span.attributes == {
        "endface.request_id": "r-1",
        "endface.serial": "",  # of the report, which here has none
        "endface.name": "face.png",
        "endface.profile": "mm-pc",
        "endface.profile_sha256": "",
        "endface.verdict": "invalid",
        "endface.borderline": False,
        "endface.code": "defocus",
        "endface.defects": 0,
        "endface.picture_sha256": "9f",
    }


def test_several_pictures_of_a_request_are_events(collector: Collector) -> None:
    """None of them hides another's verdict."""
    (span,) = spans_of(collector, request(traceparent=HEADER), reports=2)

    assert [name for name, _ in span.events] == ["endface.inspection"] * 2
    assert span.events[0][1]["endface.code"] == "defocus"
    assert set(span.attributes) == {"endface.request_id"}


def test_failed_request_is_marked_with_its_code(collector: Collector) -> None:
    """The code that the caller gets and the metrics count; of the message nothing, for anything may stand in it."""
    observer = Observer(SimpleNamespace(), POSTPROCESS.name)
    with pytest.raises(BadParameterError), observer.watch(request(traceparent=HEADER, serial="A123")):
        raise BadParameterError("secret")
    observer.close()

    (span,) = collector.spans
    assert span.failed
    assert (span.attributes["endface.code"], span.attributes["endface.serial"]) == ("bad_parameter", "A123")
    assert "secret" not in str(span)


@pytest.mark.parametrize("header", [None, "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00"])
def test_request_that_is_not_traced_leaves_no_span(collector: Collector, header: str | None) -> None:
    """Without a context, with one that is none, and with one that its maker does not record."""
    assert spans_of(collector, request(traceparent=header) if header else request()) == []


def test_context_is_no_parameter_of_the_inspection() -> None:
    """Stages that read the request's parameters do not stumble over it."""
    observer = Observer(SimpleNamespace(), POSTPROCESS.name)
    with observer.watch(request(traceparent=HEADER, Tracestate="a=b", profile="mm-pc")) as watched:
        assert watched.parameters == {"profile": "mm-pc"}


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"OTEL_SERVICE_NAME": "line-3"}, "line-3"),
        ({"OTEL_RESOURCE_ATTRIBUTES": "service.name=line-4,host.name=x"}, "line-4"),
    ],
)
def test_service_may_have_another_name(
    monkeypatch: pytest.MonkeyPatch, collector: Collector, variables: dict[str, str], name: str
) -> None:
    """The standard's variables win over ours."""
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    assert [span.service for span in spans_of(collector, request(traceparent=HEADER))] == [name]
