"""``endface check-camera``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


@pytest.fixture
def clean(samples: list[Path]) -> Path:
    """A picture that every profile can judge."""
    return next(path for path in samples if path.name == "multimode-clean.jpg")


@pytest.fixture
def blurred(samples: list[Path]) -> Path:
    """A picture that none can judge."""
    return next(path for path in samples if path.name == "out-of-focus.jpg")


def test_a_camera_that_works_is_exit_0(run: Run, clean: Path) -> None:
    """Its figures in a row, and that nothing is to be changed."""
    result = run("check-camera", clean)
    (row,) = (line for line in result.stdout.splitlines() if line.strip().startswith(clean.name))

    assert result.exit_code == 0, result.stderr
    assert "0.43" in row
    assert "A 100 B 100 C 100 D 100" in row
    assert row.split()[-1] == "all"
    assert result.stdout.splitlines()[-1] == "nothing to change: every profile can judge every picture"


def test_the_last_sentence_says_what_to_change(run: Run, clean: Path, blurred: Path) -> None:
    """With a picture that no profile can judge the command is exit 1."""
    result = run("check-camera", clean, blurred, "--profile", "mm-pc", "--profile", "sm-apc")

    assert result.exit_code == 1, result.stderr
    assert "can be judged: 1 of 2 by mm-pc, sm-apc" in result.stdout
    assert "to change first (defocus, 1 of 2)" in result.stdout.splitlines()[-1]
    assert result.stdout.splitlines()[-1].endswith("focus again")


@pytest.mark.parametrize("options", [("--profile", "foo"), ("--cladding-um", "1")])
def test_wrong_options_are_exit_2(run: Run, clean: Path, options: tuple[str, str]) -> None:
    """As of any command."""
    assert run("check-camera", clean, *options).exit_code == 2


def test_a_picture_that_cannot_be_read_is_named(run: Run, clean: Path, tmp_path: Path) -> None:
    """The others are measured."""
    (tmp_path / "empty.png").touch()
    result = run("check-camera", clean, tmp_path)

    assert result.exit_code == 2
    assert "empty.png is empty" in result.stderr
    assert clean.name in result.stdout
