"""What ``endface demo`` says before it starts a server, and when it is interrupted."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{tmp_path}/empty"], "empty holds no picture"),
        (["{tmp_path}/gone"], "gone cannot be read: No such file or directory"),
        (["{pictures}", "--profile", "foo"], "no profile 'foo'"),
        (["{pictures}", "--out", "{pictures}"], "is the folder of the pictures"),
        (
            ["{pictures}", "--out", "{pictures}/a.png"],
            "a.png cannot be written: a file stands where a folder should be",
        ),
    ],
    ids=["empty folder", "missing folder", "unknown profile", "folder of the pictures", "file in the folder's place"],
)
def test_mistake_is_said_before_a_server_is_started(
    run: Callable[..., Result], pictures: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    """Nobody waits for Triton only to read that."""
    (tmp_path / "empty").mkdir()
    words = [word.format(pictures=pictures, tmp_path=tmp_path) for word in arguments]
    out = [] if "--out" in words else ["--out", str(tmp_path / "out")]
    result = run("demo", *words, *out)

    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Triton" not in result.stdout


@pytest.mark.triton
def test_interrupt_is_answered_before_the_server_has_stopped(pictures: Path, tmp_path: Path) -> None:
    """It takes seconds, and silence would look as if Ctrl-C had done nothing; a second one leaves nothing running."""
    command = [sys.executable, "-m", "endface_client", "demo", str(pictures), "--out", str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert "Triton is ready" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)

    assert said == "endface demo: interrupted; Triton is being stopped, this takes up to ten seconds\n"
    assert process.returncode == 130
    assert stderr in {"", f"wrote {tmp_path / 'out' / 'index.html'}\n"}  # a page was under way
