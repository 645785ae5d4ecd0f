"""The command's steps, all in one and with clear errors."""

from __future__ import annotations

import json
import sys

import pytest

from endface_build.__main__ import main
from endface_build.manifest import read_manifest

TINY = {
    "train_count": 4,
    "held_out_count": 2,
    "widths": [4, 8],
    "crop_px": 64,
    "batch": 2,
    "steps": 2,
    "warmup": 1,
    "bfloat16": False,
}


def run(monkeypatch, *arguments):
    """Run the command in this process; its exit status."""
    monkeypatch.setattr(sys, "argv", ["endface-build", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        main()
    return end.value.code


def test_model_does_everything(tmp_path, monkeypatch, capsys):
    """One command draws, trains, exports and evaluates, and leaves a network with a complete manifest."""
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(TINY))
    code = run(
        monkeypatch,
        "model",
        "--run",
        tmp_path / "run",
        "--recipe",
        recipe,
        "--model",
        tmp_path / "model",
        "--workers",
        1,
    )
    manifest = read_manifest(tmp_path / "model")

    assert code in (0, None)
    assert manifest["training"]["steps"] == 2
    assert manifest["metrics"]["squares"] == 2
    assert manifest["precision"] == "int8"
    assert "held-out squares" in capsys.readouterr().out


def test_error_is_one_sentence(tmp_path, monkeypatch, capsys):
    """What cannot be done ends with status 2 and says which command comes first."""
    code = run(monkeypatch, "train", "--run", tmp_path / "nothing")

    assert code == 2
    assert "endface-build synth" in capsys.readouterr().err.replace("\n", " ")


def test_samples(tmp_path, monkeypatch):
    """The demo's pictures are drawn with their truth, and small enough to be committed."""
    run(monkeypatch, "synth", "--samples", tmp_path)
    truth = json.loads((tmp_path / "truth.json").read_text())["samples"]
    pictures = {path.name for path in tmp_path.iterdir()} - {"truth.json"}

    assert pictures == {entry["name"] for entry in truth}
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2_000_000
    chipped = next(entry for entry in truth if entry["name"] == "chipped.jpg")
    assert chipped["labelled_px"]["chip"] > 0
    assert {defect["type"] for defect in chipped["defects"]} == {"chip", "pit"}
