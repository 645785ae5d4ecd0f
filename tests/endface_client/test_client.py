"""The sync and the async client over real gRPC to a fake server."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import grpc
import numpy as np
import pytest
from PIL import Image

from endface.options import Options
from endface.report import Report
from endface.stages import preprocess
from endface_client import (
    Client,
    ClientError,
    DeadlineExceeded,
    InvalidRequest,
    Job,
    Overloaded,
    ProtocolError,
    ServerError,
    ServerUnavailable,
    UnreadablePicture,
)
from endface_client.testing import PASS, Answer, Failure, FakeServer, Received

Connect = Callable[..., Client]

LEVELS = np.arange(48, dtype=np.uint8).reshape(6, 8)


def numbered(count: int) -> Iterator[Job]:
    """Pictures named 0, 1, 2..."""
    return (Job(b"picture %d" % index, name=str(index)) for index in range(count))


def test_the_report_comes_back_typed(connect: Connect, fake_server: FakeServer) -> None:
    """A picture's report arrives as the Report that the server made."""
    report = connect(fake_server.address).inspect(b"a picture", serial="A123", meta={"line": "3"})

    assert isinstance(report, Report)
    assert (report.verdict, report.serial, report.meta) == ("pass", "A123", {"line": "3"})
    assert report.zones == PASS.zones


def test_settings_and_options_travel_as_parameters(connect: Connect, fake_server: FakeServer) -> None:
    """What a call says goes before what the client says, and what nobody says is not sent."""
    client = connect(fake_server.address, profile="sm-apc", cladding_um=125.5)
    client.inspect(b"first")
    client.inspect(b"second", profile="mm-pc", um_per_px=0.43, serial="7", meta={"shift": "night"}, name="x.png")

    first, second = (received.parameters for received in fake_server.requests)
    assert first == {"profile": "sm-apc", "cladding_um": "125.5"}
    assert second == {
        "profile": "mm-pc",
        "cladding_um": "125.5",
        "um_per_px": "0.43",
        "serial": "7",
        "name": "x.png",
        "meta.shift": "night",
    }


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(6, 8), (6, 8, 1), (6, 8, 3), (6, 8, 4), "a view with strides"], ids=str)
def test_an_array_arrives_without_loss(connect: Connect, fake_server: FakeServer, shape: Any, dtype: Any) -> None:
    """An array of either depth is the same array when the server decodes it, as it looks and not as it lies."""
    is_view = isinstance(shape, str)
    levels = np.random.default_rng(1).integers(0, np.iinfo(dtype).max, (12, 8) if is_view else shape, dtype)
    levels = levels[::2, ::-1] if is_view else levels
    connect(fake_server.address).inspect(levels)

    received = cv2.imdecode(np.frombuffer(fake_server.requests[0].picture, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(received, levels[:, :, 0] if levels.shape[2:] == (1,) else levels)


def test_path_bytes_and_array_give_the_same_report(connect: Connect, fake_server: FakeServer, tmp_path: Path) -> None:
    """The form of a picture does not show in its report; a file goes unchanged, by its name without the folders."""
    path = tmp_path / "face 1.png"
    client = connect(fake_server.address)
    client.inspect(LEVELS, name=path.name)
    data = fake_server.requests[0].picture
    path.write_bytes(data)
    reports = [client.inspect(path), client.inspect(str(path))]
    reports += [client.inspect(form, name="face 1.png") for form in (LEVELS, data)]

    assert {received.picture for received in fake_server.requests} == {data}
    assert {report.image.name for report in reports} == {"face 1.png"}
    assert len({report.to_json() for report in reports}) == 1


@pytest.mark.parametrize(
    ("picture", "code"),
    [
        pytest.param(LEVELS.astype(np.float32), "unreadable_picture", id="float"),
        pytest.param(LEVELS.astype(np.int64), "unreadable_picture", id="int64"),
        pytest.param(LEVELS.astype(bool), "unreadable_picture", id="bool"),
        pytest.param(LEVELS.ravel(), "unreadable_picture", id="one axis"),
        pytest.param(LEVELS[None, None], "unreadable_picture", id="four axes"),
        pytest.param(np.zeros((0, 8), np.uint8), "unreadable_picture", id="empty array"),
        pytest.param(np.zeros((6, 8, 2), np.uint8), "unreadable_picture", id="two channels"),
        pytest.param(Image.new("L", (8, 8)), "unreadable_picture", id="Pillow image"),
        pytest.param(bytearray(b"picture"), "unreadable_picture", id="bytearray"),
        pytest.param(None, "unreadable_picture", id="None"),
        pytest.param("null\0character.png", "unreadable_picture", id="path with a null character"),
        pytest.param(b"", "empty_image", id="no bytes"),
        pytest.param(Job(b"picture", meta={"lot": 5}), "bad_parameter", id="number as meta"),  # type: ignore[dict-item] # the mistake
        pytest.param(Job(b"picture", serial="\ud800"), "bad_parameter", id="half a surrogate pair"),
    ],
)
def test_what_is_no_picture_is_refused_here(connect: Connect, fake_server: FakeServer, picture: Any, code: str) -> None:
    """It has the code that a server would give, is never sent, and costs no other picture."""
    first, second, third = connect(fake_server.address).inspect_many([b"1", picture, b"3"], return_errors=True)

    assert isinstance(second, UnreadablePicture if code == "unreadable_picture" else InvalidRequest)
    assert second.code == code
    assert isinstance(first, Report)
    assert isinstance(third, Report)
    assert {received.picture for received in fake_server.requests} == {b"1", b"3"}


@pytest.mark.parametrize(
    ("picture", "sentence"),
    [
        (LEVELS.astype(np.float32), "give uint8 or uint16"),
        (None, "NoneType .* is no picture: give a path, bytes, or a numpy array"),
        (Job(b"picture", meta={"lot": 5}), "meta.lot is 5; give a text"),  # type: ignore[dict-item] # the mistake
        (Job(b"picture", serial="\ud800"), "serial"),
    ],
    ids=["array", "object", "meta", "serial"],
)
def test_what_is_no_picture_is_told_what_would_do(fake_server: FakeServer, picture: Any, sentence: str) -> None:
    """One sentence for each kind of mistake."""
    with Client(fake_server.address) as client, pytest.raises(ClientError, match=sentence):
        client.ask(picture)


def test_a_missing_file_is_refused_here(connect: Connect, fake_server: FakeServer, tmp_path: Path) -> None:
    """A path without a file is an UnreadablePicture with its OSError as the cause."""
    with pytest.raises(UnreadablePicture, match=r"gone\.png cannot be read: No such file") as caught:
        connect(fake_server.address).inspect(tmp_path / "gone.png")

    assert isinstance(caught.value.__cause__, FileNotFoundError)


@pytest.mark.parametrize(
    ("failure", "expected", "code"),
    [
        (Failure(grpc.StatusCode.UNAVAILABLE, "GOAWAY received"), ServerUnavailable, "server_unavailable"),
        (Failure(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size"), Overloaded, "overloaded"),
        (Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "too late"), DeadlineExceeded, "deadline_exceeded"),
        (Failure(grpc.StatusCode.INTERNAL, "Stub process is not healthy"), ServerError, "server_error"),
        (Failure(grpc.StatusCode.INTERNAL, "internal: its log says why"), ServerError, "server_error"),
        (Failure(grpc.StatusCode.NOT_FOUND, "unknown model"), ServerUnavailable, "server_unavailable"),
        (Failure(grpc.StatusCode.INVALID_ARGUMENT, "bad_parameter: no such"), InvalidRequest, "bad_parameter"),
    ],
    ids=lambda value: getattr(value, "message", None),
)
def test_a_failed_call_is_a_typed_error_with_its_cause(
    connect: Connect, fake_server: FakeServer, failure: Failure, expected: type[ClientError], code: str
) -> None:
    """Each way a call can fail has its class and code, and keeps the library's error as its cause."""
    fake_server.answer = failure
    with pytest.raises(ClientError) as caught:
        connect(fake_server.address, repeat=False).inspect(b"a picture")

    assert type(caught.value) is expected
    assert (caught.value.code, caught.value.attempts) == (code, 1)
    assert failure.message.rpartition(": ")[2] in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_server_that_is_down_is_named(connect: Connect, dead: str) -> None:
    """The message names the address that nobody answers at."""
    with pytest.raises(ServerUnavailable, match=rf"{dead} takes no pictures; .* tried \d+ times") as caught:
        connect(dead, deadline_s=0.3).inspect(b"a picture")

    assert caught.value.attempts > 1


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (PASS.to_json().encode(), type(None)),
        (b"", ValueError),
        (b"no json", ValueError),
        (b'{"schema_version": "endface.report/2"}', ValueError),
    ],
    ids=["another picture's", "empty", "no JSON", "another schema"],
)
def test_an_answer_that_is_not_the_pictures_report_is_refused(
    connect: Connect, fake_server: FakeServer, answer: bytes, cause: type
) -> None:
    """A ProtocolError, with the reading's error as its cause; the report of another picture is never taken."""
    fake_server.answer = answer
    with pytest.raises(ProtocolError) as caught:
        connect(fake_server.address).inspect(b"a picture")

    assert isinstance(caught.value.__cause__, cause)


def test_a_file_name_that_is_no_text_is_spelled_out(connect: Connect, fake_server: FakeServer, tmp_path: Path) -> None:
    """A file whose name is not UTF-8 is inspected all the same."""
    path = tmp_path / os.fsdecode(b"face\xff.png")
    path.write_bytes(b"a picture")

    assert connect(fake_server.address).inspect(path).image.name == "face\\udcff.png"


def test_many_reports_come_in_order(connect: Connect, fake_server: FakeServer) -> None:
    """They keep the pictures' order although as many as asked for are under way at once, and never more."""
    barrier = threading.Barrier(3)

    def answer(_: Received) -> Report:
        barrier.wait(30)  # opens only if three are under way, which then finish in any order
        return PASS

    fake_server.answer = answer
    reports = connect(fake_server.address).inspect_many(numbered(30), concurrency=3)

    assert [report.image.name for report in reports] == [str(index) for index in range(30)]
    assert fake_server.most_in_flight == 3


def test_pictures_are_taken_only_as_reports_are(connect: Connect, fake_server: FakeServer) -> None:
    """An endless iterable is fine: at most twice the concurrency is held ahead of the reader."""
    taken = 0

    def endless() -> Iterator[Job]:
        nonlocal taken
        while True:
            taken += 1
            yield Job(b"picture %d" % taken)

    reports = connect(fake_server.address).inspect_many(endless(), concurrency=2)
    assert taken == 0
    for count in range(1, 20):
        next(reports)
        assert taken <= count + 4
    reports.close()


def test_no_pictures_give_no_reports(connect: Connect, fake_server: FakeServer) -> None:
    """An empty iterable ends at once."""
    assert list(connect(fake_server.address).inspect_many([])) == []


def fails_on(name: str) -> Callable[[Received], Answer]:
    """A server that stumbles over one picture."""
    failure = Failure(grpc.StatusCode.INTERNAL, "internal: stumbled")
    return lambda received: failure if received.parameters["name"] == name else PASS


def test_an_error_is_raised_in_its_pictures_turn(connect: Connect, fake_server: FakeServer) -> None:
    """The reports before the failed picture are given first."""
    fake_server.answer = fails_on("5")
    reports = connect(fake_server.address).inspect_many(numbered(10), concurrency=4)
    names = [next(reports).image.name for _ in range(5)]
    with pytest.raises(ServerError, match="stumbled"):
        next(reports)

    assert names == ["0", "1", "2", "3", "4"]


def test_errors_can_take_their_pictures_place(connect: Connect, fake_server: FakeServer) -> None:
    """With return_errors one failed picture costs no other."""
    fake_server.answer = fails_on("5")
    reports = connect(fake_server.address).inspect_many(numbered(10), concurrency=4, return_errors=True)
    kinds = [type(report) for report in reports]

    assert kinds == [Report] * 5 + [ServerError] + [Report] * 4


def test_a_concurrency_below_one_is_a_mistake(connect: Connect, fake_server: FakeServer) -> None:
    """It is told at once, not at the first report."""
    with pytest.raises(ValueError, match="at least 1"):
        connect(fake_server.address).inspect_many([], concurrency=0)


def test_scope_and_wishes_travel_as_parameters(connect: Connect, fake_server: FakeServer) -> None:
    """Zones, a screening and an insisted core: of the client, or of a call that says it otherwise."""
    client = connect(fake_server.address, zones="A,B", screen=True)
    client.inspect(b"first")
    client.inspect(b"second", zones="all", screen=False, any_core=True)
    client.health()

    first, second, health = (received.parameters for received in fake_server.requests)
    assert (first["zones"], first["screen"], "any_core" in first) == ("A,B", "true", False)
    assert (second["zones"], second["screen"], second["any_core"]) == ("all", "false", "true")
    assert not health.keys() & {"zones", "screen"}


def test_unknown_zones_are_refused_with_those_that_exist(connect: Connect) -> None:
    """By the server, as every other wrong parameter."""
    with FakeServer() as server, pytest.raises(InvalidRequest, match="name some of A, B, C, D, or all"):
        connect(server.address).inspect(b"face", zones="A,X")


def test_health_is_a_whole_inspection(connect: Connect, fake_server: FakeServer) -> None:
    """Health sends a face with a fiber, and a profile although the client has none; a server that fails is not well."""
    client = connect(fake_server.address, profile=None)
    client.health()
    fake_server.answer = Failure(grpc.StatusCode.INTERNAL, "Stub process is not healthy")
    with pytest.raises(ServerError):
        client.health()

    received = fake_server.requests[0]
    _, frame = preprocess(received.picture, Options(profile=received.parameters["profile"]))
    assert frame.problem is None


def test_a_client_says_where_it_goes() -> None:
    """Its repr helps in a debugger."""
    with Client("127.0.0.1:8001", profile="mm-pc") as client:
        assert repr(client) == "Client('127.0.0.1:8001', profile='mm-pc')"


def test_a_closed_client_says_so(connect: Connect, fake_server: FakeServer) -> None:
    """Using a closed client is a programmer's mistake, not a server's."""
    client = connect(fake_server.address)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.inspect(b"a picture")


def test_several_servers_share_the_work(connect: Connect) -> None:
    """A list of servers, names included, is served round robin."""
    with FakeServer() as one, FakeServer() as two:
        addresses = f"{one.address}, {two.address.replace('127.0.0.1', 'localhost')}"
        client = connect(addresses)
        list(client.inspect_many(numbered(200), concurrency=4))
        counts = len(one.requests), len(two.requests)

    assert sum(counts) == 200
    assert min(counts) > 0


def test_a_dead_server_of_several_costs_nothing(connect: Connect, fake_server: FakeServer, dead: str) -> None:
    """Calls go to the servers that are alive."""
    client = connect(f"{dead},{fake_server.address}")

    assert len(list(client.inspect_many(numbered(20)))) == 20


def test_closing_a_client_ends_its_waiting(fake_server: FakeServer) -> None:
    """A picture that is tried again and again is given up when the client closes, long before its deadline."""
    fake_server.answer = Failure(grpc.StatusCode.UNAVAILABLE, "GOAWAY received")
    client = Client(fake_server.address, profile="mm-pc", deadline_s=3600)
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(client.inspect, b"a picture")
        while len(fake_server.requests) < 2:
            time.sleep(0.001)
        client.close()
        with pytest.raises(ServerUnavailable):
            waiting.result()
