"""The server under load: one that runs already, or one of our own on this machine."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks import loop
from benchmarks.errors import BenchmarkError
from benchmarks.pictures import Picture
from endface.embedded import EmbeddedServer
from endface.repository import default_repository
from endface.triton_settings import Settings

_READY_WITHIN_S: Final = 120
_WARM_S: Final = 3.0
"""Longer than a stage takes for what it does only at its first pictures."""


@dataclass(frozen=True)
class Target:
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
def serving(server: str, metrics: str, engine: str) -> Iterator[tuple[str, str]]:
    """A server to measure, as its addresses of gRPC and of metrics.

    Args:
        server: ``host:port`` of gRPC of a running one; empty to start one that lives as long as this.
        metrics: ``host:port`` of the running one's metrics.
        engine: what runs the network in a server of our own.

    Raises:
        BenchmarkError: only one of the addresses is named.
        ServerStartError: our own server could not be started.
    """
    if bool(server) != bool(metrics):
        raise BenchmarkError("name both --server and --metrics of a running server, or neither")
    if server:
        yield server, metrics
        return
    http, grpc, own = _free_ports()
    settings = Settings(default_repository(), engine=engine, http_port=http, grpc_port=grpc, metrics_port=own)
    with EmbeddedServer(settings) as started:
        started.wait_ready(_READY_WITHIN_S)
        yield started.grpc_address, f"{settings.local_address}:{own}"


def warm_up(target: Target, pictures: Sequence[Picture]) -> None:
    """Let the server do what it does only once, and see that it is the right one.

    Raises:
        BenchmarkError: nothing comes back as expected.
    """
    seen = loop.run(target.server, pictures, target.profile, loop.Span(users=2, seconds=_WARM_S, settle_s=0))
    if not seen["answered"]:
        raise BenchmarkError(
            f"{target.server} answered nothing as expected ({seen['failed']} calls failed, "
            f"{seen['wrong_verdicts']} verdicts were wrong); does it serve this network?"
        )


def _free_ports() -> list[int]:
    """Ports of this machine that nobody listens on."""
    with contextlib.ExitStack() as probes:
        sockets = [probes.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        return [each.getsockname()[1] for each in sockets]
