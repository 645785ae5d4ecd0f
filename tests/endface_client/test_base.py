"""Settings that both clients share."""

from __future__ import annotations

import pytest

from endface.errors import ConfigurationError
from endface.options import Options
from endface.stages import preprocess
from endface_client import TLS, Client
from endface_client._base import channel_arguments, health_picture
from endface_client._wire import encode


def test_one_server_is_left_to_grpc():
    """A single name is resolved anew whenever gRPC connects."""
    arguments = channel_arguments("line-3:8001", None)

    assert arguments["url"] == "line-3:8001"
    assert ("grpc.lb_policy_name", "round_robin") not in arguments["channel_args"]


def test_several_servers_become_addresses_in_turn():
    """GRPC takes a list of numbers only."""
    arguments = channel_arguments("127.0.0.1:8001, localhost:8002", None)

    assert arguments["url"] == "ipv4:127.0.0.1:8001,127.0.0.1:8002"
    assert ("grpc.lb_policy_name", "round_robin") in arguments["channel_args"]


def test_a_missing_certificate_is_named(tmp_path):
    """A wrong path is a mistake of the installation, told when the client is made."""
    with pytest.raises(ConfigurationError, match=r"authority\.pem"):
        Client("line-3:8001", tls=TLS(root_certificates=tmp_path / "authority.pem"))


def test_a_client_says_where_it_goes():
    """Its repr helps in a debugger."""
    with Client("127.0.0.1:8001", profile="mm-pc") as client:
        assert repr(client) == "Client('127.0.0.1:8001', profile='mm-pc')"


def test_the_health_picture_passes_the_first_stage():
    """It holds a fiber, so that health exercises every step on a picture like the line's."""
    picture = encode(health_picture())
    _, frame = preprocess(picture, Options(profile="mm-pc"))

    assert frame.problem is None
