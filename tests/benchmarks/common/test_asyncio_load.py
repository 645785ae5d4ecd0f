"""The second load generator."""

from __future__ import annotations

import grpc

from benchmarks.common import asyncio_load
from benchmarks.common.pictures import Picture
from endface_client.testing import PASS, Answer, Failure, FakeServer, Received

REFUSAL = Failure(grpc.StatusCode.INVALID_ARGUMENT, "bad_parameter: no such")
SPAN = asyncio_load.Span(users=3, seconds=1.5, settle_s=0.1)
RIGHT = Picture("right.jpg", b"right", 1152, 864, "pass")
WRONG = Picture("wrong.jpg", b"wrong", 1152, 864, "fail")
BROKEN = Picture("broken.jpg", b"broken", 1152, 864, "pass")


def test_only_right_answers_are_throughput() -> None:
    """Wrong verdicts and failed calls are counted beside, and have no times."""

    def answer(received: Received) -> Answer:
        return REFUSAL if received.picture == b"broken" else PASS

    with FakeServer(answer) as server:
        found = asyncio_load.run(server.address, [RIGHT, WRONG, BROKEN], "mm-pc", SPAN)

    assert found["users"] == 3
    assert min(found["answered"], found["wrong_verdicts"], found["failed"]) > 0
    assert list(found["by_picture_ms"]) == ["right.jpg"]
    assert 0 < found["p50_ms"] <= found["p99_ms"]
    assert found["images_per_s"] > 0
    assert found["generator_cores"] > 0


def test_nothing_answered() -> None:
    """A server that fails everything gives no times."""
    with FakeServer(REFUSAL) as server:
        found = asyncio_load.run(server.address, [RIGHT], "mm-pc", SPAN)

    assert (found["answered"], found["p50_ms"], found["p99_ms"], found["images_per_s"]) == (0, None, None, 0)
    assert found["failed"] > 0


def test_more_stations_than_pictures() -> None:
    """Every station finds a picture to begin with."""
    with FakeServer(PASS) as server:
        found = asyncio_load.run(server.address, [RIGHT], "mm-pc", asyncio_load.Span(5, seconds=0.3, settle_s=0.1))
        senders = {id(request) for request in server.requests}

    assert found["answered"] > 0
    assert len(senders) >= found["answered"]
