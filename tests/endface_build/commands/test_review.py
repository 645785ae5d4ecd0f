"""The command ``endface-build review``."""

from __future__ import annotations

from pathlib import Path

import pytest

from endface.review.cases import Cases
from tests.endface_build.commands.command_line import Run
from tests.endface_build.review.conftest import cases

__all__ = ["cases"]


def test_cases_go_out_and_come_back(run: Run, cases: Cases, tmp_path: Path) -> None:
    """What was exported is imported in the reviewer's name, and what comes next is said."""
    out = run("review", "export", cases.folder, tmp_path / "out", "--format", "cvat")
    back = run(
        "review", "import", cases.folder, tmp_path / "out", "--format", "cvat", "--reviewer", "Ana", "--unchanged"
    )

    assert out.status == back.status == 0
    assert "2 pictures" in out.out
    assert f"2 reviews in {cases.folder}; next: endface-build learn" in back.out
    assert {review.reviewer for case in cases for review in case.reviews} == {"Ana"}


def test_reviewed_cases_stay_here(run: Run, cases: Cases, tmp_path: Path) -> None:
    """Only what nobody has reviewed goes out, unless all is asked for."""
    run("review", "export", cases.folder, tmp_path / "out")
    run("review", "import", cases.folder, tmp_path / "out", "--unchanged")

    again = run("review", "export", cases.folder, tmp_path / "again")
    assert "--all" in again.err
    assert "somebody has reviewed them: 2 cases" in again.out
    assert "2 pictures" in run("review", "export", cases.folder, tmp_path / "again", "--all").out


@pytest.mark.parametrize("words", [("export", "out"), ("import", "labels.json")])
def test_missing_folder_is_told(run: Run, tmp_path: Path, words: tuple[str, str]) -> None:
    """A folder without cases, or a file that is not there, is exit 2 and a sentence."""
    answer = run("review", words[0], tmp_path / "none", tmp_path / words[1])

    assert answer.status == 2
    assert str(tmp_path) in answer.err.replace(" ", "")
