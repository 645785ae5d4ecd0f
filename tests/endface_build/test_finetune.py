"""The user's labelled pictures become a set to learn from, and share every batch with the drawn ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from endface.contract import Label
from endface.errors import ConfigurationError
from endface.stages import Options
from endface_build.dataset import SquareSet
from endface_build.drawn import DrawnFaces, encode
from endface_build.finetune import MixedSet, gentle, prepare
from endface_build.labelled import Labelled
from endface_build.recipe import Recipe

WALL = Labelled("wall.png", encode(np.full((300, 300), 90, np.uint8)), np.zeros((300, 300), np.uint8))


def flat_set(folder, level, label):
    """A set of two squares of one gray level and one label."""
    folder.mkdir()
    for name, value in (("squares", level), ("labels", label)):
        np.save(folder / f"{name}.npy", np.full((2, 512, 512), value, np.uint8))
    return SquareSet(folder)


def test_pictures_become_a_set(tmp_path):
    """Every picture that can be judged is in the set; each other one is named with its reason."""
    faces = list(DrawnFaces("multimode", 2))
    seen = []
    prepared = prepare([*faces, WALL], Options("mm-pc"), tmp_path / "own", seen.append)
    data = SquareSet(tmp_path / "own")

    assert (prepared.count, len(data)) == (2, 2)
    assert len(prepared.skipped) == 1
    assert "wall.png" in prepared.skipped[0]
    assert seen == [1, 2, 3]
    assert np.isin(data.labels, [*Label, 255]).all()


def test_nothing_to_learn_from(tmp_path):
    """Where no picture can be judged, that is said, and no set is written."""
    with pytest.raises(ConfigurationError, match=r"wall\.png"):
        prepare([WALL], Options("mm-pc"), tmp_path / "own")

    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(("count", "own"), [(4, 2), (5, 2), (1, 1)])
def test_both_sets_share_a_batch(tmp_path, count, own):
    """Half of a batch is the user's, and at least one crop."""
    mixed = MixedSet(flat_set(tmp_path / "own", 50, Label.PIT), flat_set(tmp_path / "drawn", 90, Label.CHIP))
    inputs, labels = mixed.batch(np.random.default_rng(1), count, 64)

    assert inputs.shape[0] == labels.shape[0] == count
    assert [int(torch.unique(each)) for each in labels].count(Label.PIT) == own


def test_fine_tuning_is_gentle():
    """Fewer steps at a lower rate, and the same network."""
    recipe = Recipe()

    assert gentle(recipe).steps < recipe.steps
    assert gentle(recipe).learning_rate < recipe.learning_rate
    assert gentle(recipe).widths == recipe.widths
