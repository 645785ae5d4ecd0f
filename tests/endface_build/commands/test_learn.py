"""What the command ``endface-build learn`` refuses; tests/docs/test_review_page.py runs it."""

from __future__ import annotations

from pathlib import Path

from endface.review.cases import Cases
from tests.endface_build.commands.command_line import Run
from tests.endface_build.learn.conftest import reviewed, reviewed_folder

__all__ = ["reviewed", "reviewed_folder"]


def test_too_few_reviews_are_told(run: Run, reviewed: Cases, own_repository: Path, tmp_path: Path) -> None:
    """Without a reviewed part on both sides nothing is learned, and the sentence says what is there."""
    for case in list(reviewed)[1:]:
        (case.folder).rename(tmp_path / case.name)
    answer = run("learn", reviewed.folder, "--run", tmp_path / "run")

    assert answer.status == 2
    assert "review more cases of more parts" in answer.err
    assert own_repository.is_dir()


def test_missing_cases_are_told(run: Run, tmp_path: Path, own_repository: Path) -> None:
    """A folder without cases is a sentence that says how to keep some."""
    answer = run("learn", tmp_path / "none")

    assert answer.status == 2
    assert "endface inspect PATH --review" in answer.err
    assert own_repository.is_dir()
