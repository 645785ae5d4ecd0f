"""Spans of inspections: the whole, its attempts, and the context that each of them sends along."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import grpc
import pytest

from endface.telemetry import trace
from endface_client import AsyncClient, Client, InvalidRequest, ServerUnavailable
from endface_client.testing import PASS, Answer, Failure, FakeServer, Received
from tests.span_collector import Collector, Span, tree

Connect = Callable[..., Client]
BUSY = Failure(grpc.StatusCode.UNAVAILABLE, "GOAWAY received")


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Whom the environment names."""
    trace._provider.cache_clear()
    with Collector() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.endpoint)
        yield running
    trace._provider.cache_clear()


def sent(collector: Collector) -> list[Span]:
    """The spans of this process, once all are there."""
    provider = trace._provider("endface-client")
    assert provider is not None
    provider.close()
    return collector.spans


def named(spans: list[Span], name: str) -> list[Span]:
    """Those of a name, in the order of their starts."""
    return sorted((span for span in spans if span.name == name), key=lambda span: span.start_ns)


def test_inspection_is_a_span_around_its_attempt(
    connect: Connect, fake_server: FakeServer, collector: Collector
) -> None:
    """The server gets the attempt's context and the trace's number as request id, and the span has the log's fields."""
    client = connect(fake_server.address)
    report = client.inspect(b"a picture", serial="A123", name="face.png", meta={"secret": "x"})

    spans = sent(collector)
    inspection, attempt = (*named(spans, "endface.inspect"), *named(spans, "endface.attempt"))
    (received,) = fake_server.requests
    assert tree(spans) == ["endface.inspect", "  endface.attempt"]
    assert {span.service for span in spans} == {"endface-client"}
    assert received.headers["traceparent"].split("-")[1:3] == [attempt.trace, attempt.id]
    assert inspection.attributes == {
        "endface.request_id": inspection.trace,
        "endface.serial": "A123",
        "endface.name": "face.png",
        "endface.profile": "mm-pc",
        "endface.profile_sha256": "",  # the fake server has no profile file
        "endface.picture_sha256": report.image.sha256,
        "endface.verdict": "pass",
        "endface.borderline": False,
        "endface.defects": 0,
        "endface.attempts": 1,
    }
    assert attempt.attributes == {"endface.attempt": 1}
    assert not inspection.failed
    assert not attempt.failed


def test_each_attempt_has_its_span(connect: Connect, fake_server: FakeServer, collector: Collector) -> None:
    """One that failed is red and says why; the inspection is not, for its report came."""
    answers: Iterator[Answer] = iter([BUSY, BUSY, PASS])
    fake_server.answer = lambda _: next(answers)
    client = connect(fake_server.address)
    client.inspect(b"a picture")

    spans = sent(collector)
    attempts = named(spans, "endface.attempt")
    assert [span.attributes.get("endface.code") for span in attempts] == ["server_unavailable"] * 2 + [None]
    assert [span.failed for span in attempts] == [True, True, False]
    assert [span.attributes["endface.attempt"] for span in attempts] == [1, 2, 3]
    parents = [received.headers["traceparent"].split("-")[2] for received in fake_server.requests]
    assert parents == [span.id for span in attempts]
    (inspection,) = named(spans, "endface.inspect")
    assert (inspection.failed, inspection.attributes["endface.attempts"]) == (False, 3)


def test_failed_inspection_says_why(connect: Connect, fake_server: FakeServer, collector: Collector) -> None:
    """The error's code and the number of attempts; the sentence may hold anything, and stays out."""
    fake_server.answer = Failure(grpc.StatusCode.INVALID_ARGUMENT, "bad_parameter: secret")
    with pytest.raises(InvalidRequest):
        connect(fake_server.address).inspect(b"a picture", serial="A123")

    (inspection,) = named(sent(collector), "endface.inspect")
    assert inspection.failed
    told = {key: inspection.attributes[f"endface.{key}"] for key in ("code", "attempts", "serial")}
    assert told == {"code": "bad_parameter", "attempts": 1, "serial": "A123"}
    assert "secret" not in str(collector.spans)


def test_cancelled_inspection_ends_its_spans(collector: Collector) -> None:
    """A task that is cancelled leaves a trace that says so."""
    came, goes = threading.Event(), threading.Event()

    def hang(_: Received) -> Answer:
        came.set()
        goes.wait()
        return PASS

    async def cancel(address: str) -> None:
        async with AsyncClient(address, profile="mm-pc") as client:
            task = asyncio.create_task(client.inspect(b"a picture"))
            await asyncio.to_thread(came.wait)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    with FakeServer(hang) as server:
        asyncio.run(cancel(server.address))
        goes.set()

    spans = sent(collector)
    assert tree(spans) == ["endface.inspect", "  endface.attempt"]
    assert {(span.failed, span.attributes["endface.code"]) for span in spans} == {(True, "cancelled")}


def test_health_checks_leave_no_trace(connect: Connect, fake_server: FakeServer, collector: Collector) -> None:
    """They are no parts of the line."""
    client = connect(fake_server.address)
    client.health()

    assert sent(collector) == []
    assert "traceparent" not in fake_server.requests[0].headers


def test_trace_that_is_not_sampled_is_not_sent(
    connect: Connect, fake_server: FakeServer, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The standard's sampler decides for the whole trace: neither here nor on the server is anything recorded."""
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    client = connect(fake_server.address)
    assert client.inspect(b"a picture").verdict == "pass"

    assert sent(collector) == []
    assert "traceparent" not in fake_server.requests[0].headers


def test_absent_collector_harms_no_inspection(
    connect: Connect, fake_server: FakeServer, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    """Reports come as ever, and a line says that traces are lost."""
    collector.status = 404
    client = connect(fake_server.address)
    assert [report.verdict for report in client.inspect_many([b"1", b"2", b"3"])] == ["pass"] * 3
    sent(collector)

    assert [message.startswith("no traces: ") for message in caplog.messages] == [True]


def test_programs_own_trace_goes_on(fake_server: FakeServer) -> None:
    """Where the program traces itself, inspections hang below its current span, in threads and tasks as well."""
    program = """
import asyncio, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from endface_client import AsyncClient, Client
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)

async def many(address):
    async with AsyncClient(address, profile="mm-pc") as client:
        return [report async for report in client.inspect_many([b"3", b"4"])]

with trace.get_tracer("station").start_as_current_span("station") as station:
    with Client(sys.argv[1], profile="mm-pc") as client:
        client.inspect(b"0")
        list(client.inspect_many([b"1", b"2"]))
    asyncio.run(many(sys.argv[1]))
inspections = [span for span in exporter.get_finished_spans() if span.name == "endface.inspect"]
print(len(inspections), {span.parent.span_id for span in inspections} == {station.get_span_context().span_id})
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, fake_server.address], capture_output=True, text=True, check=False
    )

    assert (ran.stdout, ran.stderr) == ("5 True\n", "")


def test_program_without_traces_gives_its_spans_at_its_end(fake_server: FakeServer, collector: Collector) -> None:
    """A short program, such as `endface inspect`, loses no span."""
    program = """
import sys
from endface_client import Client
with Client(sys.argv[1], profile="mm-pc") as client:
    client.inspect(b"a picture")
"""
    subprocess.run([sys.executable, "-c", program, fake_server.address], check=True)

    assert tree(collector.spans) == ["endface.inspect", "  endface.attempt"]


def test_unreachable_server_shows_its_attempts(collector: Collector) -> None:
    """What took the time was nobody's answer."""
    with Client("127.0.0.1:1", profile="mm-pc", deadline_s=0.3) as client, pytest.raises(ServerUnavailable) as failed:
        client.inspect(b"a picture")

    spans = sent(collector)
    assert len(named(spans, "endface.attempt")) == failed.value.attempts
    assert all(span.failed for span in spans)
