"""The command ``endface-build`` in this process."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from endface_build.__main__ import main
from tests.endface_build.commands.command_line import Answer, Run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command line, or words of one."""

    def command(*words: object) -> Answer:
        line = shlex.split(str(words[0])) if len(words) == 1 else list(map(str, words))
        monkeypatch.setattr(sys, "argv", ["endface-build", *line])
        with pytest.raises(SystemExit) as end:
            main()
        out, err = (" ".join(text.split()) for text in capsys.readouterr())
        return Answer(int(end.value.code or 0), out, err)

    return command


@pytest.fixture
def own_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> Path:
    """A copy of the model repository, which is this machine's as long as the test runs."""
    copy = tmp_path / "model_repository"
    shutil.copytree(repository, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(copy))
    return copy
