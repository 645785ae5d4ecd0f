"""The guided campaign's corpus, replayed without its engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.inputs import CORPUS, PICTURE, REQUEST, try_input


@pytest.mark.parametrize("path", sorted(CORPUS.iterdir()), ids=lambda path: path.name)
def test_every_input_is_answered(path: Path) -> None:
    """What the campaign begins with, and what it found once, is answered in time."""
    data = path.read_bytes()

    assert data[:1] in (PICTURE, REQUEST)
    try_input(data)


def test_corpus_is_small() -> None:
    """It is in version control."""
    assert sum(path.stat().st_size for path in CORPUS.iterdir()) < 200_000


def test_guided_campaign_runs(project: Path, tmp_path: Path) -> None:
    """Through libFuzzer, where it is installed; what it keeps goes into the folder that it is given."""
    pytest.importorskip("atheris", reason="atheris is not installed; it comes with the group fuzz")
    command = [sys.executable, "-m", "tests.security.fuzz_guided", "-runs=40"]
    ran = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(tmp_path)],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr[-2000:]
    assert "Done 40 runs" in ran.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("crash", "timeout", "oom"))] == []
