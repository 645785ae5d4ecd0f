"""A client under load while real Tritons are killed, frozen, stopped and started: no picture is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import Client
from tests.servers import free_ports, running
from tests.system.stations import Stations, frozen, stage_of, triton_of
from tests.waiting import WITHIN_S

pytestmark = pytest.mark.triton

Two = tuple[EmbeddedServer, EmbeddedServer]


@pytest.fixture
def two(repository: Path) -> Iterator[Two]:
    """Two servers."""
    with running(Settings(repository, **free_ports())) as one, running(Settings(repository, **free_ports())) as other:
        yield one, other


@pytest.fixture
def client(two: Two) -> Iterator[Client]:
    """A client of both, with default settings."""
    with Client(",".join(server.grpc_address for server in two), profile="mm-pc") as made:
        yield made


def test_a_server_that_is_killed_costs_no_picture(two: Two, client: Client) -> None:
    """Kill -9 of one of two under load: what it had goes to the other one."""
    stations = Stations(client)
    with stations.working():
        stations.wait_for(40)
        os.kill(triton_of(two[0]), signal.SIGKILL)
        stations.wait_for(100)


def test_a_server_that_freezes_costs_no_picture(two: Two, client: Client) -> None:
    """SIGSTOP of one of two under load: its silence is noticed, what it had and what follows goes to the other one."""
    stations = Stations(client, count=2)  # a server takes that many at any time: nothing is sent again for a full queue
    with stations.working():
        stations.wait_for(40)
        with frozen(triton_of(two[0])):
            stations.wait_until_repeated()
            stations.wait_for(20)  # that of the other station, if it had it as well
            left = len(stations.outcomes)
            stations.wait_for(100)
            followed = stations.outcomes[left:]

    assert sum(outcome.attempts > 1 for _, outcome in followed) < 25  # every second one if it were asked still


def test_a_stage_that_dies_costs_no_picture(two: Two) -> None:
    """Kill -9 of one of a stage's two processes: Triton says so, and the other one inspects what it had."""
    with Client(two[0].grpc_address, profile="mm-pc") as client:
        stations = Stations(client)
        with stations.working():
            stations.wait_for(40)
            os.kill(stage_of(two[0]), signal.SIGKILL)
            stations.wait_for(100)


def test_a_server_that_is_started_anew_costs_no_picture(repository: Path) -> None:
    """A single server stops as on an update, and is back later: the stations wait for it."""
    settings = Settings(repository, **free_ports())
    with Client(f"127.0.0.1:{settings.grpc_port}", profile="mm-pc", deadline_s=WITHIN_S) as client:
        stations = Stations(client)
        with ExitStack() as stack:
            with running(settings) as server:
                stack.enter_context(stations.working())
                stations.wait_for(40)
                server.stop()
            with running(settings):
                stations.wait_for(40)
                stack.close()
