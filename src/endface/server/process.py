"""A Triton process on this machine: its start and its stop; ``endface.health.supervisor`` keeps it serving.

The server runs in a session of its own together with its stub processes, ends when the process that started it ends,
and leaves neither processes nor shared memory behind.  Linux only, as Triton is.
"""

from __future__ import annotations

import collections
import contextlib
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from endface.criteria.profile import read_own
from endface.engines import catalog
from endface.errors import ServerStartError
from endface.server import binary, instances, log
from endface.server.control import Control
from endface.server.launch import EXIT_S, Running, has_gpu, launch
from endface.server.offered_version import OfferedVersion
from endface.server.ports import check_port
from endface.server.processes import ServerProcesses
from endface.server.settings import Addresses, Settings
from endface.server.workspace import Workspace

_POLL_S: Final = 0.1
_DRAIN_S: Final = 20
"""How long requests under way may take after a stop; none waits longer than 10 s in a queue."""

_KILL_AFTER_S: Final = 2 * EXIT_S
"""With ``_DRAIN_S`` it makes 30 s, the grace period of Kubernetes and most supervisors."""

_DEAD_STUB_S: Final = 5
"""How long Triton may take to say itself that a stub ended while it was started; it waits for one that said nothing."""

_MOST_ABORTS: Final = 3
"""How often it may abort while it is started; two in a row were seen at a load of ten for each core."""

_LOG_LINES: Final = 400
"""How much of the log is kept to explain a failure."""


def _ignore_line(_line: str) -> None:
    """Do nothing: the last lines are kept even where no listener takes them."""


class EmbeddedServer:
    """A Triton process; as a context manager it is started on entry and stopped on exit.

    Start it from the main thread: the kernel stops the server when the thread that started it ends.

    Args:
        settings: what to serve, and where.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings
        self._filter = log.LogFilter(has_gpu=has_gpu())
        self._lines: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self._on_line: Callable[[str], None] = _ignore_line
        self._log_lock = threading.Lock()
        self._addresses: Addresses | None = None
        self._running: Running | None = None
        self._profiles: dict[str, bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def addresses(self) -> Addresses:
        """Where it listens; asks the name service once."""
        if self._addresses is None:
            self._addresses = self.settings.addresses()
        return self._addresses

    @property
    def grpc_address(self) -> str:
        """Where a client on this machine finds the server: ``host:port``."""
        return f"{self.addresses.local_grpc}:{self.settings.grpc_port}"

    @property
    def http_address(self) -> str:
        """As ``grpc_address``, for HTTP."""
        return f"{self.addresses.local_http}:{self.settings.http_port}"

    @property
    def metrics_address(self) -> str:
        """As ``grpc_address``, for the metrics."""
        return f"{self.addresses.local_metrics}:{self.settings.metrics_port}"

    @property
    def running(self) -> Running:
        """The process and all that belongs to it; another value after each start.

        Raises:
            RuntimeError: nothing runs.
        """
        if self._running is None:
            raise RuntimeError("the server was not started")
        return self._running

    @property
    def control(self) -> Control:
        """Control of the server over HTTP; another one after each start."""
        return self.running.control

    @property
    def processes(self) -> ServerProcesses:
        """Its processes; others after each start."""
        return self.running.processes

    @property
    def offered(self) -> OfferedVersion:
        """What the repository offers since the last start."""
        return self.running.offered

    @property
    def log(self) -> list[str]:
        """The end of what the server wrote."""
        return list(self._lines)

    def listen(self, on_line: Callable[[str], None]) -> None:
        """Have a function called with every line of the log, those before this call included; it must not wait."""
        with self._log_lock:
            for line in self._lines:
                on_line(line)
            self._on_line = on_line

    @property
    def profiles(self) -> Path | None:
        """Folder with the user's own profiles that this server judges by: a copy, made at the first start."""
        return self.running.workspace.profiles

    def start(self) -> None:
        """Start the process; it is not ready yet.  What servers left whose starters were killed is ended first.

        Raises:
            RepositoryError: the repository lacks a model, or the engine.
            UnknownProfileError, ConfigurationError: the default profile does not exist, or the file of a profile, a
                certificate or the secret is wrong.
            PortTakenError: another process listens on one of the ports.
            ServerMissingError: no tritonserver is installed, or it lacks a library or the backend of the engine.
            EngineError, PlanError: the engine needs a GPU, or a plan for it, and there is none.
            ServerStartError: the host is no address of this machine, or there are too few file descriptors.
        """
        if self._profiles is None and self.settings.profiles is not None:
            self._profiles = read_own(self.settings.profiles)  # once: a restart after a fault brings no other limits
        workspace = Workspace(self._profiles)
        try:
            self.settings.check()
            self._lines.clear()
            self._filter = log.LogFilter(has_gpu=has_gpu())  # each start says its own reason
            self._addresses = None  # names may have moved since the last start
            self._running = launch(self.settings, self.addresses, workspace, self._take_line)
        except BaseException:
            workspace.remove()
            raise

    def wait_ready(self, timeout_s: float = 60) -> None:
        """Wait until the ensemble takes requests.

        A Triton that aborts while it starts is started again, some times: on a busy machine 2.51 does that now and then
        (``boost::interprocess::lock_exception``), and the next start is none the worse for it.

        Raises:
            PortTakenError, RepositoryError: as the server's log says why it gave up.
            ServerStartError: it gave up for another reason, a process of a stage did, or it is not ready in time.
        """
        deadline_s, aborts, stub_died_s = time.monotonic() + timeout_s, 0, None
        while not self.is_ready():
            now_s = time.monotonic()
            if self.has_ended():
                aborts += 1
                if aborts > _MOST_ABORTS or self.running.process.returncode != -signal.SIGABRT:
                    raise self.failure()
                self.kill()
                self.start()
            stub_died_s = (stub_died_s or now_s) if self.processes.has_dead_stub() else None
            if stub_died_s and now_s - stub_died_s > _DEAD_STUB_S:
                raise log.stub_failure(self.log)
            if now_s > deadline_s:
                raise ServerStartError(f"Triton was not ready within {timeout_s:.0f} s; is the machine overloaded?")
            time.sleep(_POLL_S)
        self._scale(deadline_s)
        self.processes.remember()

    def is_ready(self) -> bool:
        """Whether the ensemble takes requests now."""
        return self._running is not None and self.control.is_ready()

    def has_ended(self) -> bool:
        """Whether the server ended by itself, or was never started."""
        return self._running is None or self._running.process.poll() is not None

    def failure(self) -> ServerStartError:
        """The error that says why the server ended, from its own log."""
        if self._running is None:
            return ServerStartError("Triton does not run")
        self.processes.kill()  # stubs that outlive their server hold its pipe open
        self.running.reader.join(timeout=1)  # its last words may still be in there
        status = self.running.process.poll()
        return log.explain(
            self.log, self.settings.ports, status, lambda option, port: check_port(option, port, "0.0.0.0")
        )

    def restore_workspace(self) -> bool:
        """Make the private folder anew if it was removed; whether it was."""
        workspace = self.running.workspace
        if not workspace.restore():
            return False
        binary.find(workspace.path)
        return True

    def stop(self) -> None:
        """Let requests under way finish, then end the server and all that belongs to it; nothing where none runs."""
        try:
            if self._running is not None and not self.has_ended():
                self.control.drain(_DRAIN_S)
                self._filter.stops()
                self.running.process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.running.process.wait(_KILL_AFTER_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the server and all that belongs to it.  Does nothing when not running."""
        running = self._running
        if running is not None:
            running.processes.kill()
            running.process.wait()
            running.reader.join()
            running.workspace.remove()
            self._running = None  # not earlier: a signal may break this off, and the next call must do the rest

    def _scale(self, deadline_s: float) -> None:
        """Give each stage its number of processes, and wait until those that are replaced have ended."""
        settings = self.settings
        counts = instances.changed(settings.repository, catalog.named(settings.engine), settings.processes)
        for model, count in counts.items():
            self.control.scale(model, count)
        while counts.items() - Counter(self.processes.stubs().values()).items():
            if time.monotonic() > deadline_s:
                raise ServerStartError("Triton did not start as many processes as it was told to in time")
            time.sleep(_POLL_S)

    def _take_line(self, line: str) -> None:
        with self._log_lock:
            for passed in self._filter.filter(line):
                self._lines.append(passed)
                self._on_line(passed)
