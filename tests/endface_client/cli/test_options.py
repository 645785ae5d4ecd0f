"""The options that ``endface inspect`` and ``endface health`` have in common."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from endface_client.__main__ import app
from endface_client.testing import FakeServer

Run = Callable[..., Result]


@pytest.fixture(params=["health", "inspect"])
def command(request: pytest.FixtureRequest, pictures: Path) -> list[str]:
    """The words of either."""
    return ["health"] if request.param == "health" else ["inspect", str(pictures), "--profile", "mm-pc"]


def test_certificates_are_options(run: Run, encrypted: FakeServer, shown: dict[str, str], command: list[str]) -> None:
    """Whom to trust, who we are, and the name that a server's certificate must have."""
    options = [word for name, value in shown.items() for word in (f"--tls-{name}", value)]

    assert run(*command, "--server", encrypted.address, *options).exit_code == 0
    assert encrypted.requests


def test_certificates_may_stand_in_the_environment(
    encrypted: FakeServer, shown: dict[str, str], command: list[str]
) -> None:
    """So a container's health check needs no options."""
    variables = {f"ENDFACE_TLS_{name.replace('-', '_').upper()}": value for name, value in shown.items()}

    assert CliRunner().invoke(app, command, env=variables | {"ENDFACE_SERVER": encrypted.address}).exit_code == 0


def test_wrong_certificates_are_told(run: Run, certificates: Path, command: list[str]) -> None:
    """Before anybody is called."""
    result = run(*command, "--tls-key", certificates / "station.key")

    assert result.exit_code == 2
    assert "go together; name both files" in result.stderr
