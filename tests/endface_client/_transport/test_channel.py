"""One server, a name of many, several servers: who is called, and who is found when servers come and go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from endface_client import Client, ServerUnavailable
from endface_client._transport.channel import channel_arguments
from endface_client.testing import FakeServer
from tests.endface_client.names import NameService


def test_one_name_is_left_to_grpc():
    """It is looked up anew when a connection ends."""
    assert channel_arguments("line-3:8001", None)["url"] == "line-3:8001"


def test_several_servers_become_addresses():
    """GRPC takes a list of numbers only."""
    arguments = channel_arguments("127.0.0.1:8001, localhost:8002", None)

    assert arguments["url"] == "ipv4:127.0.0.1:8001,127.0.0.1:8002"


@pytest.mark.parametrize("servers", ["", " , "])
def test_nobody_is_no_target(servers):
    """Said when the client is made."""
    with pytest.raises(ServerUnavailable, match="no server is named"):
        Client(servers)


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


def test_all_servers_behind_a_name_are_called_in_turn(connect, names, pods):
    """As many pictures for each, not all for the one that answered first."""
    names.addresses = [host(pod) for pod in pods]
    client = connect(target(names, pods))
    for pod in pods:
        inspect_until(client, pod)  # until all are connected
    before = [len(pod.requests) for pod in pods]
    for _ in range(30):
        client.inspect(b"a picture")

    assert [len(pod.requests) - count for pod, count in zip(pods, before, strict=True)] == [10, 10, 10]


def test_a_server_that_comes_in_the_place_of_another_is_found(connect, names, pods):
    """A pod goes, another comes with another address: no picture is lost, and the new one has its share."""
    gone, stays, comes = pods
    names.addresses = [host(gone), host(stays)]
    client = connect(target(names, pods), deadline_s=60)
    inspect_until(client, gone)
    names.addresses = [host(stays), host(comes)]
    gone.__exit__()
    inspect_until(client, comes)

    assert len(stays.requests) > 0


def test_the_only_server_may_move(connect, names, pods):
    """A Deployment of one: its pod has another address after each roll-out."""
    old, new, _ = pods
    names.addresses = [host(old)]
    client = connect(target(names, pods), deadline_s=60)
    inspect_until(client, old)
    names.addresses = [host(new)]
    old.__exit__()
    client.inspect(b"a picture")

    assert len(new.requests) == 1


def test_the_name_service_is_not_asked_for_each_picture(connect, names, pods):
    """It is asked when the client connects, and again only when a connection ends."""
    names.addresses = [host(pod) for pod in pods]
    client = connect(target(names, pods))
    for _ in range(50):
        client.inspect(b"a picture")

    assert names.asked == 1


def test_a_name_of_two_families_is_one_server(connect, fake_server):
    """Localhost is ::1 as well, where nobody listens: the other address serves every picture."""
    client = connect(f"localhost:{fake_server.address.rpartition(':')[2]}")
    for _ in range(20):
        client.inspect(b"a picture")

    assert len(fake_server.requests) == 20
