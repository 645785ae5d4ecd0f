"""The look for a server before a run."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from endface_client import ServerUnavailable
from endface_client.cli.find_server import find_server

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("grpc_proxy", raising=False)


def test_any_server_that_listens_is_enough(dead: str) -> None:
    """The client finds the one that lives among several."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        find_server(f"{dead}, 127.0.0.1:{listener.getsockname()[1]}", patience_s=0, say=print)


def test_dead_server_is_named_with_what_to_do(dead: str) -> None:
    """The address, the reason, and the command that helps."""
    with pytest.raises(ServerUnavailable, match=rf"{dead} takes no pictures: Connection refused; start a server"):
        find_server(dead, patience_s=0, say=print)


def test_server_that_is_repaired_is_waited_for(dead: str) -> None:
    """One that comes back within the deadline costs time, not the run; one sentence says what is waited for."""
    said: list[str] = []
    port = int(dead.rpartition(":")[2])
    listening: list[socket.socket] = []

    def come_back(text: str) -> None:
        said.append(text)
        listening.append(socket.create_server(("127.0.0.1", port)))

    find_server(dead, patience_s=60, say=come_back)

    listening[0].close()
    assert said == [f"{dead} takes no pictures: Connection refused; waiting up to 60 s for it"]


@pytest.mark.parametrize("servers", ["dns:///line-3:8001", "unix:/run/endface", "line-3"])
def test_address_that_only_grpc_understands_is_left_to_it(servers: str) -> None:
    """The look refuses nothing that the client might reach."""
    find_server(servers, patience_s=0, say=print)


def test_proxy_is_left_to_grpc(dead: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is behind it cannot be seen from here."""
    monkeypatch.setenv("grpc_proxy", "http://proxy:3128")

    find_server(dead, patience_s=0, say=print)


def test_dead_server_is_said_once_and_changes_nothing(run: Run, pictures: Path, dead: str, tmp_path: Path) -> None:
    """One sentence for all pictures; the last good page stays as it is, and no record is begun."""
    run("inspect", pictures, "--profile", "mm-pc", "--out", tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    record = tmp_path / "record"
    result = run(
        "inspect", pictures, "--server", dead, "--out", tmp_path / "out", "--record", record, "--deadline-s", "0.1"
    )

    assert result.exit_code == 2
    assert result.stderr.count("takes no pictures") == 1
    assert result.stdout == ""
    assert not record.exists()
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
