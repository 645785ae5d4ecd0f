"""The command without the packages of its extra, and what it says of where a network comes from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from endface_build.provenance import provenance


@pytest.mark.parametrize("package", ["typer", "rich", "yaml", "onnx"])
def test_without_the_extra(package: str) -> None:
    """A package that is missing is one sentence with the extra of the checkout, no traceback and no package index."""
    code = f"import sys; sys.modules[{package!r}] = None; from endface_build.__main__ import main; sys.exit(main())"
    words = [sys.executable, "-c", code, "import", "a.onnx", "--classes", "map.toml"]
    answer = subprocess.run(words, capture_output=True, text=True, check=False)

    assert answer.returncode == 2
    assert f"needs the package {package}" in answer.stderr
    assert "pip install '.[build]'" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("place", ["src", "client", "build", "model_repository", "docs"])
def test_changed_files_are_told(tmp_path: Path, place: str) -> None:
    """A commit is dirty where a file that decides what a network becomes differs from it; a document does not."""

    def git(*words: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "README").touch()
    git("add", ".")
    git("commit", "-m", "first")
    assert not provenance(tmp_path)["commit"].endswith("-dirty")
    (tmp_path / place).mkdir()
    (tmp_path / place / "file").touch()

    assert provenance(tmp_path)["commit"].endswith("-dirty") == (place != "docs")
