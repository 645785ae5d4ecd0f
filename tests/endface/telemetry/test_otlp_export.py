"""Spans on their way to a collector that may be gone."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator

import pytest

from endface.telemetry.otlp_export import Provider
from tests.span_collector import Collector


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a collector that hangs."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")


@pytest.fixture
def gone() -> Iterator[int]:
    """A port of this machine that nobody listens on, and that nobody else gets."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def make_span(provider: Provider) -> None:
    """One span, and the attempt to send it."""
    provider.get_tracer("test").start_span("span").end()
    provider.force_flush()


def test_absent_collector_is_said_once_until_it_comes(gone: int, caplog: pytest.LogCaptureFixture) -> None:
    """One line for an outage, however many batches are lost; the next outage has its own."""
    url = f"http://127.0.0.1:{gone}/v1/traces"
    provider = Provider(url, "test")
    make_span(provider)
    make_span(provider)
    assert caplog.messages == [f"no traces: {url} takes no spans; is a collector there, for OTLP over HTTP?"]
    provider.close()


def test_collector_that_comes_back_gets_spans(caplog: pytest.LogCaptureFixture) -> None:
    """What was lost is lost, what comes later arrives; each outage is said."""
    with Collector() as collector:
        provider = Provider(f"{collector.endpoint}/v1/traces", "test")
        for status in (500, 500, 200, 500):
            collector.status = status
            make_span(provider)
        provider.close()

    assert len(collector.spans) == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


def test_collector_that_hangs_does_not_hold_the_end() -> None:
    """Of many batches one is tried at the end."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        provider = Provider(f"http://127.0.0.1:{hole.getsockname()[1]}/v1/traces", "test")
        for _ in range(1000):
            provider.get_tracer("test").start_span("span").end()
        provider.close()


def test_spans_are_sent_at_the_end() -> None:
    """Whoever closes loses none of those that were made."""
    with Collector() as collector:
        provider = Provider(f"{collector.endpoint}/v1/traces", "test")
        provider.get_tracer("test").start_span("span").end()
        provider.close()

    assert [(span.service, span.name) for span in collector.spans] == [("test", "span")]
