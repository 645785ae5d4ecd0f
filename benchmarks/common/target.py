"""The server under load: one that runs already, or one of our own on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.common import asyncio_load
from benchmarks.common.errors import BenchmarkError
from benchmarks.common.limit import Work
from endface.engines.onnx_network import Network
from endface.environment import default_repository
from endface.server.ports import free_ports
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import Client

_READY_WITHIN_S: Final = 120
_WARM_S: Final = 3.0
"""Longer than a stage takes for what it does only at its first pictures."""


@dataclass(frozen=True)
class LoadTarget:
    """The server under load.

    Attributes:
        server: ``host:port`` of gRPC.
        metrics: ``host:port`` of its metrics.
        profile: The limits to judge by.
        pictures: Folder of the prepared pictures.
    """

    server: str
    metrics: str
    profile: str
    pictures: Path


@contextlib.contextmanager
def serving(server: str, metrics: str, engine: str, repository: Path | None = None) -> Iterator[tuple[str, str]]:
    """A server to measure, as its addresses of gRPC and of metrics.

    Args:
        server: ``host:port`` of gRPC of a running one; empty to start one that lives as long as this.
        metrics: ``host:port`` of the running one's metrics.
        engine: what runs the network in a server of our own.
        repository: what a server of our own serves; the default one if None.

    Raises:
        BenchmarkError: only one of the addresses is named.
        ServerStartError: our own server could not be started.
    """
    if bool(server) != bool(metrics):
        raise BenchmarkError("name both --server and --metrics of a running server, or neither")
    if server:
        yield server, metrics
        return
    http, grpc, own = free_ports(3)
    settings = Settings(
        repository or default_repository(), engine=engine, http_port=http, grpc_port=grpc, metrics_port=own
    )
    with EmbeddedServer(settings) as started:
        started.wait_ready(_READY_WITHIN_S)
        yield started.grpc_address, started.metrics_address


def warm_up(target: LoadTarget, work: Work) -> str:
    """Let the server do what it does only once, and see that it is the right one.

    Returns:
        The engine that runs the network there.

    Raises:
        BenchmarkError: it serves another network, or nothing comes back as expected.
        ClientError: it takes no pictures.
    """
    expected = Network(work.network).info
    with Client(target.server, profile=target.profile) as client:
        served = client.inspect(work.pictures[0].data).model
    if served is None or served.sha256 != expected.sha256:
        raise BenchmarkError(
            f"{target.server} serves another network than {work.network}; "
            "measure from the checkout that it serves, so that the right verdicts are known"
        )
    seen = asyncio_load.run(
        target.server, work.pictures, target.profile, asyncio_load.Span(users=2, seconds=_WARM_S, settle_s=0)
    )
    if not seen["answered"]:
        raise BenchmarkError(
            f"{target.server} answered nothing as expected: "
            f"{seen['failed']} calls failed, {seen['wrong_verdicts']} verdicts were wrong"
        )
    return served.engine
