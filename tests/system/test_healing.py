"""A serving machine falls ill in every way that we know while stations work: it heals, and every picture is judged."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from endface.health.events import Event
from endface_client import Client
from tests.servers import Ports, Serving, free_ports, serve, session
from tests.system.stations import Stations
from tests.waiting import WITHIN_S, wait_until

pytestmark = pytest.mark.triton

STATIONS = 3

long = pytest.mark.long


@contextmanager
def started(repository: Path, ports: Ports) -> Iterator[Serving]:
    """``endface serve`` on a repository."""
    with serve(ports, f"--repository={repository}", "--profile=mm-pc") as serving:
        yield serving


def repairs(serving: Serving) -> list[Event]:
    """Faults after which a server served again."""
    return [event for event in filter(None, map(Event.parse, list(serving.lines))) if event.event == "serving"]


def newest_stub(serving: Serving, model: str) -> int:
    """Process id of a model's newest stub: those that a repair replaced stay for a while."""
    return [pid for pid, found in serving.stubs.items() if found == model][-1]


def remains(serving: Serving) -> list[Path]:
    """Folders and shared memory that a server left."""
    return list(Path("/dev/shm").glob(f"endface-{serving.process.pid}-*"))


@pytest.fixture(scope="module")
def serving(repository: Path) -> Iterator[Serving]:
    """One server for all faults; when it is stopped at last nothing of it is left."""
    with started(repository, free_ports()) as running:
        yield running
        leader = running.triton
        assert running.stop() == 0
        assert not session(leader)
        assert not remains(running)


@contextmanager
def stations(servers: str, picture: bytes, count: int = STATIONS) -> Iterator[Stations]:
    """Stations that inspect a good face, and see to failures themselves; all of their pictures pass."""
    with Client(servers, profile="mm-pc", deadline_s=WITHIN_S) as client:
        working = Stations(client, picture, count)
        with working.working():
            working.wait_for(2 * count)
            yield working
    assert {report.verdict for report in working.reports} == {"pass"}


def healed(serving: Serving, png: bytes, cause: Callable[[], object]) -> Event:
    """Make a server ill while stations work, see that it heals, and give what it says of the repair."""
    with stations(serving.address, png) as working:
        before = len(repairs(serving))
        cause()
        wait_until(lambda: len(repairs(serving)) > before or serving.process.poll() is not None)
        assert serving.process.poll() is None, serving.lines[-1]
        working.wait_for(2 * STATIONS)
    return repairs(serving)[-1]


KILLED, STOPPED = signal.SIGKILL, signal.SIGSTOP


@pytest.mark.parametrize(
    ("model", "number"),
    [
        pytest.param("preprocess", KILLED, marks=long, id="killed-preprocess"),
        pytest.param("segment", KILLED, id="killed-segment"),
        pytest.param("postprocess", KILLED, marks=long, id="killed-postprocess"),
        pytest.param("preprocess", STOPPED, marks=long, id="stopped-preprocess"),
        pytest.param("segment", STOPPED, marks=long, id="stopped-segment"),
        pytest.param("postprocess", STOPPED, id="stopped-postprocess"),
    ],
)
def test_stub(serving: Serving, png: bytes, model: str, number: signal.Signals) -> None:
    """One process of a stage dies, or stops where it stands: it is replaced, and the replaced ones do not stay."""
    event = healed(serving, png, lambda: os.kill(newest_stub(serving, model), number))

    assert (event.kind, event.model) == ("stub", model)
    wait_until(lambda: sorted(serving.stubs.values()) == ["postprocess"] * 2 + ["preprocess"] * 2 + ["segment"] * 2)


@pytest.mark.parametrize(("number", "kind"), [(KILLED, "ended"), (STOPPED, "stopped")], ids=["killed", "stopped"])
def test_triton(serving: Serving, png: bytes, number: signal.Signals, kind: str) -> None:
    """Triton itself dies, or stops where it stands: another one serves on the same ports."""
    former = serving.triton

    event = healed(serving, png, lambda: os.kill(serving.triton, number))

    assert (event.kind, event.action) == (kind, "restart")
    assert not session(former)


@long
def test_overload_is_no_illness(serving: Serving, png: bytes) -> None:
    """Many more stations than its queue has places: it refuses, and nobody repairs it."""
    before = len(repairs(serving))
    with stations(serving.address, png, count=96) as working:
        working.wait_for(800)

    assert len(repairs(serving)) == before


def test_one_of_a_fleet_is_gone(serving: Serving, png: bytes, repository: Path) -> None:
    """A whole machine of a fleet dies: the other one answers all, and the next start there clears up."""
    ports = free_ports()
    with (
        started(repository, ports) as other,
        stations(f"{serving.address},{other.address}", png) as working,
    ):
        assert remains(other)  # asked before: any other server that starts on this machine clears up, too
        other.kill()
        working.wait_for(4 * STATIONS)
        assert other.ended() == -signal.SIGKILL

    with started(repository, ports) as again:
        with Client(again.address, profile="mm-pc") as client:
            assert client.inspect(png).verdict == "pass"
        assert again.stop() == 0
        assert not remains(again)
        assert not remains(other)


@pytest.fixture
def fragile(repository: Path, tmp_path: Path) -> Path:
    """A copy of the repository that may be broken."""
    return Path(shutil.copytree(repository, tmp_path / "models", ignore=shutil.ignore_patterns("__pycache__")))


HANGING = """
import pathlib, time
execute = TritonPythonModel.execute
def hang_once(self, requests):
    for cause in pathlib.Path({causes!r}).glob("*"):
        cause.unlink()
        time.sleep(3600)
    return execute(self, requests)
TritonPythonModel.execute = hang_once
"""


HANGING_IN_A_PICTURE = """
import pathlib, time
enter = models.BusyMarker.__enter__
def hang_once(self):
    enter(self)
    try:
        pathlib.Path({cause!r}).unlink()
    except FileNotFoundError:
        return
    time.sleep(3600)
models.BusyMarker.__enter__ = hang_once
"""


@pytest.mark.parametrize(
    "stage", [pytest.param("preprocess", marks=long), "segment", pytest.param("postprocess", marks=long)]
)
def test_process_that_hangs_in_a_picture(fragile: Path, png: bytes, tmp_path: Path, stage: str) -> None:
    """One of a stage's two processes waits for something that never comes, the other one answers: it is replaced."""
    cause = tmp_path / "cause"
    for path in (fragile / stage).glob("*/model.py"):
        with path.open("a") as model:
            model.write(HANGING_IN_A_PICTURE.format(cause=str(cause)))
    with started(fragile, free_ports()) as serving:
        event = healed(serving, png, cause.touch)

    assert (event.kind, event.model, event.action) == ("hung", stage, "reload")


def test_stage_that_hangs(fragile: Path, png: bytes, tmp_path: Path) -> None:
    """All processes run and say "ready", but wait for something that never comes: the server is started anew."""
    causes = tmp_path / "causes"
    causes.mkdir()
    with (fragile / "postprocess" / "1" / "model.py").open("a") as model:
        model.write(HANGING.format(causes=str(causes)))
    with started(fragile, free_ports()) as serving:
        processes = list(serving.stubs.values()).count("postprocess")
        event = healed(serving, png, lambda: [(causes / str(number)).touch() for number in range(processes)])

    assert (event.kind, event.action) == ("hung", "restart")
