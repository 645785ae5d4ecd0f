"""One server, a name of many, several servers: who is called, and who is found when servers come and go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from endface.errors import ConfigurationError
from endface_client import Client, ServerUnavailable
from endface_client._transport.channel import Target
from endface_client.testing import FakeServer
from tests.endface_client.name_service import NameService

Connect = Callable[..., Client]


@pytest.mark.parametrize(
    ("servers", "url"),
    [
        ("line-3:8001", "line-3:8001"),  # gRPC looks a single name up by itself
        ("[::1]:8001", "[::1]:8001"),
        ("[fe80::1%eth0]:8001", "[fe80::1%eth0]:8001"),
        ("endface.line.:8001", "endface.line.:8001"),
        ("line_3:8001", "line_3:8001"),
        ("unix:/run/endface.sock", "unix:/run/endface.sock"),
        ("dns:///endface.line:8001", "dns:///endface.line:8001"),
        ("127.0.0.1:8001, localhost:8002", "ipv4:127.0.0.1:8001,127.0.0.1:8002"),  # of several it takes numbers only
    ],
)
def test_servers_as_grpc_takes_them(servers: str, url: str) -> None:
    """One server, one name of a fleet, several servers."""
    assert Target(servers, None).url() == url


@pytest.mark.parametrize(
    ("servers", "fault"),
    [
        ("", "no server is named"),
        (" , ", "no server is named"),
        ("line-3", "'line-3' is no address of a server: it has no port"),
        ("line-3:", "it has no port"),
        (":8001", "it has no host"),
        ("line-3:99999", "ports go from 1 to 65535"),
        ("line-3:0", "ports go from 1 to 65535"),
        ("line-3:http", "'http' is no port"),
        ("line-3:8001x", "'8001x' is no port"),
        ("line-3:-1", "'-1' is no port"),
        ("line-3:8001:8002", "it holds several colons"),
        ("line..3:8001", "'line..3' is no name"),
        ("10.0.0.256:8001", "'10.0.0.256' is no IPv4 address"),
        ("user@line-3:8001", "it holds '@'"),
        ("line-3:8001/v2", "it holds '/'"),
        ("line[3]:8001", "it holds '['"),
        ('"line-3:8001"', "it holds '\"'"),
        ("http://line-3:8001", "gRPC has no http://"),
        ("dns:///line-3", "it has no port"),
        ("line-3:8001;line-4:8001", "it holds ';'"),
        ("line 3:8001", "it holds ' '"),
        ("::1:8001", "in brackets"),
        ("::1", "in brackets"),
        ("[::1]", "it has no port"),
        ("[::1", "a bracket is missing"),
        ("[::1]8001", "a colon is missing"),
        ("[line-3]:8001", "'line-3' is no IPv6 address"),
        ("line-3:8001,line-4", "'line-4' is no address"),
    ],
)
def test_what_is_no_address_is_refused_at_once(servers: str, fault: str) -> None:
    """The sentence says what is wrong, before a picture waits for its deadline."""
    with pytest.raises(ConfigurationError, match=re.escape(fault)):
        Client(servers)


@pytest.mark.parametrize("name", ["nowhere.invalid", "a" * 64])
def test_a_server_without_an_address_is_named(name: str) -> None:
    """A name of several that cannot be looked up is told when the client is made."""
    with pytest.raises(ServerUnavailable, match=f"{name}:8001 has no IPv4 address"):
        Client(f"127.0.0.1:8001,{name}:8001")


@pytest.fixture
def names() -> Iterator[NameService]:
    """A name service."""
    with NameService("endface.line") as running:
        yield running


@pytest.fixture
def pods() -> Iterator[list[FakeServer]]:
    """Three servers with addresses of their own and one port, like pods of a service."""
    with ExitStack() as stack:
        first = stack.enter_context(FakeServer())
        port = first.address.rpartition(":")[2]
        yield [first, *(stack.enter_context(FakeServer(address=f"127.0.0.{host}:{port}")) for host in (2, 3))]


def host(server: FakeServer) -> str:
    """A server's address without its port."""
    return server.address.rpartition(":")[0]


def target(names: NameService, pods: list[FakeServer]) -> str:
    """The name behind which they stand."""
    return names.target(int(pods[0].address.rpartition(":")[2]))


def inspect_until(client: Client, server: FakeServer) -> None:
    """Send pictures until one reaches a server; none may be lost meanwhile."""
    before = len(server.requests)
    while len(server.requests) == before:
        client.inspect(b"a picture")


def test_all_servers_behind_a_name_are_called_in_turn(
    connect: Connect, names: NameService, pods: list[FakeServer]
) -> None:
    """As many pictures for each; the name service is asked when the client connects, not for each picture."""
    names.addresses = [host(pod) for pod in pods]
    client = connect(target(names, pods))
    for pod in pods:
        inspect_until(client, pod)  # until all are connected
    before = [len(pod.requests) for pod in pods]
    for _ in range(30):
        client.inspect(b"a picture")

    assert [len(pod.requests) - count for pod, count in zip(pods, before, strict=True)] == [10, 10, 10]
    assert names.asked == 1


def test_a_server_that_comes_in_the_place_of_another_is_found(
    connect: Connect, names: NameService, pods: list[FakeServer]
) -> None:
    """A pod goes, another comes with another address: no picture is lost, and the new one has its share."""
    gone, stays, comes = pods
    names.addresses = [host(gone), host(stays)]
    client = connect(target(names, pods), deadline_s=60)
    inspect_until(client, gone)
    names.addresses = [host(stays), host(comes)]
    gone.__exit__()
    inspect_until(client, comes)

    assert len(stays.requests) > 0


def test_the_only_server_may_move(connect: Connect, names: NameService, pods: list[FakeServer]) -> None:
    """A Deployment of one: its pod has another address after each roll-out."""
    old, new, _ = pods
    names.addresses = [host(old)]
    client = connect(target(names, pods), deadline_s=60)
    inspect_until(client, old)
    names.addresses = [host(new)]
    old.__exit__()
    client.inspect(b"a picture")

    assert len(new.requests) == 1


def test_a_name_of_two_families_is_one_server(connect: Connect, fake_server: FakeServer) -> None:
    """Localhost is ::1 as well, where nobody listens: the other address serves every picture."""
    client = connect(f"localhost:{fake_server.address.rpartition(':')[2]}")
    for _ in range(20):
        client.inspect(b"a picture")

    assert len(fake_server.requests) == 20
