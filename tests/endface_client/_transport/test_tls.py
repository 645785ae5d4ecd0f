"""A client's certificates: what it shows, whom it trusts, and what it says of wrong ones before it calls anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from endface.errors import ConfigurationError
from endface_client import Client, ServerUnavailable
from endface_client.testing import FakeServer


@pytest.fixture
def serve(certificates: Path) -> Iterator[Callable[[str], FakeServer]]:
    """Start a server that encrypts and asks stations for certificates: ``serve("server")``, by its certificate."""
    with ExitStack() as stack:

        def served(name: str) -> FakeServer:
            pair = ((certificates / f"{name}.key").read_bytes(), (certificates / f"{name}.pem").read_bytes())
            authority = (certificates / "authority.pem").read_bytes()
            credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=True)
            return stack.enter_context(FakeServer(credentials=credentials))

        yield served


def test_several_servers_are_known_by_the_name_that_all_have(connect, serve, tls):
    """One of them has a certificate for 127.0.0.1, the other one has not: both are called."""
    both = serve("server"), serve("line-2")
    client = connect(",".join(server.address for server in both), tls=tls("station"))
    while not all(server.requests for server in both):
        client.inspect(b"a picture")


def test_a_server_without_the_name_is_not_called(connect, serve, tls):
    """It may be anybody with a certificate of this authority; the others are called."""
    good, other = serve("server"), serve("other")
    client = connect(f"{good.address},{other.address}", tls=tls("station"))
    for _ in range(20):
        client.inspect(b"a picture")

    assert (len(good.requests), len(other.requests)) == (20, 0)


def test_another_name_may_be_given(connect, serve, tls):
    """For certificates made otherwise, and for servers called by an address that they do not name."""
    other = serve("other")
    connect(other.address, tls=tls("station", server_name="line-3.example")).inspect(b"a picture")
    connect(f"{other.address},{other.address}", tls=tls("station", server_name="line-3.example")).inspect(b"a picture")

    assert len(other.requests) == 2


def test_one_server_is_known_by_the_name_that_it_is_called(connect, serve, tls):
    """The name of the fleet alone does not do: of one server we know better."""
    line_2 = serve("line-2")
    with pytest.raises(ServerUnavailable, match="--tls-server-name"):
        connect(line_2.address, tls=tls("station"), deadline_s=2).health()

    assert line_2.requests == []


@pytest.mark.parametrize("name", ["line-2.example", "endface"])
def test_a_given_name_must_be_the_certificates(connect, serve, tls, name):
    """A wrong one is refused, though the server is called by an address that its certificate names."""
    with pytest.raises(ServerUnavailable, match="--tls-server-name"):
        connect(serve("other").address, tls=tls("station", server_name=name), deadline_s=2).health()


def test_a_missing_file_is_named(tmp_path, tls):
    """A wrong path is a mistake of the installation, told when the client is made."""
    with pytest.raises(ConfigurationError, match=r"gone\.pem cannot be read"):
        Client("line-3:8001", tls=replace(tls(""), root_certificates=tmp_path / "gone.pem"))


@pytest.mark.parametrize("field", ["private_key", "certificate_chain"])
def test_a_key_or_a_certificate_alone_is_refused(tls, field):
    """Of a key alone gRPC ends the process."""
    with pytest.raises(ConfigurationError, match="go together"):
        Client("line-3:8001", tls=replace(tls("station"), **{field: None}))


def test_wrong_files_are_told_before_anybody_is_called(tls, certificates):
    """What servers would say of them is a closed connection."""
    with pytest.raises(ConfigurationError, match=r"no server would accept .*former\.pem: certificate has expired"):
        Client("line-3:8001", tls=tls("former"))
    with pytest.raises(ConfigurationError, match=r"stranger\.key is not the key of .*station\.pem"):
        Client("line-3:8001", tls=replace(tls("station"), private_key=certificates / "stranger.key"))
    with pytest.raises(ConfigurationError, match=r"station\.key holds no certificates"):
        Client("line-3:8001", tls=replace(tls("station"), root_certificates=certificates / "station.key"))
