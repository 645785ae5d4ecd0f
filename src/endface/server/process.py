"""A Triton of one's own: starts it on this machine and stops it; ``endface.health.supervisor`` keeps it serving.

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
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

from endface import contract, environment
from endface.engines import catalog
from endface.errors import ServerStartError
from endface.server import binary, log
from endface.server.control import Control
from endface.server.offered_version import Offered
from endface.server.processes import Session
from endface.server.settings import Settings
from endface.server.workspace import Workspace

_Part = TypeVar("_Part")

_POLL_S: Final = 0.1
_DRAIN_S: Final = 20
"""How long requests under way may take after a stop; none waits longer than 10 s in a queue."""

_EXIT_S: Final = 5
"""How long Triton may take to unload its models: it took 4 s here."""

_KILL_AFTER_S: Final = 2 * _EXIT_S
"""With ``_DRAIN_S`` it makes 30 s, the grace period of Kubernetes and most supervisors."""

_LOG_LINES: Final = 400
"""How much of the log is kept to explain a failure."""

_FILE_BYTES: Final = 4 * contract.MAX_IMAGE_BYTES
"""How far each model's shared memory may grow, which never shrinks.  The largest picture needs a quarter, twice that
where the memory is in pieces; messages of gigabytes, which Triton has no limit for, are refused here."""

# Ask the kernel for SIGTERM when the starting process dies (PR_SET_PDEATHSIG = 1, linux/prctl.h), then become Triton.
# The starter may have died before the prctl: then nobody would ever stop the server, so look once.  Regions of shared
# memory are files; Python has ignored the signal that a too large one would mean, and what becomes of it inherits that.
_LAUNCHER: Final = (
    sys.executable,
    "-ISc",
    """
import ctypes, os, resource, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the process that started Triton is gone")
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
wanted = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (wanted if hard < 0 else min(wanted, hard), hard))
os.execv(sys.argv[3], sys.argv[3:])
""",
)


def _unheard(_line: str) -> None:
    """Nobody listens to the log; the last lines are kept all the same."""


class EmbeddedServer:
    """A Triton process; as a context manager it is started on entry and stopped on exit.

    Start it from the main thread: the kernel stops the server when the thread that started it ends.

    Args:
        settings: what to serve, and where.

    Attributes:
        on_line: Is called with every line that the server writes, from a thread of its own.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings: Final = settings
        self.on_line: Callable[[str], None] = _unheard
        self._has_gpu = any(Path("/dev").glob("nvidia[0-9]*"))
        self._sieve = log.Sieve(has_gpu=self._has_gpu)
        self._lines: collections.deque[str] = collections.deque(maxlen=_LOG_LINES)
        self._workspace: Workspace | None = None
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._control: Control | None = None
        self._session: Session | None = None
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
        return f"{self.settings.local_http_address}:{self.settings.http_port}"

    @property
    def control(self) -> Control:
        """What the server is asked and told by us; another one after each start."""
        return _started(self._control)

    @property
    def session(self) -> Session:
        """Its processes; another one after each start."""
        return _started(self._session)

    @property
    def executions(self) -> Path:
        """Folder where its stages' processes say since when they work; another one after each start."""
        return _started(self._workspace).executions

    @property
    def offered(self) -> Offered:
        """What the repository offers beside what was there at the start."""
        return _started(self._offered)

    @property
    def log(self) -> list[str]:
        """The end of what the server wrote."""
        return list(self._lines)

    def start(self) -> None:
        """Start the process; it is not ready yet.

        Raises:
            RepositoryError: the repository lacks a model, or the engine.
            UnknownProfileError, ConfigurationError: the default profile does not exist, or the file of a profile, a
                certificate or the secret is wrong.
            PortTakenError: somebody listens on one of the ports.
            ServerMissingError: no tritonserver is installed, or it lacks the backend that the engine needs.
            EngineError, PlanError: the engine needs a GPU, or a plan for it, and there is none.
            ServerStartError: the host is no address of this machine.
        """
        self.settings.check()
        self._lines.clear()
        engine = catalog.named(self.settings.engine)
        self._offered = Offered(self.settings.repository / contract.SEGMENT.name, engine)
        self._workspace = Workspace()
        try:
            triton = binary.find(self._workspace.path)
            triton.check(engine)
            self._offered.check()
            self._control = Control(
                self.settings.local_http_address,
                self.settings.http_port,
                self.settings.secret,
                is_exposed=self.settings.is_exposed,
            )
            told = {environment.EXECUTIONS: str(self.executions)}
            self._process = subprocess.Popen(
                [*_LAUNCHER, str(os.getpid()), str(_FILE_BYTES), str(triton.path), *triton.flags, *self._flags()],
                env=os.environ | triton.environment | self.settings.environment | told,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
                pass_fds=[self._workspace.lock],
            )
            self._session = Session(self._process.pid)
            self._reader = threading.Thread(target=self._read, args=(self._process,), name="triton-log", daemon=True)
            self._reader.start()
        except BaseException:
            self.stop()
            raise

    def wait_ready(self, timeout_s: float = 60) -> None:
        """Wait until the ensemble takes requests.

        A Triton that aborts while it starts is started once more: on a busy machine 2.51 does that now and then
        (``boost::interprocess::lock_exception``), and the next start is none the worse for it.

        Raises:
            PortTakenError, RepositoryError: as the server's log says why it gave up.
            ServerStartError: it gave up for another reason, or is not ready in time.
        """
        deadline_s, may_abort = time.monotonic() + timeout_s, True
        while not self.is_ready():
            if self.has_ended():
                if not may_abort or _started(self._process).returncode != -signal.SIGABRT:
                    raise self.failure()
                may_abort = False
                self.kill()
                self.start()
            if time.monotonic() > deadline_s:
                raise ServerStartError(f"Triton was not ready within {timeout_s:.0f} s; is the machine overloaded?")
            time.sleep(_POLL_S)
        self.session.remember()

    def is_ready(self) -> bool:
        """Whether the ensemble takes requests now."""
        return self._control is not None and self._control.is_ready()

    def has_ended(self) -> bool:
        """Whether the server ended by itself."""
        return _started(self._process).poll() is not None

    def failure(self) -> ServerStartError:
        """Why the server ended, in its own words."""
        self.session.kill()  # stubs that outlive their server hold its pipe open
        if self._reader is not None:
            self._reader.join(timeout=1)  # its last words may still be in there
        return log.explain(self.log, self.settings.ports, _started(self._process).poll())

    def stop(self) -> None:
        """Let requests under way finish, then end the server and all that belongs to it.  Harmless when not running."""
        try:
            if self._process is not None and not self.has_ended():
                self.control.drain(_DRAIN_S)
                self._process.send_signal(signal.SIGTERM)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(_KILL_AFTER_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the server and all that belongs to it at once.  Harmless when not running."""
        if self._process is not None and self._session is not None:
            self._session.kill()
            self._process.wait()
        if self._reader is not None:
            self._reader.join()
        if self._workspace is not None:
            self._workspace.remove()
        self._process = self._session = self._control = self._reader = self._workspace = None

    def _flags(self) -> list[str]:
        prefix = _started(self._workspace).shared_memory_prefix
        shm = f"--backend-config=python,shm-region-prefix-name={prefix}"
        quiet = [] if self._has_gpu else ["--pinned-memory-pool-byte-size=0", "--allow-gpu-metrics=false"]
        return [*self.settings.flags, *self.control.flags, f"--exit-timeout-secs={_EXIT_S}", shm, *quiet]

    def _read(self, process: subprocess.Popen[str]) -> None:
        lines = process.stdout
        assert lines is not None  # asked for in start()
        with lines:
            for line in lines:
                if self._sieve.passes(line):
                    self._lines.append(line.rstrip("\n"))
                    self.on_line(self._lines[-1])


def _started(part: _Part | None) -> _Part:
    """A part that a server has while it runs."""
    if part is None:
        raise RuntimeError("the server was not started")
    return part
