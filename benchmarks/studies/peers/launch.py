"""A peer's server: started, awaited until it has judged a picture rightly, and stopped with all of its processes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import psutil

from benchmarks.common.errors import BenchmarkError, last_words
from benchmarks.common.origin import ROOT
from benchmarks.common.pictures import Picture
from benchmarks.common.stations import CallFailedError, Station
from benchmarks.common.usage import family
from benchmarks.studies.peers.environment import Environment
from benchmarks.studies.peers.peer import Peer, Serving
from endface.engines.catalog import ONNXRUNTIME
from endface.engines.manifest import identify
from endface.report import Report

START_S: Final = 120
"""How long a server may take from its start to the first report."""

_POLL_S: Final = 0.05
_STOP_S: Final = 30
"""How long it may take to end once it was asked to; what is left then is killed."""


@dataclass(frozen=True)
class RunningPeer:
    """A server that runs.

    Attributes:
        process: What was started; the server is it and its descendants.
        cold_start_s: From the start of the process to the first report.
    """

    process: psutil.Process
    cold_start_s: float


@contextlib.contextmanager
def running(peer: Peer, serving: Serving, environment: Environment, picture: Picture) -> Iterator[RunningPeer]:
    """A peer's server, as long as this lasts.

    Raises:
        BenchmarkError: it ended, did not answer in time, or answered something wrong; its last words are in the
            message.
    """
    started = time.perf_counter()
    process = _start(peer, serving, environment)
    processes = {process}
    try:
        report = asyncio.run(_first_report(partial(peer.station, serving), picture, process))
        cold_start_s = time.perf_counter() - started
        processes.update(family(process))  # should the first one end early, the others are known
        _check(report, picture, serving, peer)
        yield RunningPeer(process, round(cold_start_s, 2))
    except CallFailedError as exc:
        words = last_words(environment.log.read_text(encoding="utf-8", errors="replace"))
        raise BenchmarkError(f"{peer.title} does not serve ({exc}); it said: {words}") from exc
    finally:
        _stop(process, processes)


def _start(peer: Peer, serving: Serving, environment: Environment) -> psutil.Popen:
    environment.folder.mkdir(parents=True, exist_ok=True)
    path = os.pathsep.join((str(environment.python.parent), os.environ["PATH"]))
    with environment.log.open("wb") as log:
        return psutil.Popen(
            [str(environment.python), *peer.command(serving)],
            cwd=ROOT,
            env={**os.environ, **peer.variables, "PATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


async def _first_report(station: Callable[[], Station], picture: Picture, process: psutil.Popen) -> Report:
    """Ask until there is an answer, each time on a new connection: gRPC waits longer and longer to try one again."""
    deadline_s = time.perf_counter() + START_S
    while True:
        try:
            async with station() as asking:
                return await asking.inspect(picture)
        except CallFailedError:
            if process.poll() is not None or time.perf_counter() > deadline_s:
                raise
            await asyncio.sleep(_POLL_S)


def _check(report: Report, picture: Picture, serving: Serving, peer: Peer) -> None:
    """Refuse a server that does other work: it must give the same verdict with the same network."""
    found, wanted = report.model, identify(serving.network.parent, ONNXRUNTIME)
    if report.verdict != picture.verdict or found is None or found.sha256 != wanted.sha256:
        why = f" ({report.error.message})" if report.error else ""
        raise BenchmarkError(
            f"{peer.title} finds {picture.name} to be {report.verdict}{why} with {found}; "
            f"it should be {picture.verdict} with {wanted}"
        )


def _stop(process: psutil.Popen, processes: set[psutil.Process]) -> None:
    """Ask the server to end, wait for it, and kill what it left behind: nobody has asked its children to end."""
    if process.is_running():
        processes.update(family(process))
        process.terminate()
    psutil.wait_procs([process], timeout=_STOP_S)
    for each in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(processes)
