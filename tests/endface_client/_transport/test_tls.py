"""A client's certificates: what it shows, whom it trusts, and what it says of wrong ones before it calls anybody."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from endface.errors import ConfigurationError
from endface_client import TLS, Client, ServerUnavailable
from endface_client.testing import FakeServer

Connect = Callable[..., Client]
Serve = Callable[[str], FakeServer]
MakeTLS = Callable[..., TLS]


def test_several_servers_are_known_by_the_name_that_all_have(connect: Connect, serve: Serve, tls: MakeTLS) -> None:
    """One of them has a certificate for 127.0.0.1, the other one has not: both are called."""
    both = serve("server"), serve("line-2")
    client = connect(",".join(server.address for server in both), tls=tls("station"))
    while not all(server.requests for server in both):
        client.inspect(b"a picture")


def test_a_server_without_the_name_is_not_called(connect: Connect, serve: Serve, tls: MakeTLS) -> None:
    """It may be anybody with a certificate of this authority; the others are called."""
    good, other = serve("server"), serve("other")
    client = connect(f"{good.address},{other.address}", tls=tls("station"))
    for _ in range(20):
        client.inspect(b"a picture")

    assert (len(good.requests), len(other.requests)) == (20, 0)


def test_another_name_may_be_given(connect: Connect, serve: Serve, tls: MakeTLS) -> None:
    """For certificates made otherwise, and for servers called by an address that they do not name."""
    other = serve("other")
    connect(other.address, tls=tls("station", server_name="line-3.example")).inspect(b"a picture")
    connect(f"{other.address},{other.address}", tls=tls("station", server_name="line-3.example")).inspect(b"a picture")

    assert len(other.requests) == 2


@pytest.mark.parametrize(
    ("certificate", "given"),
    [("line-2", ""), ("other", "line-2.example"), ("other", "endface")],
    ids=["the fleet's name alone", "another line's name", "the fleet's name given"],
)
def test_one_server_is_known_by_the_name_that_it_is_called(
    connect: Connect, serve: Serve, tls: MakeTLS, certificate: str, given: str
) -> None:
    """Or by the name that is given, if its certificate has it: the name of the fleet does not do for a single one."""
    server = serve(certificate)
    with pytest.raises(ServerUnavailable, match="--tls-server-name"):
        connect(server.address, tls=tls("station", server_name=given), repeat=False).health()

    assert server.requests == []


@pytest.fixture
def closing() -> Iterator[str]:
    """A port where every connection is closed at once, as of a server that starts."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def close_all() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=close_all)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize("shown", [None, "", "stranger"], ids=["in the clear", "none", "a stranger's"])
def test_a_server_that_asks_for_certificates_is_known(
    connect: Connect, serve: Serve, tls: MakeTLS, shown: str | None
) -> None:
    """It closes the connection without a word, whether the client shows nothing or the wrong certificate."""
    client = connect(serve("server").address, tls=None if shown is None else tls(shown), repeat=False)
    with pytest.raises(ServerUnavailable, match="asks for certificates; name the client's"):
        client.inspect(b"a picture")


@pytest.mark.parametrize("shown", [None, "station"], ids=["in the clear", "encrypted"])
def test_a_server_that_starts_is_not_said_to_ask_for_certificates(
    connect: Connect, closing: str, tls: MakeTLS, shown: str | None
) -> None:
    """GRPC has the same words for both."""
    client = connect(closing, tls=shown and tls(shown), repeat=False)
    with pytest.raises(ServerUnavailable, match="check that an endface server runs there"):
        client.inspect(b"a picture")


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("", {"root_certificates": "gone.pem"}, r"gone\.pem cannot be read"),
        ("station", {"private_key": None}, "go together"),  # of a key alone gRPC ends the process
        ("station", {"certificate_chain": None}, "go together"),
        ("former", {}, r"no server would accept .*former\.pem: certificate has expired"),
        ("station", {"private_key": "stranger.key"}, r"stranger\.key is not the key of .*station\.pem"),
        ("station", {"root_certificates": "station.key"}, r"station\.key holds no certificates"),
    ],
    ids=["missing file", "certificate alone", "key alone", "expired", "another's key", "no certificates"],
)
def test_wrong_files_are_told_before_anybody_is_called(
    tls: MakeTLS, certificates: Path, name: str, changes: dict[str, str | None], sentence: str
) -> None:
    """They are mistakes of the installation; what servers would say of them is a closed connection."""
    files = {field: file and certificates / file for field, file in changes.items()}
    with pytest.raises(ConfigurationError, match=sentence):
        Client("line-3:8001", tls=replace(tls(name), **files))  # type: ignore[arg-type] # paths by their fields
