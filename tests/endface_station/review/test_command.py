"""``endface review`` as a process."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from endface.review.cases import Cases

ENDFACE = (sys.executable, "-c", "from endface_commands import endface; endface()")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_pages_are_there_until_ctrl_c(cases: Cases) -> None:
    """The command says where to look, shows the cases there to this machine by its own names, and ends by Ctrl-C."""
    port = free_port()
    command = [*ENDFACE, "review", cases.folder, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            page = httpx.get(f"http://127.0.0.1:{port}/review/", timeout=60)
            stranger = httpx.get(f"http://127.0.0.1:{port}/review/", headers={"Host": "elsewhere"})
        finally:
            process.send_signal(signal.SIGINT)
            status = process.wait(60)

    assert f"open http://127.0.0.1:{port}/review/" in said
    assert "SN-chipped" in page.text
    assert stranger.status_code == 400
    assert status in (130, -signal.SIGINT)


@pytest.mark.parametrize("wrong", ["folder", "port"])
def test_what_is_wrong_is_a_sentence(cases: Cases, tmp_path: Path, wrong: str) -> None:
    """A folder that is not there, or a port that is taken, is exit code 2 and a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if wrong == "port" else free_port()
        folder = tmp_path / "none" if wrong == "folder" else cases.folder
        done = subprocess.run(
            [*ENDFACE, "review", folder, "--port", str(port)], capture_output=True, text=True, check=False
        )

    assert done.returncode == 2
    assert ("is no folder" if wrong == "folder" else f"port {port}") in done.stderr
