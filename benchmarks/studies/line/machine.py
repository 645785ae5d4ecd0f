"""A machine that serves: ``endface serve`` in a process of its own, its events with times, and faults."""

from __future__ import annotations

import contextlib
import os
import shutil
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
from benchmarks.common.origin import Json
from benchmarks.common.triton_counters import STAGES
from benchmarks.studies.line.hanging import hanging_repository
from endface.environment import default_repository
from endface.health.events import Event
from endface.server.ports import free_ports
from endface.server.processes import ServerProcesses
from endface.server.workspace import SHARED_MEMORY

PATIENCE_S: Final = 120.0
"""How long a repair may take, and how long stations may get no report, before a study gives up."""

_STOPS_WITHIN_S: Final = 60.0
_FULL_DISK: Final = Path("/dev/full")


class ServingMachine:
    """A running ``endface serve``, ready; a context manager that ends all its processes.

    Args:
        profile: its default limits.
        ports: of HTTP, gRPC and metrics; free ones if None.
        can_hang: whether ``hang`` will be called.
        log_full: whether its log goes to a full disk; ``events`` are not known then.

    Attributes:
        profile: As given.
        folder: Its folder for temporary files, which nobody else uses.

    Raises:
        BenchmarkError: it did not get ready.
    """

    def __init__(
        self, profile: str, ports: list[int] | None = None, *, can_hang: bool = False, log_full: bool = False
    ) -> None:
        self.profile: Final = profile
        self.ports = ports or free_ports(3)
        self._temporary = tempfile.TemporaryDirectory(prefix="machine-")
        self.folder: Final = Path(self._temporary.name)
        self._events: list[tuple[float, Event]] = []
        repository = hanging_repository(self.folder, STAGES) if can_hang else default_repository()
        with _log(full=log_full) as log:
            self._command = _start(profile, self.ports, self.folder, repository, log)
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
        """Whether its supervisor has ended."""
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
        """Events of its health with their times, by ``time.monotonic``."""
        return list(self._events)

    def stubs(self, model: str) -> list[int]:
        """Process ids of a model's stubs, the newest first: those that a repair replaced stay for a while."""
        pids = [pid for pid, found in ServerProcesses(self.triton).stubs().items() if found == model]
        return sorted(pids, key=lambda pid: psutil.Process(pid).create_time(), reverse=True)  # numbers begin anew

    def repair(self, since_s: float) -> Json | None:
        """Its first repair from a moment on, by its own events.

        Returns:
            ``noticed_ms`` and ``serving_ms`` from then on, and the ``action``; None as long as it does not serve again.
        """
        found = {event.event: (at_s, event) for at_s, event in reversed(self.events) if at_s >= since_s}
        if "serving" not in found:
            return None
        ms = {f"{name}_ms": round((at_s - since_s) * 1000) for name, (at_s, _) in found.items()}
        return {"noticed_ms": None, **ms, "action": found["serving"][1].action}

    def is_lost(self, since_s: float) -> bool:
        """Whether no repair is to be expected any more after a fault at a moment: it has ended, or takes too long."""
        return self.has_ended or time.monotonic() > since_s + PATIENCE_S

    def stop(self) -> int:
        """Ask it to stop as an operator does; its exit status."""
        self._command.terminate()
        return self._command.wait(_STOPS_WITHIN_S)

    def remove_workspace(self) -> None:
        """Remove the private folder of its Triton, as a cleaner does.

        Raises:
            BenchmarkError: it has none.
        """
        folders = list(SHARED_MEMORY.glob(f"endface-{self._command.pid}-*/"))
        if not folders:
            raise BenchmarkError(f"the server has no private folder in {SHARED_MEMORY}")
        for folder in folders:
            shutil.rmtree(folder)

    def hang(self, model: str) -> None:
        """Have one of a model's processes never end its next picture."""
        (self.folder / model).touch()

    def signal_all(self, number: int) -> None:
        """Send a signal to all its processes at once, as when the whole machine goes."""
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _processes(self) -> Iterator[psutil.Process]:
        """All its processes, the command first: it must not see the others end."""
        with contextlib.suppress(psutil.NoSuchProcess):
            command = psutil.Process(self._command.pid)
            yield from [command, *command.children(recursive=True)]

    def _read(self) -> None:
        if self._command.stderr is None:
            return
        with self._command.stderr as lines:
            for line in lines:
                event = Event.parse(line)
                if event is not None:
                    self._events.append((time.monotonic(), event))


@contextlib.contextmanager
def _log(*, full: bool) -> Iterator[int]:
    """What a machine's log is written to: a pipe, or a disk that is full."""
    if not full:
        yield subprocess.PIPE
        return
    with _FULL_DISK.open("wb") as disk:
        yield disk.fileno()


def _start(profile: str, ports: list[int], folder: Path, repository: Path, log: int) -> subprocess.Popen[str]:
    options = [f"--{name}-port={port}" for name, port in zip(("http", "grpc", "metrics"), ports, strict=True)]
    options += [f"--profile={profile}", f"--repository={repository}"]
    return subprocess.Popen(
        [sys.executable, "-m", "endface_client", "serve", *options],
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
