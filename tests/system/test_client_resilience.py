"""A client under load while real Tritons are killed, frozen, stopped and started: no picture is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import Client
from tests.system.line import Line, stage_of, triton_of

pytestmark = pytest.mark.triton

Ports = Callable[[], dict[str, int]]
READY_S = 120


@pytest.fixture
def two(repository: Path, free_ports: Ports) -> Iterator[tuple[EmbeddedServer, EmbeddedServer]]:
    """Two servers."""
    with ExitStack() as stack:
        servers = [stack.enter_context(EmbeddedServer(Settings(repository, **free_ports()))) for _ in range(2)]
        for server in servers:
            server.wait_ready(READY_S)
        yield servers[0], servers[1]


@pytest.fixture
def client(two: tuple[EmbeddedServer, EmbeddedServer]) -> Iterator[Client]:
    """A client of both, with default settings."""
    with Client(",".join(server.grpc_address for server in two), profile="mm-pc") as made:
        yield made


def test_a_server_that_is_killed_costs_no_picture(two, client):
    """Kill -9 of one of two under load: what it had goes to the other one."""
    line = Line(client)
    with line.running():
        line.wait_for(40)
        os.kill(triton_of(two[0]), signal.SIGKILL)
        line.wait_for(100)

    line.check()


def test_a_server_that_freezes_costs_no_picture(two, client):
    """SIGSTOP of one of two under load: its silence is noticed, what it had and what follows goes to the other one."""
    line = Line(client, stations=3)  # which one server takes: a full queue repeats pictures as well
    frozen = triton_of(two[0])
    with line.running():
        line.wait_for(40)
        os.kill(frozen, signal.SIGSTOP)
        try:
            line.wait_until_repeated()
            line.wait_for(20)  # those of other stations that it had as well
            left = len(line.outcomes)
            line.wait_for(100)
            followed = line.outcomes[left:]
        finally:
            os.kill(frozen, signal.SIGCONT)

    line.check()
    assert sum(outcome.attempts > 1 for _, outcome in followed) < 10  # every second one if it were asked still


def test_a_stage_that_dies_costs_no_picture(two):
    """Kill -9 of one of a stage's two processes: Triton says so, and the other one inspects what it had."""
    with Client(two[0].grpc_address, profile="mm-pc") as client:
        line = Line(client)
        with line.running():
            line.wait_for(40)
            os.kill(stage_of(two[0]), signal.SIGKILL)
            line.wait_for(100)

    line.check()


def test_a_server_that_is_started_anew_costs_no_picture(repository, free_ports):
    """A single server stops as on an update, and is back later: the line waits for it."""
    settings = Settings(repository, **free_ports())
    with Client(f"127.0.0.1:{settings.grpc_port}", profile="mm-pc", deadline_s=READY_S) as client:
        line = Line(client)
        with ExitStack() as stack:
            with EmbeddedServer(settings) as server:
                server.wait_ready(READY_S)
                stack.enter_context(line.running())
                line.wait_for(40)
            with EmbeddedServer(settings) as server:
                server.wait_ready(READY_S)
                line.wait_for(40)
                stack.close()

    line.check()
