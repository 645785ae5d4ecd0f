"""``endface inspect --review``: what is kept for a person to look at, and the candidate beside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import Result

from endface.review.cases import Cases

Inspect = Callable[..., Result]


@pytest.fixture
def inspect(run: Inspect, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Inspect:
    """Runs the command in this process."""
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(repository))
    return lambda *arguments: run("inspect", "--offline", "--profile", "mm-pc", *arguments)


@pytest.fixture
def pictures(tmp_path: Path, samples: list[Path]) -> Path:
    """A face that fails, a clean one, and a black picture."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in samples:
        if path.name in ("chipped.jpg", "multimode-clean.jpg"):
            (folder / path.name).write_bytes(path.read_bytes())
    cv2.imwrite(str(folder / "black.png"), np.zeros((480, 640), np.uint8))
    return folder


def kept(folder: Path) -> dict[str, str]:
    """Kinds of the cases in a folder by their pictures' names."""
    return {case.report.image.name: case.kind for case in Cases(folder)}


def test_failures_are_kept_and_clear_passes_are_not(inspect: Inspect, pictures: Path, tmp_path: Path) -> None:
    """What failed and what is invalid is kept with its picture as it came; the exit code stays the verdicts'."""
    result = inspect(pictures, "--review", tmp_path / "cases")

    assert result.exit_code == 1, result.stderr
    assert kept(tmp_path / "cases") == {"chipped.jpg": "fail", "black.png": "invalid"}
    (chipped,) = (case for case in Cases(tmp_path / "cases") if case.kind == "fail")
    assert chipped.picture() == (pictures / "chipped.jpg").read_bytes()


def test_everything_is_kept_when_asked(inspect: Inspect, pictures: Path, tmp_path: Path) -> None:
    """A pass that somebody doubts comes to review by --review-all."""
    inspect(pictures / "multimode-clean.jpg", "--review", tmp_path / "cases", "--review-all")

    assert kept(tmp_path / "cases") == {"multimode-clean.jpg": "asked"}


def test_candidate_judges_as_well(inspect: Inspect, pictures: Path, tmp_path: Path, repository: Path) -> None:
    """A candidate sees what was judged, and the run says how often it differs; its own verdict is none of the run's."""
    candidate = repository / "segment" / "1" / "model.onnx"
    result = inspect(pictures, "--review", tmp_path / "cases", "--shadow", candidate)

    assert result.exit_code == 1, result.stderr
    assert "the candidate judged 2 pictures and differs on" in result.stderr
    assert "3 pictures: 1 pass" in result.stdout


@pytest.mark.parametrize("option", [("--review-all",), ("--shadow", "model.onnx")])
def test_options_without_a_folder_are_refused(inspect: Inspect, pictures: Path, option: tuple[str, ...]) -> None:
    """What is kept needs a place."""
    result = inspect(pictures, *option)

    assert result.exit_code == 2
    assert "--review" in result.stderr


def test_missing_candidate_ends_the_run_before_it_begins(inspect: Inspect, pictures: Path, tmp_path: Path) -> None:
    """A candidate that is not there is a sentence and exit code 2."""
    result = inspect(pictures, "--review", tmp_path / "cases", "--shadow", tmp_path / "model.onnx")

    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr


def test_full_disk_ends_the_run(inspect: Inspect, pictures: Path, tmp_path: Path) -> None:
    """A folder that cannot be written ends the run with a sentence, since what should be reviewed would be lost."""
    (tmp_path / "cases").write_text("a file")
    result = inspect(pictures, "--review", tmp_path / "cases")

    assert result.exit_code == 2
    assert "cannot be kept for review" in result.stderr
