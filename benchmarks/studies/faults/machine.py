"""A machine that serves: ``endface serve`` in a process of its own, its log with times, and ways to make it ill."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

import psutil

from benchmarks.common.errors import BenchmarkError
from benchmarks.common.target import free_ports
from benchmarks.load.figures import STAGES
from benchmarks.studies.faults.hanging import hanging_repository
from endface.environment import default_repository
from endface.health.events import Event
from endface.server.processes import ServerProcesses

_STOPS_WITHIN_S: Final = 60.0


class Machine:
    """A running ``endface serve``, ready; a context manager that ends all its processes.

    Args:
        profile: its default limits.
        ports: of HTTP, gRPC and metrics; free ones if None.
        can_hang: whether ``hang`` will be called.

    Attributes:
        folder: Its folder for temporary files, which nobody else uses.

    Raises:
        BenchmarkError: it did not get ready.
    """

    def __init__(self, profile: str, ports: list[int] | None = None, *, can_hang: bool = False) -> None:
        self.ports = ports or free_ports()
        self._temporary = tempfile.TemporaryDirectory(prefix="machine-")
        self.folder: Final = Path(self._temporary.name)
        self._events: list[tuple[float, Event]] = []
        repository = hanging_repository(self.folder, STAGES) if can_hang else default_repository()
        self._command = _start(profile, self.ports, self.folder, repository)
        assert self._command.stdout is not None
        with self._command.stdout as words:
            is_ready = bool(words.readline())
        if not is_ready:
            raise BenchmarkError("`endface serve` did not get ready; run it by hand to see why")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.signal_all(signal.SIGKILL)
        self._command.wait()
        self._reader.join()
        self._temporary.cleanup()

    @property
    def server(self) -> str:
        """``host:port`` of gRPC."""
        return f"127.0.0.1:{self.ports[1]}"

    @property
    def has_ended(self) -> bool:
        """Whether it has given up."""
        return self._command.poll() is not None

    @property
    def supervisor(self) -> psutil.Process:
        """The process that keeps Triton serving."""
        return psutil.Process(self._command.pid)

    @property
    def triton(self) -> int:
        """Process id of the Triton that it has now."""
        return int(self.supervisor.children()[0].pid)

    @property
    def events(self) -> list[tuple[float, Event]]:
        """What it said of its health, and when, by ``time.monotonic``."""
        return list(self._events)

    def stubs(self, model: str) -> list[int]:
        """Process ids of a model's stubs, the newest first: those that a repair replaced stay for a while."""
        pids = [pid for pid, found in ServerProcesses(self.triton).stubs().items() if found == model]
        return sorted(pids, key=lambda pid: psutil.Process(pid).create_time(), reverse=True)  # numbers begin anew

    def event(self, name: str, since_s: float) -> tuple[float, Event] | None:
        """When it said an event for the first time from a moment on, and what; None as long as it did not."""
        return next(((at_s, event) for at_s, event in self.events if event.event == name and at_s >= since_s), None)

    def stop(self) -> int:
        """Ask it to stop as an operator does; its exit status."""
        self._command.terminate()
        return self._command.wait(_STOPS_WITHIN_S)

    def hang(self, model: str) -> None:
        """Have one of a model's processes never end its next picture."""
        (self.folder / model).touch()

    def signal_all(self, number: int) -> None:
        """Send a signal to all its processes at once, as when the whole machine goes."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _processes(self) -> Iterator[psutil.Process]:
        """The command first: it must not see the others go."""
        with contextlib.suppress(psutil.NoSuchProcess):
            command = psutil.Process(self._command.pid)
            yield from [command, *command.children(recursive=True)]

    def _read(self) -> None:
        assert self._command.stderr is not None
        with self._command.stderr as lines:
            for line in lines:
                event = Event.parse(line)
                if event is not None:
                    self._events.append((time.monotonic(), event))


def _start(profile: str, ports: list[int], folder: Path, repository: Path) -> subprocess.Popen[str]:
    options = [f"--{name}-port={port}" for name, port in zip(("http", "grpc", "metrics"), ports, strict=True)]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "endface_client",
            "serve",
            f"--profile={profile}",
            f"--repository={repository}",
            *options,
        ],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
