"""The command ``endface-build learn``, end to end with few steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from endface.engines.manifest import newest_version
from endface.files import sha256_of
from endface.review.cases import Cases
from endface_build.export import quantize
from endface_build.manifest import read_manifest
from tests.endface_build.commands.command_line import Run
from tests.endface_build.learn.conftest import reviewed, reviewed_folder

__all__ = ["reviewed", "reviewed_folder"]

QUICK = {"held_out_count": 2, "crop_px": 64, "batch": 2, "bfloat16": False}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What makes a run take seconds."""
    monkeypatch.setattr(quantize, "CALIBRATION_COUNT", 2)
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(QUICK))
    return path


def test_reviews_become_a_version_or_a_reason(
    run: Run, reviewed: Cases, recipe: Path, own_repository: Path, tmp_path: Path
) -> None:
    """A network learns from reviewed parts and is judged on others; it is promoted, or every reason is told."""
    segment = own_repository / "segment"
    serving = segment / str(newest_version(segment))
    answer = run(
        "learn", reviewed.folder, "--run", tmp_path / "run", "--steps", 2, "--drawn", 4, "--faces", 1,
        "--recipe", recipe, "--workers", 1,
    )  # fmt: skip
    manifest = read_manifest(tmp_path / "run" / "candidate")
    page = (tmp_path / "run" / "learn.html").read_text()

    assert answer.status in (0, 1), answer.err
    assert manifest["recipe"]["start_sha256"] == sha256_of(serving / "model.fp32.onnx")
    assert manifest["precision"] == "int8"
    for text in ("reviewed, mm-pc", "drawn multimode faces", "false pass", "unmarked flips"):
        assert text in answer.out
    assert "Old against new" in page
    promoted = newest_version(segment) > int(serving.name)
    assert promoted == (answer.status == 0)
    assert ("serves in place of" in answer.out) == promoted
    assert ("not promoted: " in answer.out) == (not promoted)
    assert ("and serves in place of" in page) == promoted


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
