"""The commands that make a network: each alone, and all in one that ends in a candidate."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from endface_build.data.drawn_pictures import draw_labelled
from endface_build.export import quantize
from endface_build.manifest import read_manifest
from endface_build.training.recipe import Recipe
from tests.endface_build.commands.command_line import Run

TINY = {
    "train_count": 4,
    "held_out_count": 2,
    "widths": [4, 8],
    "crop_px": 64,
    "batch": 2,
    "steps": 2,
    "warmup": 1,
}


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The file of a recipe that takes seconds."""
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(TINY))
    return path


def test_model_ends_in_a_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: Path, own_repository: Path, run: Run
) -> None:
    """One command draws, trains, exports, quantizes and judges; no version in the repository is touched.

    Then the run learns from a labelled picture.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quantize, "CALIBRATION_COUNT", 2)  # enough for the ranges of a tiny network
    before = {path: path.read_bytes() for path in own_repository.rglob("*") if path.is_file()}
    answer = run("model", "--run", "run", "--recipe", recipe, "--workers", 1)
    manifest = read_manifest(tmp_path / "candidate")

    assert answer.status == 0, answer.err
    assert manifest["training"]["steps"] == 2
    assert manifest["metrics"]["squares"] == 2
    assert manifest["precision"] == "int8"
    assert "held-out squares" in answer.out
    assert "next: endface-build promote candidate/model.onnx" in answer.out
    assert {path: path.read_bytes() for path in own_repository.rglob("*") if path.is_file()} == before

    label_one(tmp_path / "labelled")
    answer = run("train --finetune labelled --run run --steps 1 --workers 1")
    assert re.search(r"1 pictures, 1 steps in 0\.\d minutes: run/finetune", answer.out), answer
    assert (tmp_path / "run" / "finetune" / "checkpoint.pt").is_file()


def label_one(folder: Path) -> None:
    """One drawn picture with a COCO polygon on it."""
    (folder / "images").mkdir(parents=True)
    face = draw_labelled("multimode", 0)
    (folder / "images" / face.name).write_bytes(face.data)
    height, width = np.shape(face.labels)
    coco = {
        "images": [{"id": 1, "file_name": face.name, "width": width, "height": height}],
        "categories": [{"id": 1, "name": "pit"}],
        "annotations": [{"image_id": 1, "category_id": 1, "segmentation": [[9, 9, 19, 9, 19, 19]]}],
    }
    (folder / "labels.json").write_text(json.dumps(coco))


def test_samples(tmp_path: Path, run: Run) -> None:
    """The demo's pictures are drawn with their truth, and small enough to be committed."""
    run("synth", "--samples", tmp_path / "samples")
    truth = json.loads((tmp_path / "samples" / "truth.json").read_text())["samples"]
    for folder in (tmp_path / "samples", tmp_path / "samples-cleaning"):
        listed = json.loads((folder / "truth.json").read_text())["samples"]
        pictures = {path.name for path in folder.iterdir() if path.is_file()} - {"truth.json"}
        assert pictures == {entry["name"] for entry in listed}

    assert sum(path.stat().st_size for path in tmp_path.rglob("*")) < 2_000_000
    chipped = next(entry for entry in truth if entry["name"] == "chipped.jpg")
    assert chipped["labelled_px"]["chip"] > 0
    assert {defect["type"] for defect in chipped["defects"]} == {"chip", "pit"}


def test_page_names_every_key(project: Path) -> None:
    """docs/training.md lists each key of the recipe with its usual value."""
    page = (project / "docs" / "training.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (.+?) \|", page, re.MULTILINE)
    listed = {}
    for keys, values in rows:
        names = re.findall(r"\w+", keys)
        listed |= dict(zip(names, json.loads(f"[{values}]"), strict=True))

    assert listed == Recipe().to_json()


def test_quick_recipe_is_a_recipe(project: Path) -> None:
    """`make model QUICK=1` names a recipe that there is, with keys that there are."""
    assert "--recipe build/quick.json" in (project / "Makefile").read_text(encoding="utf-8")
    quick = Recipe.from_json(json.loads((project / "build" / "quick.json").read_text(encoding="utf-8")))

    assert quick.steps < Recipe().steps


@pytest.mark.parametrize("name", ["certificates", "candidate", "model_repository/segment/withdrawn-2", "runs"])
def test_what_is_made_here_is_ignored(project: Path, name: str) -> None:
    """Git ignores certificates, candidates and withdrawn versions."""
    if shutil.which("git") is None or not (project / ".git").exists():
        pytest.skip("no checkout")
    answer = subprocess.run(["git", "check-ignore", "--quiet", f"{name}/"], cwd=project, check=False)
    assert answer.returncode == 0
