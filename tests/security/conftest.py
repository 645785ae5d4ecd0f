"""A server as a line runs it: open to other machines, only for stations with a certificate, with a known secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import pytest

from endface.server.certificates import Certificates
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import TLS, Client
from tests.servers import free_ports, running

SECRET = "fedcba9876543210fedcba9876543210"


@pytest.fixture(scope="session")
def secret() -> str:
    """The administrator's secret."""
    return SECRET


@pytest.fixture(scope="session")
def line_server(
    repository: Path, certificates: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    """Such a server."""
    file = tmp_path_factory.mktemp("secret") / "admin"
    file.touch(0o600)
    file.write_text(SECRET)
    files = (certificates / "server.pem", certificates / "server.key", certificates / "authority.pem")
    settings = Settings(
        repository,
        host="0.0.0.0",
        certificates=Certificates(*files),
        admin_secret=file,
        **free_ports(),
    )
    with running(settings) as server:
        yield server


@pytest.fixture(scope="session")
def channel(line_server: EmbeddedServer, tls: Callable[..., TLS]) -> Iterator[grpc.Channel]:
    """A station's way to Triton's gRPC service, without a client's kindness."""
    with grpc.secure_channel(line_server.grpc_address, tls("station").credentials()) as opened:
        yield opened


@pytest.fixture
def station(line_server: EmbeddedServer, tls: Callable[..., TLS]) -> Iterator[Client]:
    """A client of that server with a certificate of the line."""
    with Client(line_server.grpc_address, profile="mm-pc", tls=tls("station")) as client:
        yield client
