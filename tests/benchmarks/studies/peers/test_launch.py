"""A peer's server, from its start to its stop."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Self

import psutil
import pytest

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.pictures import Picture
from benchmarks.common.stations import CallFailedError
from benchmarks.studies.peers.environment import Environment
from benchmarks.studies.peers.launch import running
from benchmarks.studies.peers.peer import PEERS, Peer, Serving
from endface.engines.catalog import ONNXRUNTIME
from endface.engines.manifest import identify
from endface.report import Report
from endface.server.ports import free_ports
from endface_client.testing import PASS

FACE = Picture("face.jpg", b"face", 1152, 864, "pass")

WITH_CHILD = """\
import os, pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path("{file}.part").write_text(str(child.pid))
os.rename("{file}.part", "{file}")
child.wait()
"""


class Doorman:
    """A station that gets a report as soon as a file is there."""

    def __init__(self, file: Path, report: Report) -> None:
        self._file, self._report = file, report

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def inspect(self, picture: Picture) -> Report:
        """The report, whatever the picture."""
        if not self._file.exists():
            raise CallFailedError(f"{picture.name} must wait")
        return self._report


@pytest.fixture
def serving(repository: Path) -> Serving:
    """The network of the repository, on free ports."""
    first, second, third = free_ports(3)
    return Serving((first, second, third), 1, (repository / "segment" / "1" / "model.onnx").resolve(), "mm-pc")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """The one that the tests run in."""
    return Environment(Path(sys.executable), tmp_path)


def peer(code: str, file: Path, report: Report) -> Peer:
    """A peer whose server is a few lines of Python."""
    return Peer("stub", "Stub", lambda _: ["-c", code], lambda _: Doorman(file, report))


def judged(serving: Serving) -> Report:
    """A report that names the network that is served."""
    return replace(PASS, model=identify(serving.network.parent, ONNXRUNTIME))


def test_server_ends_with_all_of_its_processes(serving: Serving, environment: Environment, tmp_path: Path) -> None:
    """It is asked until it answers; afterwards none of its processes is left, also those that it started."""
    file = tmp_path / "child"
    stub = peer(WITH_CHILD.format(file=file), file, judged(serving))

    with running(stub, serving, environment, FACE) as server:
        child = psutil.Process(int(file.read_text()))
        assert child in server.process.children()
        assert server.cold_start_s > 0

    assert not child.is_running()
    assert not server.process.is_running()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param("import sys; sys.exit('no such port')", "does not serve .* it said: no such port", id="ended"),
        pytest.param(WITH_CHILD, r"finds face\.jpg to be pass with None", id="no network"),
    ],
)
def test_server_that_cannot_be_compared_is_refused(
    serving: Serving, environment: Environment, tmp_path: Path, code: str, said: str
) -> None:
    """Nobody waits for a process that has ended, and its last words say why.

    A server whose reports name no network, or another one, does other work than endface.
    """
    stub = peer(code.format(file=tmp_path / "child"), tmp_path / "child", PASS)

    with pytest.raises(BenchmarkError, match=f"Stub {said}"), running(stub, serving, environment, FACE):
        pass


def test_fastapi_serves(serving: Serving, environment: Environment, pictures: list[Picture]) -> None:
    """A real peer, where its packages are in this environment: it judges as endface does."""
    for package in ("fastapi", "uvicorn"):
        pytest.importorskip(package, reason="FastAPI is in an environment of its own, see benchmarks/peers")
    fastapi = next(each for each in PEERS if each.name == "fastapi")

    with running(fastapi, serving, environment, pictures[0]) as server:
        assert len(server.process.children()) >= serving.workers
