"""Requests that no client of ours sends: each gets a typed answer, and the server goes on."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from tritonclient.grpc import service_pb2_grpc

from endface.server.process import EmbeddedServer
from endface_client import Client, InvalidRequest
from tests.security import fuzz_requests, mutations, wire_mutations

pytestmark = pytest.mark.triton

FACE = (Path(__file__).parents[2] / "samples" / "chipped.jpg").read_bytes()


@pytest.mark.parametrize("count", [300, pytest.param(10_000, marks=pytest.mark.long)])
def test_every_request_is_answered(
    channel: grpc.Channel, line_server: EmbeddedServer, station: Client, count: int
) -> None:
    """With a result or a refusal, never with a fault of the server; no process of it dies, and it judges as ever."""
    outcomes = [fuzz_requests.ask(channel, number, wire_mutations.asked(1, number)) for number in range(count)]

    assert [outcome for outcome in outcomes if outcome.is_finding] == []
    assert not line_server.has_ended()
    assert line_server.processes.missing() == {}
    assert station.inspect(FACE).verdict == "fail"


def test_every_picture_is_answered(station: Client) -> None:
    """Hostile pictures through the whole server give reports, or refusals of the request."""
    outcomes = []
    for number in range(100):
        try:
            outcomes.append(station.inspect(mutations.picture(2, number)).verdict)
        except InvalidRequest as exc:
            outcomes.append(exc.code)

    assert len(outcomes) == 100
    assert "invalid" in outcomes


@pytest.mark.parametrize("megabytes", [65, 100])
def test_oversized_picture_is_refused(channel: grpc.Channel, station: Client, megabytes: int) -> None:
    """More bytes than a picture may have are an error of the request; the next picture is inspected."""
    stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)

    with pytest.raises(grpc.RpcError, match="oversized_image") as refused:
        stub.ModelInfer(wire_mutations.infer_request(bytes(megabytes << 20)), timeout=60)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    station.health()


def test_fuzzing_counts_what_it_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The long campaign answers for each request, goes on where it stopped, and keeps nothing where all is well."""
    record, kept = tmp_path / "record.json", tmp_path / "found"
    for count in (20, 40):
        status = fuzz_requests.main([f"--requests={count}", f"--record={record}", f"--keep={kept}"])
        said = capsys.readouterr().out

        assert status == 0, said
        assert f"{count} requests of seed 0" in said
    assert json.loads(record.read_text())["done"] == 40
    assert not kept.exists()
