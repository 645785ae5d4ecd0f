from __future__ import annotations

from pathlib import Path

import pytest

from endface.errors import ConfigurationError
from endface.server.secret import read_secret

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A secret as openssl writes it, for its owner alone."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_secret_is_read(file: Path) -> None:
    """The end of the line does not count."""
    assert read_secret(file) == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_secret_that_others_can_read_is_none(file: Path, mode: int) -> None:
    """Neither the group nor the rest of the machine may."""
    file.chmod(mode)

    with pytest.raises(ConfigurationError, match=f"its mode is {mode:04o}; chmod 0600"):
        read_secret(file)


@pytest.mark.parametrize("text", ["", "short", "a b" * 20, "a:b," * 20, "a" * 1000, "é" * 40])
def test_what_cannot_be_a_secret_is_refused(file: Path, text: str) -> None:
    """Too short to be safe, or nothing that can stand in a flag; the sentence does not repeat it."""
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigurationError, match="openssl rand") as refused:
        read_secret(file)
    assert not text or text not in str(refused.value)


def test_missing_secret_is_named(tmp_path: Path) -> None:
    """With the command that makes one."""
    with pytest.raises(ConfigurationError, match=r"nowhere cannot be read.*openssl rand"):
        read_secret(tmp_path / "nowhere")
