"""A Triton of one's own: starts it on this machine, watches it and stops it.

The server runs in a session of its own together with its stub processes, dies with the process that started it, and
leaves neither processes nor shared memory behind.  Linux only, as Triton is.
"""

from __future__ import annotations

import collections
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from endface import contract, engines, triton_binary, triton_log
from endface.errors import EndfaceError, ServerStartError
from endface.offered import Offered
from endface.triton_control import Control
from endface.triton_settings import Settings

_POLL_S: Final = 0.1
_DRAIN_S: Final = 20
"""How long requests under way may take after a stop; none waits longer than 10 s in a queue."""

_EXIT_S: Final = 5
"""How long Triton may take to unload its models: it took 4 s here."""

_KILL_AFTER_S: Final = 2 * _EXIT_S
"""With ``_DRAIN_S`` it makes 30 s, the grace period of Kubernetes and most supervisors."""

_LOG_LINES: Final = 400
"""How much of the log is kept to explain a failure."""

# Ask the kernel for SIGTERM when the starting process dies (PR_SET_PDEATHSIG = 1, linux/prctl.h), then become Triton.
# The starter may have died before the prctl: then nobody would ever stop the server, so look once.
_LAUNCHER: Final = (
    sys.executable,
    "-ISc",
    """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the process that started Triton is gone")
os.execv(sys.argv[2], sys.argv[2:])
""",
)


def _unheard(_line: str) -> None:
    """Nobody listens to the log; the last lines are kept all the same."""


class EmbeddedServer:
    """A Triton process; as a context manager it is started on entry and stopped on exit.

    Start it from the main thread: the kernel stops the server when the thread that started it ends.

    Args:
        settings: what to serve, and where.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings
        self._on_line: Callable[[str], None] = _unheard
        self._has_gpu = any(Path("/dev").glob("nvidia[0-9]*"))
        self._lines: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self._workspace: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._control: Control | None = None
        self._reader: threading.Thread | None = None
        self._stubs: frozenset[int] = frozenset()
        self._stubs_needed = 0
        self._offered: Offered | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def grpc_address(self) -> str:
        """Where a client on this machine finds the server: ``host:port``."""
        return f"{self.settings.local_address}:{self.settings.grpc_port}"

    @property
    def http_address(self) -> str:
        """As ``grpc_address``, for HTTP."""
        return f"{self.settings.local_address}:{self.settings.http_port}"

    @property
    def log(self) -> list[str]:
        """The end of what the server wrote."""
        return list(self._lines)

    def start(self) -> None:
        """Start the process; it is not ready yet.

        Raises:
            RepositoryError: the repository lacks a model, or the engine.
            UnknownProfileError, ConfigurationError: the default profile does not exist, a profile's file is wrong.
            PortTakenError: somebody listens on one of the ports.
            ServerMissingError: no tritonserver is installed, or it lacks the backend that the engine needs.
            EngineError, PlanError: the engine needs a GPU, or a plan for it, and there is none.
            ServerStartError: the host is no address of this machine.
        """
        self.settings.check()
        engine = engines.named(self.settings.engine)
        self._offered = Offered(self.settings.repository / contract.SEGMENT.name, engine)
        self._workspace = tempfile.TemporaryDirectory(prefix="endface-", ignore_cleanup_errors=True)
        try:
            binary = triton_binary.find(Path(self._workspace.name))
            binary.check(engine)
            self._offered.check()
            self._control = Control(self.settings.local_address, self.settings.http_port)
            self._process = subprocess.Popen(
                [*_LAUNCHER, str(os.getpid()), str(binary.path), *binary.flags, *self._flags(self._control)],
                env=os.environ | binary.environment | self.settings.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
            self._reader = threading.Thread(target=self._read, name="triton-log", daemon=True)
            self._reader.start()
        except BaseException:
            self.stop()
            raise

    def wait_ready(self, timeout_s: float = 60) -> None:
        """Wait until the ensemble takes requests.

        Raises:
            PortTakenError, RepositoryError: as the server's log says why it gave up.
            ServerStartError: it gave up for another reason, or is not ready in time.
        """
        deadline_s = time.monotonic() + timeout_s
        process = self._running()
        while not self.is_ready():
            if process.poll() is not None:
                raise self._failure()
            if time.monotonic() > deadline_s:
                raise ServerStartError(f"Triton was not ready within {timeout_s:.0f} s; is the machine overloaded?")
            time.sleep(_POLL_S)
        self._stubs = frozenset(_session(process.pid) - {process.pid})
        self._stubs_needed = len(self._stubs)

    def is_ready(self) -> bool:
        """Whether the ensemble takes requests now."""
        return self._control is not None and self._control.is_ready()

    def watch(self, log: Callable[[str], None] = _unheard) -> None:
        """Return only by raising: as soon as the server or one of its stub processes is gone.

        Triton does not restart a stub that died, and goes on calling itself ready; every request would fail.
        A version of the network that comes into the repository, or is withdrawn, is followed without a pause.

        Args:
            log: is called with every line that the server writes from now on, from a thread of its own.

        Raises:
            ServerStartError: always, with what happened.
        """
        process = self._running()
        self._on_line = log
        while process.poll() is None:
            self._check_stubs(process)
            self._follow_repository(log)
            time.sleep(_POLL_S)
        raise self._failure()

    def stop(self) -> None:
        """Let requests under way finish, then end the server and all that belongs to it.  Harmless when not running."""
        if self._process is not None:
            try:
                if self._control is not None and self._process.poll() is None:
                    self._control.drain(_DRAIN_S)
            finally:
                self._end(self._process)
                self._process = self._control = None
        if self._reader is not None:
            self._reader.join()
            self._reader = None
        if self._workspace is not None:
            for region in Path("/dev/shm").glob(f"{self._shm_prefix()}*"):  # a killed server leaves its shared memory
                region.unlink(missing_ok=True)
            self._workspace.cleanup()
            self._workspace = None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            raise RuntimeError("the server was not started")
        return self._process

    def _check_stubs(self, process: subprocess.Popen[str]) -> None:
        """A stub may go only where a newer version's has taken its place."""
        if not all(_lives(pid, process.pid) for pid in self._stubs):
            self._stubs = frozenset(_session(process.pid) - {process.pid})
            died = self._stubs_needed - len(self._stubs)
            if died > 0:
                raise ServerStartError(f"{died} of Triton's model processes died; start the server again")

    def _follow_repository(self, log: Callable[[str], None]) -> None:
        """Have Triton load what is new, once for each change; what it refuses is named in the log."""
        assert self._offered is not None and self._control is not None  # noqa: PT018 - both are made by start()
        version = self._offered.change()
        if version is not None:
            try:
                self._offered.check()
                self._control.load(contract.SEGMENT.name)
            except EndfaceError as exc:
                log(f"version {version} of the network is not served: {exc}")

    def _flags(self, control: Control) -> list[str]:
        shm = f"--backend-config=python,shm-region-prefix-name={self._shm_prefix()}"
        quiet = [] if self._has_gpu else ["--pinned-memory-pool-byte-size=0", "--allow-gpu-metrics=false"]
        return [*self.settings.flags, *control.flags, f"--exit-timeout-secs={_EXIT_S}", shm, *quiet]

    def _shm_prefix(self) -> str:
        """Unique on this machine, so that servers side by side do not share memory by accident."""
        assert self._workspace is not None
        return Path(self._workspace.name).name

    def _read(self) -> None:
        lines = self._running().stdout
        assert lines is not None  # asked for in start()
        with lines:
            for line in lines:
                if self._has_gpu or not triton_log.is_harmless_without_gpu(line):
                    self._lines.append(line.rstrip("\n"))
                    self._on_line(self._lines[-1])

    def _failure(self) -> ServerStartError:
        """Why the server ended, in its own words."""
        if self._reader is not None:
            self._reader.join(timeout=1)  # its last words may still be in the pipe
        return triton_log.explain(self.log, self.settings.ports, self._running().poll())

    def _end(self, process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGTERM)  # harmless when it ended already
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_KILL_AFTER_S)
        for pid in _session(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
        while _session(process.pid):
            time.sleep(_POLL_S)


def _session(leader: int) -> set[int]:
    """The live processes of a session."""
    pids = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
    return {pid for pid in pids if _lives(pid, leader)}


def _lives(pid: int, leader: int) -> bool:
    """Whether a process of that session runs (man 5 proc_pid_stat); zombies have ended and do not count."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    state, _parent, _group, session = stat.rpartition(")")[2].split()[:4]
    return int(session) == leader and state not in "ZX"
