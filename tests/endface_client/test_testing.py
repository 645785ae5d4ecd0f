"""FakeServer behaves as a real server does, as far as a client can tell; both run the same tests here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import grpc
import numpy as np
import pytest
from numpy.typing import NDArray
from tritonclient import grpc as triton
from tritonclient.utils import InferenceServerException

from endface.report import Report, Scope
from endface_client import Client, InvalidRequest, Job
from endface_client._transport.wire import pack
from endface_client.testing import PASS, Failure, FakeServer, Received


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.triton)])
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    """A client of a fake and of a real server, neither of which has a default profile."""
    if request.param == "fake":
        with FakeServer() as fake, Client(fake.address) as client:
            yield client
    else:
        with Client(request.getfixturevalue("server").grpc_address, deadline_s=60) as client:
            yield client


def test_a_clean_face_passes(client: Client, face: NDArray[np.uint8]) -> None:
    """A drawn face without a defect gets a pass with its zones and its fiber."""
    report = client.inspect(face, profile="mm-pc")

    assert report.verdict == "pass"
    assert [zone.name for zone in report.zones] == [zone.name for zone in PASS.zones]
    assert report.fiber is not None


def test_what_was_asked_is_echoed(client: Client, face: NDArray[np.uint8]) -> None:
    """Name, serial number, meta and profile come back in the report, in any script."""
    report = client.inspect(face, profile="sm-apc", serial="A 123", meta={"línea": "3", "b": "x=y"}, name="ß.png")

    assert report.image.name == "ß.png"
    assert report.serial == "A 123"
    assert report.meta == {"línea": "3", "b": "x=y"}
    assert report.criteria.profile == "sm-apc"


def test_zones_that_were_asked_for_are_those_of_the_report(client: Client, face: NDArray[np.uint8]) -> None:
    """A pass is about these zones, and names the others."""
    report = client.inspect(face, profile="mm-pc", zones="A,B")

    assert report.verdict == "pass"
    assert [zone.name for zone in report.zones] == ["A", "B"]
    assert report.scope == Scope(("A", "B"), ("C", "D"))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, "unknown_profile"),
        ({"profile": "mm-pc", "zones": "X"}, "bad_parameter"),
        ({"profile": "foo"}, "unknown_profile"),
        ({"profile": "mm-pc", "um_per_px": -1.0}, "bad_parameter"),
        ({"profile": "mm-pc", "cladding_um": float("nan")}, "bad_parameter"),
    ],
    ids=["no profile", "unknown zone", "unknown profile", "negative scale", "no number"],
)
def test_a_malformed_request_is_refused_with_its_code(
    client: Client, face: NDArray[np.uint8], options: dict[str, Any], code: str
) -> None:
    """Both name the same code and a sentence that says what to do."""
    with pytest.raises(InvalidRequest) as caught:
        client.inspect(face, **options)

    assert caught.value.code == code
    assert not str(caught.value).startswith(code)


def test_reports_of_many_pictures_are_not_crossed(client: Client, face: NDArray[np.uint8]) -> None:
    """Under load each picture gets its own report, in order."""
    jobs = [Job(np.roll(face, shift, axis=1), name=str(shift), profile="mm-pc") for shift in range(12)]
    reports = list(client.inspect_many(jobs, concurrency=4))

    assert [report.image.name for report in reports] == [str(shift) for shift in range(12)]
    assert len({report.image.sha256 for report in reports}) == 12


def test_health_needs_no_profile(client: Client) -> None:
    """A whole inspection works without one."""
    client.health()


@pytest.mark.triton
def test_a_real_server_tells_bytes_that_are_no_picture(server: FakeServer) -> None:
    """Text is a picture that cannot be judged: a report, not an error, and never a pass."""
    with Client(server.grpc_address, profile="mm-pc", deadline_s=60) as client:
        report = client.inspect(b"this is no picture")

    assert report.verdict == "invalid"
    assert report.error is not None
    assert report.error.code == "undecodable"


def test_every_request_is_kept() -> None:
    """A user's test can look at what was sent."""
    with FakeServer() as server, Client(server.address, profile="mm-pc") as client:
        client.inspect(b"one", serial="1")
        client.inspect(b"two", serial="2")

    assert [(each.picture, each.parameters["serial"]) for each in server.requests] == [(b"one", "1"), (b"two", "2")]


def test_an_answer_may_depend_on_the_request() -> None:
    """A function of the request plays any server."""
    failure = Failure(grpc.StatusCode.INTERNAL, "stumbled")
    fake = FakeServer(lambda received: failure if received.picture == b"bad" else PASS)
    with fake, Client(fake.address, profile="mm-pc", repeat=False) as client:
        kinds = [type(each) for each in client.inspect_many([b"good", b"bad"], return_errors=True)]

    assert [kind.__name__ for kind in kinds] == ["Report", "ServerError"]


def test_another_model_is_unknown() -> None:
    """Only the ensemble is served, as a client of the steps would find out."""
    with (
        FakeServer() as server,
        triton.InferenceServerClient(server.address) as steps,
        pytest.raises(InferenceServerException) as caught,
    ):
        steps.infer("segment", [])

    assert caught.value.status() == "StatusCode.NOT_FOUND"


def test_a_cancelled_call_is_counted() -> None:
    """A test can see that a client gave a call up on the wire, which ours never do."""
    answers = threading.Semaphore(0)

    def answer(_: Received) -> Report:
        answers.acquire(timeout=60)
        return PASS

    with FakeServer(answer) as server, grpc.insecure_channel(server.address) as channel:
        call = pack(Job(b"a picture", profile="mm-pc")).request(1.0).SerializeToString()
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        live = channel.unary_unary("/inference.GRPCInferenceService/ServerLive")
        while not server.cancelled:  # an answer may overtake the cancellation: then another call is given up
            asked = len(server.requests)
            pending = infer.future(call)
            while len(server.requests) == asked:
                time.sleep(0.001)
            pending.cancel()
            with suppress(grpc.RpcError):  # the fake knows no such method, but answers behind the cancellation
                live(b"")
            answers.release()
