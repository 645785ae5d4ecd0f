"""Requests that no client of ours sends, written by hand: each gets a typed answer, and the server goes on."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from endface.server.process import EmbeddedServer
from endface_client import TLS, Client, InvalidRequest
from tests.security import mutations

pytestmark = pytest.mark.triton

REQUESTS = int(os.environ.get("ENDFACE_FUZZ_REQUESTS", "200"))
"""Requests of the longest test; more find more."""

Code = grpc.StatusCode

REFUSALS = {Code.INVALID_ARGUMENT, Code.NOT_FOUND, Code.UNAVAILABLE, Code.UNIMPLEMENTED}
"""How a request may end; a stage that is asked behind the ensemble's back may also say INTERNAL."""

FACE = (Path(__file__).parents[2] / "samples" / "chipped.jpg").read_bytes()

DOOR = "endface"

LENGTHS = st.one_of(st.sampled_from([-1, 0, 1, 2, 8, 9, 512, 2**31, 2**32, 2**62]), st.integers(-(2**63), 2**63 - 1))

CONTENTS = st.one_of(
    st.just(struct.pack("<I", len(FACE)) + FACE),
    st.builds(lambda size, data: struct.pack("<I", size) + data, st.integers(0, 2**32 - 1), st.binary(max_size=64)),
    st.binary(max_size=64),
    st.just(bytes(512 * 512)),
    st.just(b"\xff" * (512 * 512)),
    st.builds(lambda text: struct.pack("<I", len(text.encode())) + text.encode(), st.text(max_size=64)),
)

SHAPES = st.one_of(
    st.just([1, 1]), st.just([1, 512, 512]), st.just([1, 1, 512, 512]), st.just([2, 1]), st.lists(LENGTHS, max_size=5)
)

TENSORS = st.tuples(
    st.sampled_from(["IMAGE", "SQUARE", "LABELS", "CONFIDENCE", "FRAME", "", "OTHER"]),
    st.sampled_from(["BYTES", "UINT8", "FP32", "BOOL", "", "NONSENSE"]),
    SHAPES,
)

VALUES = st.one_of(
    st.builds(lambda v: wire.InferParameter(string_param=v), st.one_of(st.text(max_size=40), st.just("x" * 100_000))),
    st.builds(lambda v: wire.InferParameter(int64_param=v), st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda v: wire.InferParameter(bool_param=v), st.booleans()),
    st.builds(lambda v: wire.InferParameter(double_param=v), st.floats()),
    st.just(wire.InferParameter()),
)

NAMES = st.one_of(
    st.sampled_from(["profile", "cladding_um", "um_per_px", "serial", "name", "meta.a", "timeout", "priority"]),
    st.sampled_from(["sequence_id", "sequence_start", "shared_memory_region", "classification", "binary_data"]),
    st.text(max_size=10),
)


@st.composite
def infer_requests(draw: st.DrawFn) -> wire.ModelInferRequest:
    """A request with something wrong in most of its parts."""
    request = wire.ModelInferRequest(
        model_name=draw(st.sampled_from([DOOR, DOOR, DOOR, "preprocess", "segment", "postprocess", "", "other"])),
        model_version=draw(st.sampled_from(["", "", "", "1", "2", "-1", "x"])),
        id=draw(st.text(max_size=10)),
    )
    whole = st.just([("IMAGE", "BYTES", [1, 1])])
    for name, datatype, shape in draw(st.one_of(whole, st.lists(TENSORS, max_size=4))):
        tensor = request.inputs.add(name=name, datatype=datatype, shape=shape)
        if draw(st.integers(0, 9)) == 0:
            tensor.parameters["shared_memory_region"].string_param = draw(st.text(max_size=10))
    request.raw_input_contents.extend(draw(CONTENTS) for _ in range(draw(st.integers(0, 1)) or len(request.inputs)))
    for name in draw(st.lists(st.sampled_from(["REPORT", "LABELS", "SQUARE", "", "OTHER"]), max_size=3)):
        request.outputs.add(name=name)
    if draw(st.booleans()):
        request.parameters["profile"].string_param = "mm-pc"
    for name, value in draw(st.dictionaries(NAMES, VALUES, max_size=3)).items():
        request.parameters[name].CopyFrom(value)
    return request


@pytest.fixture(scope="module")
def stub(line_server: EmbeddedServer, tls: Callable[[str], TLS]) -> Iterator[Any]:
    """Triton's gRPC service, without a client's kindness."""
    with grpc.secure_channel(line_server.grpc_address, tls("station").credentials()) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def refusal(stub: Any, asked: wire.ModelInferRequest) -> Any:
    """How a request was refused, if it was."""
    try:
        stub.ModelInfer(asked, timeout=60)
    except grpc.RpcError as exc:
        return exc
    return None


@settings(max_examples=REQUESTS, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=infer_requests())
def test_every_request_is_answered(stub: Any, line_server: EmbeddedServer, asked: wire.ModelInferRequest) -> None:
    """With a result or a refusal, never with a fault of the server, and no process of it dies."""
    refused = refusal(stub, asked)
    if refused is not None:
        allowed = REFUSALS if asked.model_name == DOOR else REFUSALS | {Code.INTERNAL}
        assert refused.code() in allowed, refused.details()
        assert "Traceback" not in refused.details()
    assert not line_server.has_ended()
    assert line_server.processes.missing() == {}


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
def test_oversized_picture_is_refused(stub: Any, station: Client, megabytes: int) -> None:
    """More bytes than a picture may have are an error of the request; the next picture is inspected."""
    data = bytes(megabytes << 20)
    request = wire.ModelInferRequest(model_name=DOOR, raw_input_contents=[struct.pack("<I", len(data)) + data])
    request.inputs.add(name="IMAGE", datatype="BYTES", shape=[1, 1])
    request.parameters["profile"].string_param = "mm-pc"

    with pytest.raises(grpc.RpcError, match="oversized_image") as refused:
        stub.ModelInfer(request, timeout=60)
    assert refused.value.code() is Code.INVALID_ARGUMENT
    station.health()


def test_server_inspects_after_all_that(station: Client) -> None:
    """A sample has its verdict still."""
    assert station.inspect(FACE).verdict == "fail"


def test_fuzzing_counts_what_it_finds(project: Path, tmp_path: Path) -> None:
    """The long campaign answers for each request, goes on where it stopped, and keeps nothing where all is well."""
    record = tmp_path / "record.json"
    for requests in (100, 200):
        ran = subprocess.run(
            [sys.executable, "-m", "tests.security.fuzz_requests", f"--requests={requests}", f"--record={record}",
             f"--keep={tmp_path / 'found'}"],
            cwd=project, capture_output=True, text=True, check=False,
        )  # fmt: skip

        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert f"{requests} requests of seed 0" in ran.stdout
    assert json.loads(record.read_text())["done"] == 200
    assert not (tmp_path / "found").exists()
