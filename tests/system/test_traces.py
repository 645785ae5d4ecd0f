"""One picture, one trace: from a client through the stages of a real Triton to a collector."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import tritonclient.grpc

from endface.health.canary import Canary
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface.telemetry import trace
from endface_client import Client, InvalidRequest
from tests.endface_client.faulty_server import UNAVAILABLE, FaultyServer
from tests.servers import free_ports, running, serve
from tests.span_collector import Collector, Span, tree
from tests.system.tensors import image_tensor
from tests.waiting import wait_until

pytestmark = pytest.mark.triton

STAGES = ["endface.preprocess", "endface.segment", "endface.postprocess"]


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    """A collector that the servers and the clients of these tests know."""
    with Collector() as running:
        yield running


@pytest.fixture(autouse=True)
def told(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The client's process asks for traces, and sends them soon."""
    trace._provider.cache_clear()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    yield
    provider = trace._provider("endface-client")
    if provider:
        provider.close()
    trace._provider.cache_clear()


@pytest.fixture(scope="module")
def traced(repository: Path, collector: Collector) -> Iterator[EmbeddedServer]:
    """A server whose stages are traced."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        with running(Settings(repository, **free_ports())) as server:
            yield server


def of_serial(spans: list[Span], serial: str) -> list[Span]:
    """The spans of the trace in which a part was inspected."""
    traces = {span.trace for span in spans if span.attributes.get("endface.serial") == serial}
    return [span for span in spans if span.trace in traces]


def one(spans: list[Span], name: str) -> Span:
    """The only span of a name."""
    (found,) = (span for span in spans if span.name == name)
    return found


def test_one_picture_is_one_trace(traced: EmbeddedServer, collector: Collector, project: Path) -> None:
    """Client, attempt and stages in one tree, each inside the time of its parent, with what the log would say."""
    with Client(traced.grpc_address, profile="mm-pc") as client:
        report = client.inspect(project / "samples" / "chipped.jpg", serial="one")
    found = collector.wait_for(lambda spans: len(of_serial(spans, "one")) >= 5)

    spans = of_serial(found, "one")
    assert tree(spans) == ["endface.inspect", "  endface.attempt", *(f"    {name}" for name in STAGES)]
    assert {span.service for span in spans if span.name in STAGES} == {"endface"}
    inspection, attempt = one(spans, "endface.inspect"), one(spans, "endface.attempt")
    stages = [one(spans, name) for name in STAGES]
    times = [inspection.start_ns, attempt.start_ns, *(time for each in stages for time in (each.start_ns, each.end_ns))]
    assert times == sorted(times)
    assert times[-1] <= attempt.end_ns <= inspection.end_ns
    postprocess = stages[-1].attributes
    assert postprocess.items() <= inspection.attributes.items()
    assert (postprocess["endface.verdict"], postprocess["endface.defects"]) == ("fail", len(report.defects))
    assert report.model is not None
    assert postprocess["endface.network_sha256"] == report.model.sha256
    assert {span.attributes["endface.request_id"] for span in stages} == {inspection.trace}


def test_repeated_attempt_is_in_the_trace(traced: EmbeddedServer, collector: Collector, png: bytes) -> None:
    """The first attempt failed on its way, the stages belong to the second."""
    with FaultyServer(traced.grpc_address) as faulty, Client(faulty.address, profile="mm-pc") as client:
        faulty.plan.append(UNAVAILABLE)
        client.inspect(png, serial="again")
    spans = of_serial(collector.wait_for(lambda spans: len(of_serial(spans, "again")) >= 6), "again")

    attempts = ["  endface.attempt", "  endface.attempt"]
    assert tree(spans) == ["endface.inspect", *attempts, *(f"    {name}" for name in STAGES)]
    failed = [span.attributes["endface.code"] for span in spans if span.failed]
    assert failed == ["server_unavailable"]
    assert one(spans, "endface.inspect").attributes["endface.attempts"] == 2


def test_refused_request_ends_in_its_stage(traced: EmbeddedServer, collector: Collector, png: bytes) -> None:
    """Where it was refused and why, on both sides."""
    with Client(traced.grpc_address) as client, pytest.raises(InvalidRequest):
        client.inspect(png, serial="refused", profile="no-such-profile")
    spans = of_serial(collector.wait_for(lambda spans: len(of_serial(spans, "refused")) >= 3), "refused")

    assert tree(spans) == ["endface.inspect", "  endface.attempt", "    endface.preprocess"]
    assert {(span.failed, span.attributes["endface.code"]) for span in spans} == {(True, "unknown_profile")}


def test_any_client_with_the_standards_header_is_traced(
    traced: EmbeddedServer, collector: Collector, png: bytes
) -> None:
    """Every one of many calls, with the ids that the caller made; one without the header leaves nothing."""
    tensor = image_tensor(png)
    callers = {f"{number:032x}": f"{number:016x}" for number in range(1, 21)}
    with tritonclient.grpc.InferenceServerClient(traced.grpc_address) as client:
        for number, caller in callers.items():
            headers = {"traceparent": f"00-{number}-{caller}-01"}
            client.infer("endface", [tensor], parameters={"profile": "mm-pc"}, headers=headers)
            client.infer("endface", [tensor], parameters={"profile": "mm-pc", "serial": "untraced"})
    wanted = {(number, caller, name) for number, caller in callers.items() for name in STAGES}
    found = collector.wait_for(lambda spans: wanted <= {(span.trace, span.parent, span.name) for span in spans})

    assert of_serial(found, "untraced") == []


def test_header_comes_over_http_as_well(traced: EmbeddedServer, collector: Collector, png: bytes) -> None:
    """Triton's other door hands it on, too."""
    canary = Canary("127.0.0.1", traced.settings.http_port, png)
    asked = urllib.request.Request(
        f"http://{traced.http_address}/v2/models/endface/infer",
        canary._content,
        {"Inference-Header-Content-Length": str(canary._header), "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert answer.status == 200
    found = collector.wait_for(lambda spans: len([span for span in spans if span.trace == "a" * 32]) == 3)

    assert tree([span for span in found if span.trace == "a" * 32], "b" * 16) == STAGES


def test_absent_collector_costs_no_picture(
    repository: Path, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are inspected, one line says that traces are lost, and the server stops as ever."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"{collector.endpoint}/elsewhere")
    monkeypatch.setattr(collector, "status", 404)
    lines: list[str] = []
    with running(Settings(repository, **free_ports()), lines.append) as server:
        with Client(server.grpc_address, profile="mm-pc") as client:
            reports = list(client.inspect_many([b"no picture"] * 50))
        wait_until(lambda: any(line.startswith("no traces: ") for line in lines), message=lines)
        server.stop()

    assert [report.verdict for report in reports] == ["invalid"] * 50
    assert len([line for line in lines if "traces" in line]) == 1


def test_what_keeps_stages_from_tracing_is_said_by_serve(repository: Path) -> None:
    """Though they say it before the server is ready, and six of them: one line, and the server serves."""
    with serve(free_ports(), f"--repository={repository}", OTEL_BSP_MAX_QUEUE_SIZE="-1") as serving:
        with Client(serving.address, profile="mm-pc") as client:
            assert client.inspect(b"no picture").verdict == "invalid"
        assert serving.stop() == 0

    (line,) = (line for line in serving.log.splitlines() if "traces" in line)
    assert line.startswith("no traces: ")
    assert line.endswith("; correct OTEL_*")
