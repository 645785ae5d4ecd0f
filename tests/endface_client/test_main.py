"""The command ``endface``."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

import pytest
from click.testing import Result

from endface import __version__
from endface.report import Report
from endface_client.__main__ import run_to_exit_code
from endface_client.testing import PASS, FakeServer, Received

Run = Callable[..., Result]
Start = Callable[..., subprocess.Popen[str]]


@pytest.mark.parametrize(
    "arguments", [["inspect"], ["inspect", "x.png", "--concurrency", "0"], ["inspect", "x", "--y"]]
)
def test_a_wrong_command_line_is_exit_2(run: Run, arguments: list[str]) -> None:
    """Mistakes in the command are not verdicts."""
    assert run(*arguments).exit_code == 2


def test_commands_are_the_documented_ones(run: Run) -> None:
    """Their names stand in the help."""
    text = run("--help").stdout

    assert all(command in text for command in ("serve", "demo", "inspect", "check-camera", "health", "record"))


def test_version_is_an_option(run: Run) -> None:
    """As of any command."""
    assert run("--version").stdout == f"endface {__version__}\n"


def start(*arguments: str | Path, stdout: int | IO[str] = subprocess.PIPE, **env: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "endface_client", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=stdout, stderr=subprocess.PIPE, text=True, encoding="utf-8", env=dict(os.environ) | env
    )


@pytest.fixture
def start_inspect(fake_server: FakeServer, pictures: Path) -> Start:
    """Start ``endface inspect`` on the pictures."""
    return partial(start, "inspect", pictures, "--server", fake_server.address, "--profile", "mm-pc")


def test_the_command_runs_as_a_process(start_inspect: Start) -> None:
    """Lines of JSON come through a pipe, and nothing else does."""
    process = start_inspect("--json")
    stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 0
    assert [json.loads(line)["verdict"] for line in stdout.splitlines()] == ["pass"] * 3
    assert stderr == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_leaves_nothing_half_written(
    start_inspect: Start, fake_server: FakeServer, tmp_path: Path, number: signal.Signals
) -> None:
    """Whole files of the finished pictures, none of the others, the shells' exit code; no call is cut on the wire."""
    gate, reached = threading.Event(), threading.Event()

    def answer(received: Received) -> Report:
        if received.parameters["name"] == "c.png":
            reached.set()
            gate.wait(60)
        return PASS

    fake_server.answer = answer
    out = tmp_path / "out"
    process = start_inspect("--out", out)
    assert process.stderr
    try:
        assert reached.wait(60)
        process.send_signal(number)
        said = process.stderr.readline()
        gate.set()
        _, stderr = process.communicate(timeout=60)
    finally:
        gate.set()
        process.kill()

    assert process.returncode == 128 + number, said + stderr
    assert re.fullmatch(r"interrupted after [012] of 3 pictures\n", said)
    assert stderr == ""
    assert fake_server.cancelled == 0
    assert {path.name for path in out.glob("*")} <= {f"{n}.{kind}" for n in "ab" for kind in ("json", "overlay.png")}


def test_output_that_cannot_be_written_is_no_verdict(start_inspect: Start) -> None:
    """A full disk is exit 2, not the 1 of a failed part."""
    with Path("/dev/full").open("w") as full:
        process = start_inspect(stdout=full)
        _, stderr = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "the standard output cannot be written: No space left on device" in stderr


def test_reader_that_has_had_enough_is_no_verdict(start_inspect: Start) -> None:
    """A pipe that is closed ends the run quietly, with 2."""
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as pipe:
        process = start_inspect("--json", stdout=pipe)
        _, stderr = process.communicate(timeout=60)

    assert (process.returncode, stderr) == (2, "")


def test_name_that_a_terminal_cannot_show_is_spelled_out(start_inspect: Start, pictures: Path) -> None:
    """The others are shown, and the exit code is theirs."""
    (pictures / "a.png").rename(pictures / "größe.png")
    process = start_inspect(PYTHONIOENCODING="ascii")
    stdout, _ = process.communicate(timeout=60)

    assert process.returncode == 0
    assert r"gr\xf6\xdfe.png" in stdout


def test_closed_output_is_no_crash(fake_server: FakeServer, pictures: Path) -> None:
    """The verdict is in the exit code, as a script may want it."""
    inspect = [sys.executable, "-m", "endface_client", "inspect", str(pictures), "--server", fake_server.address]
    command = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *inspect, "--profile", "mm-pc"]

    assert subprocess.run(command, check=False, timeout=60).returncode == 0


def test_crash_is_no_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever endface stumbles over is exit 2, with a traceback."""

    def stumble() -> None:
        raise ZeroDivisionError("a defect")

    with pytest.raises(SystemExit) as ended:
        run_to_exit_code(stumble)

    assert ended.value.code == 2
    assert "ZeroDivisionError: a defect" in capsys.readouterr().err
