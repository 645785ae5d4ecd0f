"""The command ``endface``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from endface.report import Report
from endface_client.testing import PASS, FakeServer, Received


@pytest.mark.parametrize(
    "arguments", [["inspect"], ["inspect", "x.png", "--concurrency", "0"], ["inspect", "x", "--y"]]
)
def test_a_wrong_command_line_is_exit_2(run: Callable[..., Result], arguments: list[str]) -> None:
    """Mistakes in the command are not verdicts."""
    assert run(*arguments).exit_code == 2


def test_the_commands_are_the_documented_ones(run: Callable[..., Result]) -> None:
    """inspect, health and serve."""
    text = run("--help").stdout

    assert all(command in text for command in ("inspect", "health", "serve"))


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "endface_client", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def test_the_command_runs_as_a_process(fake_server: FakeServer, pictures: Path) -> None:
    """Lines of JSON come through a pipe, and nothing else does."""
    process = start("inspect", pictures, "--server", fake_server.address, "--profile", "mm-pc", "--json")
    stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 0
    assert [json.loads(line)["verdict"] for line in stdout.splitlines()] == ["pass"] * 3
    assert stderr == ""


def test_an_interrupt_leaves_nothing_half_written(fake_server: FakeServer, pictures: Path, tmp_path: Path) -> None:
    """Ctrl-C in the middle: whole files of the finished pictures, none of the others, exit 130."""
    gate = threading.Event()
    reached = threading.Event()

    def answer(received: Received) -> Report:
        if received.parameters["name"] == "c.png":
            reached.set()
            gate.wait(60)
        return PASS

    fake_server.answer = answer
    out = tmp_path / "out"
    process = start("inspect", pictures, "--server", fake_server.address, "--profile", "mm-pc", "--out", out)
    try:
        assert reached.wait(60)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
    finally:
        gate.set()
        process.kill()

    assert process.returncode == 130
    assert "interrupted" in stderr
    assert {path.name for path in out.glob("*")} <= {f"{n}.{kind}" for n in "ab" for kind in ("json", "overlay.png")}
