"""Labelled pictures of the user as a set to learn from, in the form of the drawn ones, and both mixed in one batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from endface.errors import ConfigurationError, PictureError
from endface.options import Options
from endface_build.data.labelled import LabelledSet, to_square
from endface_build.training.batches import POSES, Batch, SquareSet
from endface_build.training.recipe import Recipe
from endface_build.training.train import Trained, load_trained, train

OWN_SHARE: Final = 0.5
"""Share of the user's crops in a batch; the drawn ones keep the network from forgetting what a few pictures lack."""

STEPS: Final = 600
RATE_SHARE: Final = 0.15
WARMUP: Final = 30
"""Fine-tuning is short and gentle: so many steps, with this share of the recipe's learning rate, after a short ramp."""


CHECKPOINT: Final = "checkpoint.pt"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Prepared:
    """A set on disk: how many pictures it holds, and a sentence for each that could not be used."""

    folder: Path
    count: int
    skipped: tuple[str, ...]


class MixedSet:
    """The user's squares and the drawn ones, in every batch.

    Args:
        own: The user's.
        drawn: The synthetic set.
    """

    def __init__(self, own: SquareSet, drawn: SquareSet):
        self._own, self._drawn = own, drawn

    def batch(self, rng: np.random.Generator, count: int, crop_px: int) -> Batch:
        """Random crops of both, as ``SquareSet.batch``: the user's share in whole windows."""
        own_count = min(count, max(1, round(count * OWN_SHARE / POSES)) * POSES)
        own = self._own.batch(rng, own_count, crop_px)
        return own + self._drawn.batch(rng, count - own_count, crop_px) if count > own_count else own


def prepare(
    pictures: LabelledSet, options: Options, folder: Path, progress: Callable[[int], None] | None = None
) -> Prepared:
    """Bring labelled pictures onto the square, as the server does, and write them as a set.

    Args:
        pictures: Pictures with labels.
        options: Profile and cladding diameter.
        folder: Where ``squares.npy``, ``labels.npy`` and ``coverage.npy`` go; made if missing.
        progress: Called after each picture with the number done.

    Raises:
        ConfigurationError: None of the pictures can be judged, so there is nothing to learn from.
    """
    squares, labels, skipped = [], [], []
    for number, labelled in enumerate(pictures, start=1):
        try:
            square, label_map = to_square(labelled, options)
        except PictureError as exc:
            skipped.append(str(exc))
        else:
            squares.append(square)
            labels.append(label_map)
        if progress is not None:
            progress(number)
    if not squares:
        reason = f" ({skipped[0]})" if skipped else ""
        raise ConfigurationError(f"None of {len(pictures)} labelled pictures can be learned from{reason}.")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "squares.npy", np.stack(squares))
    np.save(folder / "labels.npy", np.stack(labels))
    np.save(folder / "coverage.npy", np.where(np.stack(labels) > 0, np.uint8(255), np.uint8(0)))
    return Prepared(folder, len(squares), tuple(skipped))


def gentle(recipe: Recipe, steps: int = STEPS) -> Recipe:
    """A recipe's options for fine-tuning what it trained."""
    return replace(recipe, steps=steps, learning_rate=recipe.learning_rate * RATE_SHARE, warmup=min(WARMUP, steps))


def finetune(
    pictures: LabelledSet, run: Path, options: Options, progress: Progress, *, steps: int = STEPS
) -> tuple[Prepared, Trained]:
    """Train a finished run's network further, on labelled pictures and its own drawn faces.

    Args:
        pictures: Pictures with labels.
        run: Folder of the finished run: its checkpoint and its drawn set.  The new checkpoint and the pictures' squares
            go into its folder ``finetune``, in place of those of an earlier fine-tuning.
        options: Profile and cladding diameter.
        progress: Called with what is being done, the number of all steps, and the number done.
        steps: Optimizer steps.

    Returns:
        The set, and the network.

    Raises:
        ConfigurationError: The run has no checkpoint or no drawn set, or none of the pictures can be judged.
    """
    recipe = load_trained(run / CHECKPOINT).recipe
    return finetune_from(pictures, run, options, progress, recipe=recipe, start=run / CHECKPOINT, steps=steps)


def finetune_from(  # noqa: PLR0913 - the last three are by keyword
    pictures: LabelledSet, run: Path, options: Options, progress: Progress, *, recipe: Recipe, start: Path, steps: int
) -> tuple[Prepared, Trained]:
    """The same, from any weights: a checkpoint's, or those of a version that serves.

    Args:
        pictures: As ``finetune``.
        run: Its drawn set is learned from; the result goes into its folder ``finetune``.
        options: As ``finetune``.
        progress: As ``finetune``.
        recipe: The recipe that made the weights.
        start: The checkpoint, or a version's ``model.fp32.onnx``.
        steps: As ``finetune``.

    Raises:
        ConfigurationError: The run has no drawn set, the weights are missing, or none of the pictures can be judged.
    """
    drawn = SquareSet(run / "train")
    prepared = prepare(pictures, options, run / "finetune", partial(progress, "locating", len(pictures)))
    recipe = gentle(recipe, steps)
    (prepared.folder / CHECKPOINT).unlink(missing_ok=True)  # other labels, another run
    trained = train(
        MixedSet(SquareSet(prepared.folder), drawn),
        recipe,
        prepared.folder / CHECKPOINT,
        start=start,
        progress=lambda step, _: progress("training", recipe.steps, step),
    )
    return prepared, trained
