"""``endface health``."""

from __future__ import annotations

import socket
from collections.abc import Callable

import grpc
import pytest
from click.testing import Result

from endface_client.testing import Failure, FakeServer

Run = Callable[..., Result]


def test_health_is_an_inspection(run: Run, fake_server: FakeServer) -> None:
    """Exit 0 says that a picture went through."""
    result = run("health")

    assert result.exit_code == 0
    assert result.stdout.startswith(f"healthy: {fake_server.address}")
    assert len(fake_server.requests) == 1


@pytest.mark.parametrize(
    ("failure", "code", "sentence"),
    [
        (Failure(grpc.StatusCode.INTERNAL, "Stub process is not healthy"), 2, "not healthy: "),
        (Failure(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size"), 3, "overloaded: {} has a full queue"),
    ],
    ids=["models that fail", "a full queue"],
)
def test_an_overloaded_server_is_not_called_sick(
    run: Run, fake_server: FakeServer, failure: Failure, code: int, sentence: str
) -> None:
    """It is there and works, and who restarts it makes matters worse: an exit code of its own."""
    fake_server.answer = failure
    result = run("health", "--deadline-s", "0.5")

    assert result.exit_code == code
    assert result.stderr.startswith(sentence.format(fake_server.address))


def test_a_server_that_is_down_is_named(run: Run, dead: str) -> None:
    """The address stands in the message."""
    result = run("health", "--server", dead, "--deadline-s", "0.5")

    assert (result.exit_code, dead in result.stderr) == (2, True)


def test_a_server_that_hangs_is_not_healthy(run: Run) -> None:
    """It takes connections and never answers; that is known after the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = run("health", "--server", f"127.0.0.1:{listener.getsockname()[1]}", "--deadline-s", "0.2")

    assert result.exit_code == 2
    assert result.stderr.startswith("not healthy: ")


def test_health_says_that_certificates_are_wanted(run: Run, encrypted: FakeServer) -> None:
    """And how to name them."""
    result = run("health", "--server", encrypted.address, "--deadline-s", "0.5")

    assert result.exit_code == 2
    assert "(--tls-authority, --tls-certificate, --tls-key)" in result.stderr
