"""Commands that make a network: ``synth`` and ``train``, and ``model`` for everything up to a candidate."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from endface.contract import CLADDING_UM
from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface.options import Options
from endface_build.commands.options import CANDIDATE, PROFILE, Cladding
from endface_build.commands.progress import console, steps
from endface_build.drawing import squares
from endface_build.drawing.samples import draw_samples
from endface_build.manifest import MODEL_FILE
from endface_build.training.recipe import Recipe

RunFolder = Annotated[Path, typer.Option("--run", help="Folder of this run: drawn sets and checkpoint.")]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="JSON file with what differs from the usual recipe (docs/training.md).")
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes or threads to use.")]

RUN = Path("runs/segment")
CORES = os.cpu_count() or 1


def synth(
    run: RunFolder = RUN,
    recipe: RecipeFile = None,
    workers: Workers = CORES,
    samples: Annotated[Path | None, typer.Option(help="Draw the demo's pictures into this folder instead.")] = None,
) -> None:
    """Draw the synthetic sets: one to learn from, one to be judged on."""
    if samples is not None:
        paths = draw_samples(samples)
        console.print(f"{len(paths)} samples in {samples}")
        return
    chosen = read_recipe(recipe)
    sets = {
        "held-out": (chosen.held_out_seed, chosen.held_out_count),
        "train": (chosen.train_seed, chosen.train_count),
    }
    with steps() as advance:
        for name, (seed, count) in sets.items():
            progress = partial(advance, f"drawing the {name} set", count)
            squares.draw_set(run / name, seed=seed, count=count, workers=workers, progress=progress)


def train(  # noqa: PLR0913, PLR0917 - one parameter for each option of the command
    run: RunFolder = RUN,
    recipe: RecipeFile = None,
    workers: Workers = CORES,
    finetune: Annotated[
        Path | None, typer.Option(help="Labelled pictures to train the finished run's network further on.")
    ] = None,
    fine_steps: Annotated[
        int | None, typer.Option("--steps", min=1, help="Optimizer steps; as many as is usual if not given.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Begin with the weights of a version that serves: its model.fp32.onnx.")
    ] = None,
    cladding_um: Cladding = CLADDING_UM,
) -> None:
    """Train, or continue where an interrupted run left off; or learn from your own labels (--finetune FOLDER).

    FOLDER is one that `evaluate` takes. The result lies in RUN/finetune, ready for `export --run RUN/finetune`.
    """
    import torch

    torch.set_num_threads(workers)
    if finetune is not None:
        _finetune(finetune, run, cladding_um, fine_steps)
    else:
        chosen = read_recipe(recipe)
        _train(run, chosen if fine_steps is None else replace(chosen, steps=fine_steps), start)


def model(
    run: RunFolder = RUN,
    recipe: RecipeFile = None,
    workers: Workers = CORES,
    out: Annotated[Path, typer.Option("--model", help="Folder for the network and its manifest.")] = CANDIDATE,
) -> None:
    """Draw, train, export and quantize a network: a candidate, which `promote` makes a version."""
    from endface_build.commands import export

    synth(run, recipe, workers)
    train(run, recipe, workers)
    export.export(run, out)
    export.quantize(out)
    console.print(f"next: endface-build promote {out / MODEL_FILE}", markup=False)


def read_recipe(path: Path | None) -> Recipe:
    """The recipe with what a JSON file changes in it.

    Args:
        path: The file, or None for the recipe as it stands.

    Raises:
        ConfigurationError: The file is missing, not a JSON object, or names an unknown key.
    """
    return Recipe.from_json(read_recipe_values(path))


def read_recipe_values(path: Path | None) -> dict[str, Any]:
    """What a JSON file changes in a recipe; nothing where no file is given.

    Raises:
        ConfigurationError: The file is missing, or not a JSON object.
    """
    if path is None:
        return {}
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ConfigurationError(
            f'No recipe in {path}: it must be a JSON object with options, say {{"steps": 500}}.'
        ) from exc
    if not isinstance(values, dict):
        raise ConfigurationError(f'The recipe {path} must be a JSON object with options, say {{"steps": 500}}.')
    return values


def _train(run: Path, recipe: Recipe, start: Path | None) -> None:
    from endface_build.training.batches import SquareSet
    from endface_build.training.train import train as train_network

    if start is not None:
        if not start.is_file():
            raise ConfigurationError(f"No network to begin with in {start}: name a version's model.fp32.onnx.")
        recipe = replace(recipe, start_sha256=sha256_of(start))
    with steps() as advance:
        trained = train_network(
            SquareSet(run / "train"),
            recipe,
            run / "checkpoint.pt",
            start=start,
            progress=lambda step, loss: advance("training", recipe.steps, step, f"loss {loss:.3f}"),
        )
    console.print(f"{trained.steps} steps in {trained.seconds / 60:.1f} minutes: {run / 'checkpoint.pt'}")


def _finetune(folder: Path, run: Path, cladding_um: float, count: int | None) -> None:
    """Learn from labelled pictures, and say which of them could not be used."""
    from endface_build.data.label_folder import open_folder
    from endface_build.training.finetune import STEPS
    from endface_build.training.finetune import finetune as finetune_network

    if not (run / "checkpoint.pt").is_file():
        raise ConfigurationError(
            f"Fine-tuning goes on from a finished run, and {run} has no checkpoint.pt, which is not kept in version "
            f"control. Make one with `endface-build synth --run {run}` and `endface-build train --run {run}` (about "
            "an hour on two cores), or name the folder of a finished run with --run."
        )
    with steps() as advance:
        # The profile has no part in learning.
        options = Options(PROFILE, cladding_um=cladding_um, any_core=True)
        prepared, trained = finetune_network(open_folder(folder), run, options, advance, steps=count or STEPS)
    for sentence in prepared.skipped:
        console.print(f"not used: {sentence}", highlight=False)
    console.print(
        f"{prepared.count} pictures, {trained.steps} steps in {trained.seconds / 60:.1f} minutes: {prepared.folder}; "
        f"next: endface-build export --run {prepared.folder}",
        markup=False,
    )
