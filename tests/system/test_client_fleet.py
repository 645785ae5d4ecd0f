"""Stations under mutual TLS while real servers are killed, frozen, stopped and started: no picture is lost.

They know their servers by several addresses, or by one name behind which servers come and go.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from endface.server.certificates import Certificates
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import TLS, Client
from tests.endface_client.name_service import NameService
from tests.servers import free_ports, running
from tests.system.stations import Stations, frozen, stage_of, triton_of
from tests.waiting import WITHIN_S, wait_until

pytestmark = pytest.mark.triton

Start = Callable[..., EmbeddedServer]


@pytest.fixture
def start(repository: Path, certificates: Path) -> Iterator[Start]:
    """Start a server that serves stations alone: ``start("line-2")`` by its certificate, and settings."""
    with ExitStack() as stack:

        def started(name: str, **settings: object) -> EmbeddedServer:
            files = (certificates / f"{name}.pem", certificates / f"{name}.key", certificates / "authority.pem")
            chosen = free_ports() | {"certificates": Certificates(*files)} | settings
            return stack.enter_context(running(Settings(repository, **chosen)))

        yield started


def wait_until_inspects(server: EmbeddedServer) -> None:
    """Until it has inspected one picture more."""
    before = server.control.successes()
    wait_until(lambda: (server.control.successes() or 0) > (before or 0), message="no picture reaches it")


def test_a_server_of_several_that_is_killed_costs_no_picture(start: Start, tls: Callable[..., TLS]) -> None:
    """Two addresses, one of which no certificate names: both inspect; kill -9 of either, and the other goes on."""
    killed, stays = start("server"), start("line-2")
    with Client(f"{killed.grpc_address},{stays.grpc_address}", profile="mm-pc", tls=tls("station")) as client:
        stations = Stations(client)
        with stations.working():
            wait_until_inspects(killed)
            wait_until_inspects(stays)
            os.kill(triton_of(killed), signal.SIGKILL)
            stations.wait_for(100)


def test_a_server_that_freezes_costs_no_picture(start: Start, tls: Callable[..., TLS]) -> None:
    """SIGSTOP of one of two under load: its silence is noticed, what it had and what follows goes to the other one."""
    freezes, stays = start("server"), start("line-2")
    with Client(f"{freezes.grpc_address},{stays.grpc_address}", profile="mm-pc", tls=tls("station")) as client:
        stations = Stations(client, count=2)
        with stations.working():
            stations.wait_for(40)
            with frozen(triton_of(freezes)):
                stations.wait_until_repeated()
                stations.wait_for(20)  # that of the other station, if it had it as well
                left = len(stations.outcomes)
                stations.wait_for(100)
                followed = stations.outcomes[left:]

    assert sum(outcome.attempts > 1 for _, outcome in followed) < 25  # every second one if it were asked still


def test_a_stage_that_dies_costs_no_picture(start: Start, tls: Callable[..., TLS]) -> None:
    """Kill -9 of one of a stage's two processes: Triton says so, and the other one inspects what it had."""
    server = start("server")
    with Client(server.grpc_address, profile="mm-pc", tls=tls("station")) as client:
        stations = Stations(client)
        with stations.working():
            stations.wait_for(40)
            os.kill(stage_of(server), signal.SIGKILL)
            stations.wait_for(100)


def test_a_server_that_is_started_anew_costs_no_picture(start: Start, tls: Callable[..., TLS]) -> None:
    """A single server stops as on an update, and is back later: the stations wait for it."""
    ports = free_ports()
    server = start("server", **ports)
    with Client(server.grpc_address, profile="mm-pc", tls=tls("station"), deadline_s=WITHIN_S) as client:
        stations = Stations(client)
        with stations.working():
            stations.wait_for(40)
            server.stop()
            start("server", **ports)
            stations.wait_for(40)


def test_servers_behind_a_name_come_and_go(start: Start, tls: Callable[..., TLS]) -> None:
    """A second server is found while the first one serves, and takes its place when that freezes without a word."""
    first = start("server", connection_age_s=1)
    port = first.settings.grpc_port
    with NameService("endface.line") as names:
        names.addresses = ["127.0.0.1"]
        with Client(names.target(port), profile="mm-pc", tls=tls("station", server_name="endface")) as client:
            stations = Stations(client)
            with stations.working():
                stations.wait_for(20)
                second = start("line-2", host="127.0.0.2", grpc_port=port)
                names.addresses = ["127.0.0.1", "127.0.0.2"]
                wait_until_inspects(second)
                wait_until_inspects(first)
                with frozen(triton_of(first)):
                    stations.wait_until_repeated()
                    names.addresses = ["127.0.0.2"]
                    stations.wait_for(100)


def test_connections_that_end_cost_no_picture(start: Start, tls: Callable[..., TLS]) -> None:
    """A server ends its connections five times a second, under load: nobody notices."""
    server = start("server", connection_age_s=0.2)
    with Client(server.grpc_address, profile="mm-pc", tls=tls("station")) as client:
        stations = Stations(client)
        with stations.working():
            stations.wait_for(100)

    assert not server.has_ended()
