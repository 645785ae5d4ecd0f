"""``endface serve`` around a fake Triton: its log and its signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from endface.server.settings import Settings

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(settings: Settings, install: Callable[..., None]) -> Iterator[Start]:
    """Start the command and wait until it is ready; ``code`` runs in Triton, whose log it fills."""
    processes: list[subprocess.Popen[str]] = []

    def run(stderr: int | IO[str], code: str = "", *prefix: str) -> subprocess.Popen[str]:
        install(code)
        flags = [f"{option}={port}" for option, port in settings.ports.items()]
        command = [*prefix, sys.executable, "-m", "endface_client", "serve", f"--repository={settings.repository}"]
        process = subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, stderr=stderr, text=True)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline().startswith("endface is ready")
        return process

    yield run
    for process in processes:
        process.kill()
        process.communicate()


def left(process: subprocess.Popen[str]) -> list[Path]:
    """What a command has left."""
    return list(Path("/dev/shm").glob(f"endface-{process.pid}-*"))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT])
def test_signal_lets_requests_finish(start: Start, tmp_path: Path, number: signal.Signals) -> None:
    """A closed terminal, too, ends it in order: the ensemble is unloaded before Triton is told to leave."""
    if signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("the tests run under nohup, which the server inherits")
    with (tmp_path / "log").open("w") as log:
        process = start(log)
        process.send_signal(number)
        assert process.wait() == 0

    words = [line.split()[:2] for line in (tmp_path / "log").read_text().splitlines()]
    assert words.index(["asked", "models/endface/unload"]) < words.index(["leaving"])
    assert not left(process)


def test_nohup_outlives_the_terminal(start: Start) -> None:
    """A SIGHUP that is ignored at the start stays ignored."""
    process = start(subprocess.DEVNULL, "", "/bin/sh", "-c", 'trap "" HUP; exec "$@"', "sh")
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)

    assert process.wait() == 0


@pytest.mark.parametrize("place", ["full disk", "stalled reader"])
def test_log_that_nobody_takes_stops_nobody(start: Start, place: str) -> None:
    """More lines than a pipe or the buffer holds cost neither the start nor the stop."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as pipe, Path("/dev/full").open("w") as full:
        process = start(full if place == "full disk" else pipe, "for number in range(20_000): say('{' + 'x' * 100)")
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
    os.close(reader)
    assert not left(process)
