"""Launch of one Triton process, with its limits and flags, and all that belongs to it while it runs."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from endface import contract
from endface.engines import catalog
from endface.errors import ServerStartError
from endface.server import binary
from endface.server.control import Control
from endface.server.offered_version import OfferedVersion
from endface.server.processes import ServerProcesses
from endface.server.settings import Addresses, Settings
from endface.server.workspace import Workspace

EXIT_S: Final = 5
"""How long Triton may take to unload its models: it took 4 s here."""

_FILE_BYTES: Final = 4 * contract.MAX_IMAGE_BYTES
"""How far each model's shared memory may grow, which never shrinks.  The largest picture needs a quarter, twice that
where the memory is in pieces; messages of gigabytes, which Triton has no limit for, are refused here."""

_DESCRIPTORS: Final = 65_536
"""File descriptors that Triton gets where the system allows it: each connection takes one."""

_LEAST_DESCRIPTORS: Final = 512
"""With fewer than these it does not even start."""

_FEW_DESCRIPTORS: Final = 4096
"""With fewer than these the log says so: a fleet's clients may need more."""

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
for kind, wanted in ((resource.RLIMIT_FSIZE, int(sys.argv[2])), (resource.RLIMIT_NOFILE, int(sys.argv[3]))):
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (wanted if hard < 0 else min(wanted, hard), hard))
os.execv(sys.argv[4], sys.argv[4:])
""",
)


@dataclass(frozen=True)
class Running:
    """One Triton process and all that belongs to it.

    Attributes:
        process: the process.
        reader: the thread that reads its log.
        workspace: its private folder.
        control: its control over HTTP.
        processes: it and its stubs.
        offered: what the repository offers since it was started.
    """

    process: subprocess.Popen[str]
    reader: threading.Thread
    workspace: Workspace
    control: Control
    processes: ServerProcesses
    offered: OfferedVersion


def has_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU."""
    return any(Path("/dev").glob("nvidia[0-9]*"))


def launch(settings: Settings, addresses: Addresses, workspace: Workspace, take_line: Callable[[str], None]) -> Running:
    """Start Triton; it is not ready yet.

    Args:
        settings: what to serve; they were checked.
        addresses: where to listen.
        workspace: its folder; the caller removes it where the launch fails.
        take_line: is called with every line of its log, from a thread of its own.

    Raises:
        ServerStartError, ConfigurationError, EngineError: as ``EmbeddedServer.start`` says.
    """
    _check_descriptors(take_line)
    engine = catalog.named(settings.engine)
    offered = OfferedVersion(settings.repository / contract.SEGMENT.name, engine)
    triton = binary.find(workspace.path)
    triton.check(engine)
    offered.check()
    control = Control(addresses.local_http, settings.http_port, settings.read_secret(), is_exposed=addresses.is_exposed)
    flags = [
        *triton.flags,
        *settings.flags(addresses),
        *control.flags,
        f"--exit-timeout-secs={EXIT_S}",
        f"--backend-config=python,shm-region-prefix-name={workspace.shared_memory_prefix}",
    ]
    if not has_gpu():
        flags += ["--pinned-memory-pool-byte-size=0", "--allow-gpu-metrics=false"]
    process = subprocess.Popen(
        [*_LAUNCHER, str(os.getpid()), str(_FILE_BYTES), str(_DESCRIPTORS), str(triton.path), *flags],
        env=os.environ | triton.environment | settings.environment | workspace.variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    processes = ServerProcesses(process.pid)
    try:
        reader = threading.Thread(target=_read, args=(process, take_line), name="triton-log", daemon=True)
        reader.start()
    except BaseException:  # no more threads, or a signal
        processes.kill()
        process.wait()
        raise
    return Running(process, reader, workspace, control, processes, offered)


def _check_descriptors(take_line: Callable[[str], None]) -> None:
    """Refuse a limit with which Triton cannot start; name one that many connections reach."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    cure = "raise the limit (`ulimit -Hn`, LimitNOFILE= of a systemd unit)"
    if 0 <= hard < _LEAST_DESCRIPTORS:
        raise ServerStartError(
            f"a process may have {hard} file descriptors here, Triton needs {_LEAST_DESCRIPTORS} and one for each "
            f"connection; {cure}"
        )
    if 0 <= hard < _FEW_DESCRIPTORS:
        take_line(f"only some {hard - _LEAST_DESCRIPTORS} clients can be connected at a time; {cure}")


def _read(process: subprocess.Popen[str], take_line: Callable[[str], None]) -> None:
    lines = process.stdout
    assert lines is not None  # asked for in launch
    with lines:
        for line in lines:
            take_line(line.rstrip("\n"))
