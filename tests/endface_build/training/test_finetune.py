"""Labelled pictures of the user become a training set, and share every batch with the drawn squares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from endface.contract import Label
from endface.errors import ConfigurationError
from endface.options import Options
from endface_build.data.drawn_pictures import DrawnFaces
from endface_build.data.labelled import Labelled
from endface_build.training.batches import SquareSet
from endface_build.training.finetune import MixedSet, finetune, gentle, prepare
from endface_build.training.recipe import Recipe
from endface_build.training.train import train


def flat_set(folder: Path, level: int, label: int) -> SquareSet:
    """A set of two squares of one gray level and one label."""
    folder.mkdir()
    for name, value in (("squares", level), ("labels", label), ("coverage", 255)):
        np.save(folder / f"{name}.npy", np.full((2, 512, 512), value, np.uint8))
    return SquareSet(folder)


def test_pictures_become_a_set(tmp_path: Path, wall: Labelled) -> None:
    """Every picture that can be judged is in the set; each other one is named with its reason."""
    faces = list(DrawnFaces("multimode", 2))
    seen: list[int] = []
    prepared = prepare([*faces, wall], Options("mm-pc"), tmp_path / "own", seen.append)
    data = SquareSet(tmp_path / "own")

    assert (prepared.count, len(data)) == (2, 2)
    assert len(prepared.skipped) == 1
    assert "wall.png" in prepared.skipped[0]
    assert seen == [1, 2, 3]
    assert np.isin(data.labels, [*Label, 255]).all()


def test_nothing_to_learn_from(tmp_path: Path, wall: Labelled) -> None:
    """Where no picture can be judged, that is said, and no set is written."""
    with pytest.raises(ConfigurationError, match=r"wall\.png"):
        prepare([wall], Options("mm-pc"), tmp_path / "own")

    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(("count", "own"), [(8, 4), (5, 2), (1, 1)])
def test_both_sets_share_a_batch(tmp_path: Path, count: int, own: int) -> None:
    """Half of a batch is the user's, in whole pairs of poses."""
    mixed = MixedSet(flat_set(tmp_path / "own", 50, Label.PIT), flat_set(tmp_path / "drawn", 90, Label.CHIP))
    batch = mixed.batch(np.random.default_rng(1), count, 64)

    assert len(batch.planes) == len(batch.labels) == len(batch.coverage) == len(batch.poses) == count
    assert [int(torch.unique(each)) for each in batch.labels].count(Label.PIT) == own


def test_fine_tuning_is_gentle() -> None:
    """Fewer steps at a lower rate, and the same network."""
    recipe = Recipe()

    assert gentle(recipe).steps < recipe.steps
    assert gentle(recipe).learning_rate < recipe.learning_rate
    assert gentle(recipe).widths == recipe.widths


def test_a_run_begins_with_another_ones_weights(tmp_path: Path) -> None:
    """The first weights of a fine-tuned network are those of the run that it continues, not chance."""
    recipe = Recipe(widths=(4, 8, 8), crop_px=64, batch=2, steps=2, warmup=1, bfloat16=False)
    data = flat_set(tmp_path / "set", 90, Label.PIT)
    before = train(data, recipe, tmp_path / "before.pt")
    after = train(
        data, replace(recipe, steps=1, learning_rate=0.0), tmp_path / "after.pt", start=tmp_path / "before.pt"
    )

    weights = [dict(run.network.named_parameters()) for run in (before, after)]
    assert all(torch.allclose(weights[0][name], weights[1][name], atol=1e-6) for name in weights[0])


def test_fine_tuning_a_finished_run(tmp_path: Path) -> None:
    """Labelled pictures and drawn faces make a new checkpoint beside the old one, which stays; a second time anew."""
    recipe = Recipe(widths=(4, 8, 8), crop_px=64, batch=2, steps=1, warmup=1, bfloat16=False)
    train(flat_set(tmp_path / "train", 90, 0), recipe, tmp_path / "checkpoint.pt")
    before = (tmp_path / "checkpoint.pt").read_bytes()
    heard: list[tuple[str, int, int]] = []
    for _ in range(2):
        prepared, trained = finetune(
            DrawnFaces("multimode", 1), tmp_path, Options("mm-pc"), lambda *step: heard.append(step), steps=2
        )

    assert (prepared.count, trained.steps) == (1, 2)
    assert (tmp_path / "finetune" / "checkpoint.pt").exists()
    assert (tmp_path / "checkpoint.pt").read_bytes() == before
    assert heard == 2 * [("locating", 1, 1), ("training", 2, 1), ("training", 2, 2)]


def test_fine_tuning_needs_a_finished_run(tmp_path: Path) -> None:
    """Without a checkpoint there is nothing to fine-tune, and the error says so."""
    with pytest.raises(ConfigurationError, match="checkpoint"):
        finetune(DrawnFaces("multimode", 1), tmp_path, Options("mm-pc"), lambda *_: None)
