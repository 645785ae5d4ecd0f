"""The certificates at work: gRPC and Triton serve the stations that have one, and nobody else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
import trustme
import yaml

from endface.server.certificates import Certificates
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import TLS, Client, ServerUnavailable
from endface_client.testing import FakeServer
from tests.servers import ENDFACE, free_ports, running
from tests.unchecked_tls import Unchecked


@pytest.fixture
def server(line: Path) -> Iterator[FakeServer]:
    """A server that asks every client for a certificate of the line."""
    pair = ((line / "line-3.key").read_bytes(), (line / "line-3.pem").read_bytes())
    authority = (line / "authority.pem").read_bytes()
    credentials = grpc.ssl_server_credentials([pair], authority, require_client_auth=True)
    with FakeServer(credentials=credentials) as running:
        yield running


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_station_and_server_trust_each_other(server: FakeServer, station: TLS, host: str) -> None:
    """A picture is inspected by address and by name, both ends known to the other."""
    port = server.address.rpartition(":")[2]

    with Client(f"{host}:{port}", profile="mm-pc", tls=station) as client:
        client.health()

    assert len(server.requests) == 1


def strangers(line: Path, folder: Path) -> dict[str, TLS]:
    """Clients that a line's server must not serve."""
    other = trustme.CA()
    certificate = other.issue_cert("station-9.example")
    certificate.private_key_pem.write_to_path(folder / "other.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "other.pem")
    trusted = line / "authority.pem"
    return {
        "no certificate": TLS(trusted),
        "another authority's": TLS(trusted, folder / "other.key", folder / "other.pem"),
        "a server's": Unchecked(trusted, line / "line-3.key", line / "line-3.pem"),
    }


@pytest.mark.parametrize("kind", ["no certificate", "another authority's", "a server's"])
def test_strangers_are_refused(server: FakeServer, line: Path, tmp_path: Path, kind: str) -> None:
    """No picture of theirs arrives, and their error says what the server asks for."""
    stranger = strangers(line, tmp_path)[kind]

    with (
        Client(server.address, profile="mm-pc", tls=stranger, deadline_s=30) as client,
        pytest.raises(ServerUnavailable, match="asks for certificates; name the client's"),
    ):
        client.health()

    assert server.requests == []


def test_station_refuses_other_servers(server: FakeServer, station: TLS, tmp_path: Path) -> None:
    """A server of another authority gets no picture."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    tls = TLS(tmp_path / "other.pem", station.private_key, station.certificate_chain)

    with (
        Client(server.address, profile="mm-pc", tls=tls, deadline_s=30) as client,
        pytest.raises(ServerUnavailable, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.health()

    assert server.requests == []


@pytest.fixture(scope="module")
def triton(repository: Path, line: Path) -> Iterator[EmbeddedServer]:
    """A real server that asks every client for a certificate of the line."""
    certificates = Certificates(line / "line-3.pem", line / "line-3.key", clients=line / "authority.pem")
    with running(Settings(repository, **free_ports(), certificates=certificates)) as server:
        yield server


@pytest.mark.triton
def test_triton_takes_them(triton: EmbeddedServer, line: Path, station: TLS, tmp_path: Path) -> None:
    """A real server inspects for a station of the line, and for nobody else."""
    with Client(triton.grpc_address, profile="mm-pc", tls=station) as client:
        client.health()
    for stranger in (None, *strangers(line, tmp_path).values()):
        with (
            Client(triton.grpc_address, profile="mm-pc", tls=stranger, deadline_s=30) as client,
            pytest.raises(ServerUnavailable),
        ):
            client.health()


@pytest.mark.triton
def test_health_check_has_a_certificate(triton: EmbeddedServer, line: Path, project: Path) -> None:
    """With the variables that a container gets `endface health` works, without them it does not."""
    override = yaml.safe_load((project / "deploy" / "containers" / "tls.yml").read_text(encoding="utf-8"))
    told = {
        name: value.replace("/certificates", str(line)).replace("health", "station-4")  # the certificate of a client
        for name, value in override["services"]["endface"]["environment"].items()
    }
    command = [*ENDFACE, "health", "--deadline-s=10", f"--server={triton.grpc_address}"]

    def probed(variables: dict[str, str]) -> int:
        return subprocess.run(command, env=os.environ | variables, capture_output=True, check=False).returncode

    assert (probed(told), probed({})) == (0, 2)
