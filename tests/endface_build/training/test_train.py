"""Training continues exactly where it was interrupted, and says clearly what it cannot use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from endface.errors import ConfigurationError
from endface_build.drawing.squares import draw_set
from endface_build.export.to_onnx import export
from endface_build.training.batches import SquareSet
from endface_build.training.network import SegmentationNetwork, planes
from endface_build.training.recipe import Recipe
from endface_build.training.served_weights import begin_with
from endface_build.training.train import load_trained, train

TINY = Recipe(widths=(4, 8, 8), crop_px=64, batch=2, steps=4, warmup=2, bfloat16=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> SquareSet:
    """A set of two squares."""
    folder = tmp_path_factory.mktemp("set")
    draw_set(folder, seed=1, count=2, workers=1)
    return SquareSet(folder)


def test_interrupted_run_equals_uninterrupted(data: SquareSet, tmp_path: Path) -> None:
    """Stopping after two steps and going on gives the very same weights as four steps at once."""
    steps: list[int] = []
    whole = train(data, TINY, tmp_path / "whole.pt")
    train(data, TINY, tmp_path / "halves.pt", until=2, progress=lambda step, _: steps.append(step))
    halves = train(data, TINY, tmp_path / "halves.pt", progress=lambda step, _: steps.append(step))

    assert whole.steps == halves.steps == 4
    assert steps == [1, 2, 3, 4]
    for mine, theirs in zip(whole.network.state_dict().values(), halves.network.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_finished_run_is_not_trained_further(data: SquareSet, tmp_path: Path) -> None:
    """Training a finished run again returns it as it is, and its time stays."""
    done = train(data, replace(TINY, steps=1), tmp_path / "run.pt")
    again = train(data, replace(TINY, steps=1), tmp_path / "run.pt")

    assert (again.steps, again.seconds) == (done.steps, done.seconds)


@pytest.mark.parametrize("content", [None, b"", b"not a checkpoint", b"PK\x03\x04 broken"])
def test_checkpoint_that_cannot_be_used(content: bytes | None, tmp_path: Path) -> None:
    """A missing or broken checkpoint is named in the error together with the way out."""
    path = tmp_path / "checkpoint.pt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"No usable checkpoint.*checkpoint\.pt: delete it and train anew"):
        load_trained(path)


def test_checkpoint_of_another_recipe(data: SquareSet, tmp_path: Path) -> None:
    """A run is not continued with other options."""
    train(data, TINY, tmp_path / "run.pt", until=1)
    with pytest.raises(ConfigurationError, match="another recipe"):
        train(data, replace(TINY, batch=3), tmp_path / "run.pt")


def test_missing_set(tmp_path: Path) -> None:
    """Training without a drawn set names the command that draws one."""
    with pytest.raises(ConfigurationError, match="endface-build synth"):
        SquareSet(tmp_path)


def test_a_run_begins_with_what_serves(data: SquareSet, tmp_path: Path) -> None:
    """A network that takes an exported one's weights says the same, in training's normalization, too."""
    before = train(data, TINY, tmp_path / "before.pt")
    export(before, tmp_path, squares=[data.squares[0]], least_equal=0.0)
    inputs = planes(torch.from_numpy(data.squares[:2].copy())[:, None])
    after = SegmentationNetwork(TINY.widths)
    begin_with(after, tmp_path / "model.onnx", inputs)
    with torch.inference_mode():
        told, said, said_in_training = before.network(inputs), after.eval()(inputs), after.train()(inputs)

    assert torch.allclose(said, told, atol=1e-3)
    assert torch.allclose(said_in_training, told, atol=1e-2)


@pytest.mark.parametrize("content", [None, b"not a network"])
def test_nothing_to_begin_with(content: bytes | None, data: SquareSet, tmp_path: Path) -> None:
    """A file that is no network of this make is named, with what is asked for instead."""
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"model\.fp32\.onnx"):
        train(data, TINY, tmp_path / "run.pt", start=path)
