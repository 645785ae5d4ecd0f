"""An open stream of pictures."""

from __future__ import annotations

from collections import Counter

import grpc
import pytest

from benchmarks.common.pictures import Picture
from benchmarks.load import open_loop
from benchmarks.load.open_loop import Stretch, arrivals
from endface_client.testing import PASS, Answer, Failure, FakeServer, Received

ANSWERS: dict[bytes, Answer] = {
    b"right": PASS,
    b"wrong": PASS,
    b"refused": Failure(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size"),
    b"failed": Failure(grpc.StatusCode.INVALID_ARGUMENT, "bad_parameter: no such"),
}


def answer(received: Received) -> Answer:
    """What belongs to a picture."""
    return ANSWERS[received.picture]


def test_pictures_come_at_each_stretchs_rate() -> None:
    """About as many as the rate says, in order, the same at each call."""
    stretches = [Stretch(20, 50), Stretch(80, 25)]
    times = arrivals(stretches)

    assert times == sorted(times) == arrivals(stretches)
    assert sum(time < 50 for time in times) == pytest.approx(1000, rel=0.1)
    assert sum(50 <= time < 75 for time in times) == pytest.approx(2000, rel=0.1)
    assert max(times) < 75


def test_every_picture_is_sent_once_and_has_an_outcome() -> None:
    """A refusal is no reason to ask again here: each is to be seen."""
    pictures = [
        Picture(f"{name.decode()}.jpg", name, 1152, 864, "fail" if name == b"wrong" else "pass") for name in ANSWERS
    ]
    stretches = [Stretch(200, 0.5)]
    with FakeServer(answer) as server:
        sent = open_loop.run(server.address, pictures, "mm-pc", stretches)
        received = Counter(request.picture for request in server.requests)

    assert len(sent) == len(arrivals(stretches)) == received.total()
    outcomes = Counter(each.outcome for each in sent)
    assert outcomes == {
        "answered": received[b"right"],
        "wrong": received[b"wrong"],
        "refused": received[b"refused"],
        "failed": received[b"failed"],
    }
    assert all(each.ms > 0 for each in sent)
