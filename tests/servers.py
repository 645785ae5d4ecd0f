"""Real servers for tests: a Triton of our own, and ``endface serve`` in a process of its own.

Both are killed in the end, because an orderly stop takes Triton four seconds; the tests of stopping stop them before.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from endface.server.process import EmbeddedServer
from endface.server.settings import Settings
from tests.waiting import WITHIN_S

Ports = dict[str, int]
"""Ports by the names of ``Settings``."""

ENDFACE: Final = (sys.executable, "-m", "endface_client")
"""The command ``endface`` of this environment."""


def _candidates() -> Iterator[int]:
    """Ports that the kernel gives to no connection, in an order by chance; workers side by side share none."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    own = range(20_000 + worker, 32_000, workers)
    yield from random.SystemRandom().sample(own, len(own))


_PORTS: Final = _candidates()


def free_ports() -> Ports:
    """Three ports of this machine that nobody listens on."""
    found: list[int] = []
    while len(found) < 3:
        port = next(_PORTS)
        with contextlib.suppress(OSError), socket.create_server(("", port)):
            found.append(port)
    return dict(zip(("http_port", "grpc_port", "metrics_port"), found, strict=True))


def port_options(ports: Mapping[str, int]) -> list[str]:
    """The options of ``endface serve`` for some ports."""
    return [f"--{name.replace('_', '-')}={port}" for name, port in ports.items()]


@contextmanager
def running(settings: Settings, on_line: Callable[[str], None] | None = None) -> Iterator[EmbeddedServer]:
    """A Triton that is ready; ``on_line`` gets the lines of its log."""
    server = EmbeddedServer(settings)
    if on_line is not None:
        server.listen(on_line)
    try:
        server.start()
        server.wait_ready(WITHIN_S)
        yield server
    finally:
        server.kill()


def session(leader: int) -> list[psutil.Process]:
    """The processes of a session that have not ended: a Triton and all that descends from it."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == leader and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _model(process: psutil.Process) -> str:
    """The model that a process runs; nothing for another process."""
    with contextlib.suppress(psutil.NoSuchProcess):
        words = process.cmdline()
        if len(words) > 1 and Path(words[0]).name == "triton_python_backend_stub":
            return Path(words[1]).parent.parent.name
    return ""


class Serving:
    """``endface serve`` as it runs.

    Attributes:
        process: The command.
        ready: The line that it wrote when it was ready; nothing where it ended before.
        lines: Its log so far.
        address: Where clients find it.
    """

    def __init__(self, process: subprocess.Popen[str], ports: Ports) -> None:
        assert process.stdout is not None
        self.process = process
        self.lines: list[str] = []
        self.address = f"127.0.0.1:{ports['grpc_port']}"
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.ready = process.stdout.readline()

    @property
    def log(self) -> str:
        """Its log so far, as one text."""
        return "".join(self.lines)

    @property
    def triton(self) -> int:
        """Process id of the Triton that it has at the moment."""
        (triton,) = self._tritons()
        return triton

    @property
    def stubs(self) -> dict[int, str]:
        """The processes that run its models, and the models' names, the oldest first."""
        found = sorted(session(self.triton), key=lambda process: process.create_time())
        models = {process.pid: _model(process) for process in found}
        return {pid: model for pid, model in models.items() if model}

    def stop(self) -> int:
        """Ask it to stop; give its exit status."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> int:
        """Its exit status, once it has ended and its log is read."""
        status = self.process.wait(WITHIN_S)
        self._reader.join()
        return status

    def kill(self) -> None:
        """End it and its Triton at once."""
        tritons = self._tritons()
        self.process.kill()
        for triton in tritons:
            for process in session(triton):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
        self.ended()

    def _tritons(self) -> list[int]:
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children()
            return [child.pid for child in children if child.status() != psutil.STATUS_ZOMBIE]
        return []

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)


@contextmanager
def serve(
    ports: Ports,
    *options: str | Path,
    command: tuple[str | Path, ...] = (*ENDFACE, "serve"),
    folder: Path | None = None,
    **environment: str,
) -> Iterator[Serving]:
    """Run ``endface serve``, or a command like it, in a folder; what is inside begins when it is ready."""
    with subprocess.Popen(
        [*command, *options, *port_options(ports)],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        serving = Serving(process, ports)
        try:
            assert serving.ready.startswith("endface is ready"), serving.log
            yield serving
        finally:
            serving.kill()
