"""``endface serve`` with certificates: what it refuses before it starts, and what it says when it is ready."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.criteria.profile import profile_sums
from endface_client import TLS, Client
from tests.servers import ENDFACE, free_ports, serve

COMMAND = (*ENDFACE, "serve")


@pytest.mark.parametrize("option", ["--tls-certificate", "--tls-key", "--tls-clients"])
def test_half_of_the_files_are_refused(option: str) -> None:
    """Nobody believes to be encrypted who is not."""
    ran = subprocess.run([*COMMAND, f"{option}=a.pem"], capture_output=True, text=True, check=False, timeout=60)

    assert ran.returncode == 2
    assert ran.stderr == (
        "endface serve: --tls-certificate and --tls-key go together, --tls-clients with both; name the files\n"
    )


@pytest.mark.triton
def test_ready_server_says_how_it_is_reached_and_by_what_it_judges(
    certificates: Path, repository: Path, tls: Callable[[str], TLS]
) -> None:
    """One line for mutual TLS, one for each profile with its sum; a station is served."""
    options = [
        f"--repository={repository}",
        f"--tls-certificate={certificates / 'server.pem'}",
        f"--tls-key={certificates / 'server.key'}",
        f"--tls-clients={certificates / 'authority.pem'}",
    ]
    with serve(free_ports(), *options) as serving:
        with Client(serving.address, profile="mm-pc", tls=tls("station")) as client:
            client.health()

        assert serving.ready.endswith("mutual TLS\n")
        assert [f"profile {name} sha256 {found}" for name, found in profile_sums().items()] == [
            line for line in serving.log.splitlines() if line.startswith("profile ")
        ]
