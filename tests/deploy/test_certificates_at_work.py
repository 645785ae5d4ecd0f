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
from tests.waiting import wait_until

pytestmark = pytest.mark.triton


@pytest.fixture(scope="module")
def server(repository: Path, line: Path) -> Iterator[EmbeddedServer]:
    """A server that asks every client for a certificate of the line."""
    certificates = Certificates(line / "line-3.pem", line / "line-3.key", clients=line / "authority.pem")
    with running(Settings(repository, **free_ports(), certificates=certificates)) as started:
        yield started


def refused(server: EmbeddedServer, tls: TLS, words: str) -> None:
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
    before = server.control.successes()
    with Client(f"{host}:{server.settings.grpc_port}", profile="mm-pc", tls=station) as client:
        client.health()
    wait_until(lambda: server.control.successes() > before)  # Triton counts after it has answered


def test_a_servers_certificate_makes_no_station(server: EmbeddedServer, line: Path) -> None:
    """Whoever has taken a server's files is not served; other strangers are in tests/security/test_line_server.py."""
    taken = Unchecked(line / "authority.pem", line / "line-3.key", line / "line-3.pem")
    refused(server, taken, "asks for certificates; name the client's")


def test_station_refuses_other_servers(server: EmbeddedServer, station: TLS, tmp_path: Path) -> None:
    """A server of another authority gets no picture."""
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    tls = TLS(tmp_path / "other.pem", station.private_key, station.certificate_chain)
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
