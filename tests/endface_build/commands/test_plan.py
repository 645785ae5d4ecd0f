"""The command ``plan`` says in one line what it made, and in one sentence what it could not make."""

from __future__ import annotations

import sys

import pytest

from endface.engines.plan import NOT_VERIFIED, PLAN_FILE, OptimizationProfile, PlanManifest
from endface_build.__main__ import main
from endface_build.data.drawn_pictures import draw_labelled
from endface_build.evaluation import golden
from endface_build.evaluation.golden import Golden


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    """A machine without a GPU, and one drawn face as golden picture."""
    monkeypatch.setattr("endface.engines.tensorrt_library._gpu", lambda: (None, None, None))
    face = Golden("face.png", draw_labelled("multimode", 0).data, "mm-pc")
    monkeypatch.setattr(golden, "drawn", lambda: iter([face]))


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command; its exit status, what it printed and what it complained of, each in one line."""

    def command(*arguments):
        monkeypatch.setattr(sys, "argv", ["endface-build", "plan", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return end.value.code or 0, " ".join(told.out.split()), " ".join(told.err.split())

    return command


def test_plan(rtx, run, write_steps, tmp_path):
    """Plan and manifest lie in the version's folder, and one line says what they are and how far they are proven."""
    folder = write_steps(tmp_path / "1")
    code, out, _ = run("--runtime", rtx, "--precision", "fp16", "--batch", "1,4", "--model", folder)

    assert code == 0
    assert f"{folder / PLAN_FILE}: {rtx} " in out
    assert "fp16, batches up to 4, " in out
    assert f"no verdict changed on 1 golden pictures, {NOT_VERIFIED}" in out
    assert PlanManifest.load(folder).profiles == (OptimizationProfile(1, 4, 4),)


def test_newest_version(rtx, run, write_steps, tmp_path, monkeypatch):
    """Without a folder the plan is made for the newest version in the repository."""
    segment = tmp_path / "model_repository" / "segment"
    for number in ("1", "2"):
        write_steps(segment / number)
    monkeypatch.chdir(tmp_path)
    run("--runtime", rtx, "--precision", "fp32")

    assert not (segment / "1" / PLAN_FILE).exists()
    assert (segment / "2" / PLAN_FILE).exists()


def test_no_gpu_for_tensorrt(run, write_steps, tmp_path):
    """What cannot be done ends with status 2 and says what to use instead."""
    code, _, err = run("--runtime", "tensorrt", "--model", write_steps(tmp_path / "1"))

    assert code == 2
    assert "--runtime tensorrt_rtx, which compiles without a GPU" in err


def test_bad_list_of_batches(run, tmp_path):
    """A list of batches that is none is refused with an example."""
    code, _, err = run("--runtime", "tensorrt_rtx", "--batch", "1;8", "--model", tmp_path)

    assert code == 2
    assert "--batch 1,8,32" in err


@pytest.mark.parametrize("option", [("--runtime", "tensorrt_lite"), ("--precision", "fp8")])
def test_unknown_choice(run, option, tmp_path):
    """Another runtime or precision is refused with those that there are."""
    choices = dict([("--runtime", "tensorrt_rtx"), option])
    code, _, err = run(*(word for choice in choices.items() for word in choice), "--model", tmp_path)

    assert code == 2
    assert "tensorrt_rtx" in err or "int8" in err
