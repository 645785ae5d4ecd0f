"""Training continues exactly where it was interrupted, and says clearly what it cannot use."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from endface.errors import ConfigurationError
from endface_build.drawing.squares import draw_set
from endface_build.training.batches import SquareSet
from endface_build.training.recipe import Recipe
from endface_build.training.train import load_trained, train

TINY = Recipe(widths=(4, 8, 8), crop_px=64, batch=2, steps=6, warmup=2, bfloat16=False)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A set of four squares."""
    folder = tmp_path_factory.mktemp("set")
    draw_set(folder, seed=1, count=4, workers=1)
    return SquareSet(folder)


def test_interrupted_run_equals_uninterrupted(data, tmp_path):
    """Stopping after three steps and going on gives the very same weights as six steps at once."""
    whole = train(data, TINY, tmp_path / "whole.pt")
    train(data, TINY, tmp_path / "halves.pt", until=3)
    halves = train(data, TINY, tmp_path / "halves.pt")

    assert whole.steps == halves.steps == 6
    for mine, theirs in zip(whole.network.state_dict().values(), halves.network.state_dict().values(), strict=True):
        assert torch.equal(mine, theirs)


def test_finished_run_is_not_trained_further(data, tmp_path):
    """Training a finished run again returns it as it is, and its time stays."""
    done = train(data, TINY, tmp_path / "run.pt")
    again = train(data, TINY, tmp_path / "run.pt")

    assert (again.steps, again.seconds) == (done.steps, done.seconds)


def test_progress_hears_of_every_step(data, tmp_path):
    """The progress callback gets each step's number."""
    steps = []
    train(data, TINY, tmp_path / "run.pt", progress=lambda step, _: steps.append(step))

    assert steps == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04 broken"])
def test_broken_checkpoint(content, tmp_path):
    """A broken checkpoint is named in the error together with the way out."""
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"checkpoint\.pt: delete it and train anew"):
        load_trained(path)


def test_missing_checkpoint(tmp_path):
    """Exporting before training says that there is no checkpoint."""
    with pytest.raises(ConfigurationError, match="No usable checkpoint"):
        load_trained(tmp_path / "checkpoint.pt")


def test_checkpoint_of_another_recipe(data, tmp_path):
    """A run is not continued with other knobs."""
    train(data, TINY, tmp_path / "run.pt", until=1)
    with pytest.raises(ConfigurationError, match="another recipe"):
        train(data, replace(TINY, batch=3), tmp_path / "run.pt")


def test_missing_set(tmp_path):
    """Training without a drawn set names the command that draws one."""
    with pytest.raises(ConfigurationError, match="endface-build synth"):
        SquareSet(tmp_path)
