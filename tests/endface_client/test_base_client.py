"""Settings that both clients share."""

from __future__ import annotations

from endface.options import Options
from endface.stages import preprocess
from endface_client import Client
from endface_client._base_client import health_picture
from endface_client._transport.wire import encode


def test_a_client_says_where_it_goes() -> None:
    """Its repr helps in a debugger."""
    with Client("127.0.0.1:8001", profile="mm-pc") as client:
        assert repr(client) == "Client('127.0.0.1:8001', profile='mm-pc')"


def test_the_health_picture_passes_the_first_stage() -> None:
    """It holds a fiber, so that health exercises every step on a picture like the line's."""
    picture = encode(health_picture())
    _, frame = preprocess(picture, Options(profile="mm-pc"))

    assert frame.problem is None
