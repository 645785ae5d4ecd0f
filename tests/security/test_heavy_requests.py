"""Requests that ask too much of Triton itself: what they cost, and that stations are served again."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from endface.contract import MAX_IMAGE_BYTES
from endface.server.process import EmbeddedServer
from endface_client import Client
from tests.security import fuzz_requests
from tests.security.campaign import Tally
from tests.security.wire_mutations import INFER, Asked, infer_request
from tests.servers import free_ports, serve
from tests.waiting import WITHIN_S

pytestmark = pytest.mark.triton

FACE = (Path(__file__).parents[2] / "samples" / "chipped.jpg").read_bytes()

_REGION = re.compile(r" (/dev/shm/\S+)")


def deadly_request() -> wire.ModelInferRequest:
    """Triton 2.51 divides by zero when it is to classify a report."""
    request = infer_request(FACE)
    request.outputs.add(name="REPORT").parameters["classification"].int64_param = 1
    return request


def regions(server: EmbeddedServer) -> dict[str, int]:
    """Bytes of the shared memory of a server's models, by path."""
    maps = "".join(Path(f"/proc/{pid}/maps").read_text() for pid in server.processes.stubs())
    return {path: Path(path).stat().st_size for path in set(_REGION.findall(maps)) if Path(path).exists()}


@pytest.mark.parametrize("packing", [grpc.Compression.NoCompression, grpc.Compression.Gzip], ids=["plain", "packed"])
def test_huge_message_does_not_fill_shared_memory(
    channel: grpc.Channel, line_server: EmbeddedServer, station: Client, packing: grpc.Compression
) -> None:
    """300 MiB, or as little as gzip makes of them, end in an error where they would enter a model's shared memory; no
    process dies, and the next picture is inspected.
    """
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
    with pytest.raises(grpc.RpcError, match="Failed to increase the shared memory pool size") as refused:
        stub.ModelInfer(infer_request(bytes(300 << 20)), timeout=120, compression=packing)

    assert refused.value.code() is grpc.StatusCode.INTERNAL
    sizes = regions(line_server)
    assert len(sizes) >= len(line_server.processes.stubs())
    assert max(sizes.values()) <= 4 * MAX_IMAGE_BYTES
    assert not line_server.has_ended()
    assert line_server.processes.missing() == {}
    assert station.inspect(FACE).verdict == "fail"


def test_server_that_a_request_ends_is_started_again(repository: Path) -> None:
    """A client that waits has its verdict all the same."""
    with serve(free_ports(), f"--repository={repository}") as serving:
        with grpc.insecure_channel(serving.address) as channel, pytest.raises(grpc.RpcError) as refused:
            service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(deadly_request(), timeout=WITHIN_S)
        with Client(serving.address, profile="mm-pc", deadline_s=WITHIN_S) as client:
            report = client.inspect(FACE)

    assert refused.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INVALID_ARGUMENT)  # newer: refused
    assert report.verdict == "fail"


def test_campaign_finds_who_ended_a_server() -> None:
    """Among several that were under way, and goes on with another server."""
    harmless = Asked(INFER, infer_request(FACE).SerializeToString())
    series = [harmless, harmless, Asked(INFER, deadly_request().SerializeToString()), harmless]
    tally, server = Tally("requests", 0), fuzz_requests.Server()
    try:
        fuzz_requests.run(tally, range(4), server, workers=4, series=lambda _seed, number: series[number])
    finally:
        server.stop()

    assert [(finding.number, finding.code) for finding in tally.findings] == [(2, "the server ended")]
    assert tally.counts["judged"] == 3
