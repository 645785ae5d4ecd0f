"""The certificates at work: a real server serves the stations that have one, and nobody else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
import yaml

from endface.server.certificates import Certificates
from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from endface_client import TLS, Client, ServerUnavailable
from tests.servers import ENDFACE, free_ports, running
from tests.unchecked_tls import Unchecked

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def server(repository: Path, line: Path) -> Iterator[EmbeddedServer]:
    """A server that asks every client for a certificate of the line."""
    certificates = Certificates(line / "line-3.pem", line / "line-3.key", clients=line / "authority.pem")
    with running(Settings(repository, **free_ports(), certificates=certificates)) as started:
        yield started


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of another authority: its certificate, and a station's."""
    folder, authority = tmp_path_factory.mktemp("other"), trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate = authority.issue_cert("station-9.example")
    certificate.private_key_pem.write_to_path(folder / "station.key")
    certificate.cert_chain_pems[0].write_to_path(folder / "station.pem")
    return folder


def refused(server: EmbeddedServer, tls: TLS | None, words: str) -> None:
    """A client gets no answer, no picture of it arrives, and its error says why."""
    before = server.control.successes()
    with (
        Client(server.grpc_address, profile="mm-pc", tls=tls, deadline_s=30) as client,
        pytest.raises(ServerUnavailable, match=words),
    ):
        client.health()
    assert server.control.successes() == before


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_station_and_server_trust_each_other(server: EmbeddedServer, station: TLS, host: str) -> None:
    """A picture is inspected by address and by name, both ends known to the other."""
    with Client(f"{host}:{server.settings.grpc_port}", profile="mm-pc", tls=station) as client:
        client.health()


@pytest.mark.parametrize("kind", ["in the clear", "no certificate", "another authority's", "a server's"])
def test_strangers_are_refused(server: EmbeddedServer, line: Path, other: Path, kind: str) -> None:
    """A line's server does not serve them, and their error says what the server asks for."""
    trusted = line / "authority.pem"
    shown = {
        "in the clear": None,
        "no certificate": TLS(trusted),
        "another authority's": TLS(trusted, other / "station.key", other / "station.pem"),
        "a server's": Unchecked(trusted, line / "line-3.key", line / "line-3.pem"),
    }
    refused(server, shown[kind], "asks for certificates; name the client's")


def test_station_refuses_other_servers(server: EmbeddedServer, station: TLS, other: Path) -> None:
    """A server of another authority gets no picture."""
    tls = TLS(other / "authority.pem", station.private_key, station.certificate_chain)
    refused(server, tls, "CERTIFICATE_VERIFY_FAILED")


def test_health_check_has_a_certificate(server: EmbeddedServer, line: Path, project: Path) -> None:
    """With the variables that a container gets `endface health` works, without them it does not."""
    override = yaml.safe_load((project / "deploy" / "containers" / "tls.yml").read_text(encoding="utf-8"))
    told = {
        name: value.replace("/certificates", str(line)).replace("health", "station-4")  # the certificate of a client
        for name, value in override["services"]["endface"]["environment"].items()
    }
    command = [*ENDFACE, "health", "--deadline-s=10", f"--server={server.grpc_address}"]

    def probed(variables: dict[str, str]) -> int:
        return subprocess.run(command, env=os.environ | variables, capture_output=True, check=False).returncode

    assert (probed(told), probed({})) == (0, 2)
