"""Stations and a fleet under mutual TLS: by several addresses, and by one name behind which servers come and go."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from endface.server.certificates import Certificates
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import TLS, Client
from tests.endface_client.name_service import NameService
from tests.system.line import Line, triton_of

pytestmark = pytest.mark.triton

Ports = Callable[[], dict[str, int]]
Start = Callable[..., EmbeddedServer]
READY_S = 120


@pytest.fixture
def start(repository: Path, free_ports: Ports, certificates: Path) -> Iterator[Start]:
    """Start a server that serves stations alone: ``start("line-2")`` by its certificate, and settings."""
    with ExitStack() as stack:

        def started(name: str, **settings: object) -> EmbeddedServer:
            files = (certificates / f"{name}.pem", certificates / f"{name}.key", certificates / "authority.pem")
            chosen = free_ports() | {"certificates": Certificates(*files)} | settings
            server = stack.enter_context(EmbeddedServer(Settings(repository, **chosen)))
            server.wait_ready(READY_S)
            return server

        yield started


def inspected(server: EmbeddedServer) -> int:
    """How many pictures it has inspected."""
    return server.control.successes() or 0


def wait_until_inspects(server: EmbeddedServer) -> None:
    """Until it has inspected one picture more."""
    before, ends_s = inspected(server), time.monotonic() + READY_S
    while inspected(server) == before:
        assert time.monotonic() < ends_s, "no picture reaches it"
        time.sleep(0.05)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process that holds its connections and does nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_server_of_several_that_is_killed_costs_no_picture(start: Start, tls: Callable[..., TLS]) -> None:
    """Two addresses, one of which no certificate names: both inspect; kill -9 of either, and the other goes on."""
    killed, stays = start("server"), start("line-2")
    with Client(f"{killed.grpc_address},{stays.grpc_address}", profile="mm-pc", tls=tls("station")) as client:
        line = Line(client)
        with line.running():
            wait_until_inspects(killed)
            wait_until_inspects(stays)
            os.kill(triton_of(killed), signal.SIGKILL)
            line.wait_for(100)

    line.check()


def test_servers_behind_a_name_come_and_go(start: Start, tls: Callable[..., TLS]) -> None:
    """A second server is found while the first one serves, and takes its place when that freezes without a word."""
    first = start("server", connection_age_s=1)
    port = first.settings.grpc_port
    with NameService("endface.line") as names:
        names.addresses = ["127.0.0.1"]
        with Client(names.target(port), profile="mm-pc", tls=tls("station", server_name="endface")) as client:
            line = Line(client)
            with line.running():
                line.wait_for(20)
                second = start("line-2", host="127.0.0.2", grpc_port=port)
                names.addresses = ["127.0.0.1", "127.0.0.2"]
                wait_until_inspects(second)
                wait_until_inspects(first)
                with frozen(triton_of(first)):
                    line.wait_until_repeated()
                    names.addresses = ["127.0.0.2"]
                    line.wait_for(100)

    line.check()


def test_connections_that_end_cost_no_picture(start: Start, tls: Callable[..., TLS]) -> None:
    """A server ends its connections five times a second, under load: nobody notices."""
    server = start("server", connection_age_s=0.2)
    with Client(server.grpc_address, profile="mm-pc", tls=tls("station")) as client:
        line = Line(client)
        with line.running():
            line.wait_for(100)

    line.check()
    assert not server.has_ended()
