"""Processor time and memory of the load generator, of the server and of all processes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Self

import psutil

from endface.server.processes import STUB

BUSY_GENERATOR: Final = 0.8
"""A generator's process that takes this share of a core no longer asks when it should: it is the bottleneck."""


@dataclass(frozen=True)
class Usage:
    """Seconds of processor time so far.

    Attributes:
        generator: Of the load generator, all its processes.
        server: Of the server and its stubs; 0 where it is not on this machine.
        machine: Of everybody on this machine.
    """

    generator: float
    server: float
    machine: float

    def __sub__(self, earlier: Self) -> Self:
        return type(self)(*(getattr(self, each.name) - getattr(earlier, each.name) for each in fields(self)))

    def cores(self, seconds: float) -> dict[str, float]:
        """As cores that were kept busy over a time."""
        return {each.name: round(getattr(self, each.name) / seconds, 3) for each in fields(self)}


def usage(generator: Iterable[psutil.Process], server: Iterable[psutil.Process]) -> Usage:
    """Processor time of these processes so far."""
    times = psutil.cpu_times()
    machine = times.user + times.system + times.nice + times.irq + times.softirq
    return Usage(seconds_of(generator), seconds_of(server), machine)


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and its descendants."""
    return [process, *process.children(recursive=True)]


def server_processes(port: int) -> list[psutil.Process]:
    """The process of this machine that listens on a port, and its stubs; nothing where the server is elsewhere."""
    for connection in psutil.net_connections("tcp"):
        # gRPC listens on IPv6 sockets for IPv4 addresses, too.
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            return family(psutil.Process(connection.pid))
    return []


def by_model(processes: Iterable[psutil.Process]) -> dict[str, float]:
    """Seconds of processor time so far of a server's processes, by model; ``tritonserver`` is the server itself."""
    seconds: dict[str, float] = {}
    for process in processes:
        words = process.cmdline()
        is_stub = len(words) > 1 and Path(words[0]).name == STUB
        name = Path(words[1]).parent.parent.name if is_stub else "tritonserver"
        seconds[name] = seconds.get(name, 0.0) + seconds_of([process])
    return seconds


def memory_mib(processes: Iterable[psutil.Process]) -> float:
    """Memory of processes together, shared pages counted once (PSS)."""
    return round(float(sum(process.memory_full_info().pss for process in processes)) / 2**20, 1)


def seconds_of(processes: Iterable[psutil.Process]) -> float:
    """Seconds of processor time so far of processes together."""
    total = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # a worker that has ended meanwhile
            times = process.cpu_times()
            total += times.user + times.system
    return total
