"""Who used the processor."""

from __future__ import annotations

import os
import socket

import psutil
from pytest import approx

from benchmarks.common.usage import Usage, family, memory_mib, server_processes, usage


def test_seconds_become_cores() -> None:
    """3 s of processor in 2 s are 1.5 cores."""
    spent = Usage(5.0, 9.0, 12.0) - Usage(2.0, 8.0, 10.0)

    assert spent.cores(2.0) == {"generator": 1.5, "server": 0.5, "machine": 1.0}


def test_a_process_counts_with_its_own() -> None:
    """What this process has used is known, and is part of what the machine has."""
    found = usage(family(psutil.Process()), [])

    assert 0 < found.generator <= found.machine
    assert found.server == 0


def test_server_is_found_by_its_port() -> None:
    """The process that listens is the server, be its socket of IPv4 or IPv6; where nobody listens it is elsewhere."""
    for host, kind in (("127.0.0.1", socket.AF_INET), ("::ffff:127.0.0.1", socket.AF_INET6)):
        with socket.socket(kind, socket.SOCK_STREAM) as listener:
            listener.bind((host, 0))
            port = listener.getsockname()[1]
            assert server_processes(port) == []
            listener.listen()
            assert server_processes(port)[0].pid == os.getpid()


def test_memory_is_that_of_all_processes() -> None:
    """Twice the same process is twice its memory."""
    me = psutil.Process()

    assert memory_mib([me, me]) == approx(2 * memory_mib([me]), rel=0.2)
    assert memory_mib([]) == 0
