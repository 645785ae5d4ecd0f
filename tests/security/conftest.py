"""A server as a line runs it: open to other machines, only for stations with a certificate, with a known secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from endface.embedded import EmbeddedServer
from endface.tls import Certificates
from endface.triton_settings import Settings
from endface_client import TLS, Client

SECRET = "fedcba9876543210fedcba9876543210"


@pytest.fixture(scope="session")
def secret() -> str:
    """The administrator's secret."""
    return SECRET


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder: ``authority.pem``, and key and certificate of server, station, former (expired) and stranger."""
    folder = tmp_path_factory.mktemp("certificates")
    authority, past = trustme.CA(), datetime.now(UTC) - timedelta(days=1)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    issued = {
        "server": authority.issue_cert("127.0.0.1", "localhost"),
        "station": authority.issue_cert("station-4.example"),
        "former": authority.issue_cert("station-3.example", not_after=past),
        "stranger": trustme.CA().issue_cert("station-4.example"),
    }
    for name, each in issued.items():
        each.private_key_pem.write_to_path(folder / f"{name}.key")
        each.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
    return folder


@pytest.fixture(scope="session")
def tls(certificates: Path) -> Callable[[str], TLS]:
    """What a client shows and trusts, by the name of its certificate; an empty name shows none."""

    def of(name: str) -> TLS:
        own = (certificates / f"{name}.key", certificates / f"{name}.pem") if name else (None, None)
        return TLS(certificates / "authority.pem", *own)

    return of


@pytest.fixture(scope="session")
def line_server(
    repository: Path,
    free_ports: Callable[[], dict[str, int]],
    certificates: Path,
    tmp_path_factory: pytest.TempPathFactory,
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
    with EmbeddedServer(settings) as running:
        running.wait_ready(120)
        yield running


@pytest.fixture
def station(line_server: EmbeddedServer, tls: Callable[[str], TLS]) -> Iterator[Client]:
    """A client of that server with a certificate of the line."""
    with Client(line_server.grpc_address, profile="mm-pc", tls=tls("station")) as client:
        yield client
