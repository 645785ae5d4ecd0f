"""The commands that write the network for an engine take the version that serves, and never write over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from endface.engines.plan import NOT_VERIFIED, PLAN_FILE, OptimizationProfile, PlanManifest
from endface.engines.tensorrt_library import Machine
from endface_build.data.drawn_pictures import draw_labelled
from endface_build.evaluation import golden
from endface_build.evaluation.golden import Golden
from endface_build.export import quantize
from endface_build.manifest import read_manifest, write_manifest
from tests.endface_build.commands.command_line import Run

Write = Callable[..., Path]


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU, and one drawn face as golden picture."""
    monkeypatch.setattr(Machine, "here", lambda runtime: Machine(runtime, "1.7.1.116"))
    face = Golden("face.png", draw_labelled("multimode", 0).data, "mm-pc")
    monkeypatch.setattr(golden, "drawn", lambda: iter([face]))


@pytest.fixture
def segment(tmp_path: Path, write_steps: Write, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of a model with the versions 1 and 2, in the repository of this machine."""
    folder = tmp_path / "models" / "segment"
    for number in (1, 2):
        write_steps(folder / str(number), spread=float(number))
    (folder / "config.pbtxt").touch()
    monkeypatch.setenv("ENDFACE_REPOSITORY", str(folder.parent))
    return folder


def test_plan(rtx: str, run: Run, segment: Path) -> None:
    """The plan of the version that serves lies beside it; one line says what it is and how far it is proven."""
    answer = run("plan", "--runtime", rtx, "--precision", "fp16", "--batch", "1,4")

    assert answer.status == 0
    assert f"{segment / '2' / PLAN_FILE}: {rtx} " in answer.out
    assert "fp16, batches up to 4, " in answer.out
    assert f"no verdict changed on 1 golden pictures, {NOT_VERIFIED}" in answer.out
    assert PlanManifest.load(segment / "2").profiles == (OptimizationProfile(1, 4, 4),)
    assert not (segment / "1" / PLAN_FILE).exists()


def test_quantize_takes_what_serves_and_leaves_it_alone(
    run: Run, own_repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a promotion the newest version is quantized; the result is a candidate, and no version changes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quantize, "CALIBRATION_COUNT", 8)  # enough, and a fifth of the time
    segment = own_repository / "segment"
    shutil.copytree(segment / "1", segment / "3")
    manifest = read_manifest(segment / "3")
    write_manifest(segment / "3", manifest | {"version": "3", "recipe": manifest["recipe"] | {"held_out_count": 1}})
    before = {path: path.read_bytes() for path in segment.rglob("*") if path.is_file()}
    answer = run("quantize")

    assert answer.status == 0, answer.err
    assert read_manifest(tmp_path / "candidate")["version"] == "3"
    assert {path: path.read_bytes() for path in segment.rglob("*") if path.is_file()} == before


def test_variant_of_what_serves(run: Run, own_repository: Path) -> None:
    """After a promotion the forms for other engines are made of the newest version."""
    segment = own_repository / "segment"
    shutil.copytree(segment / "1", segment / "3", ignore=shutil.ignore_patterns("opencv", "litert"))
    answer = run("export", "--format", "opencv")

    assert answer.status == 0, answer.err
    assert (segment / "3" / "opencv" / "model.onnx").is_file()
