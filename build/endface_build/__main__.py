"""The ``endface-build`` command: each step of the network's life alone, or all of them by ``model``."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from endface.contract import CLADDING_UM
from endface.errors import ConfigurationError, EndfaceError
from endface.options import Options
from endface_build.commands import evaluate, importing, plan, provision, rollout
from endface_build.commands.progress import console, steps
from endface_build.drawing import squares
from endface_build.drawing.samples import draw_samples
from endface_build.manifest import MODEL_FILE, read_manifest, write_manifest
from endface_build.training.recipe import Recipe

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command("evaluate")(evaluate.judge)
app.command()(evaluate.gage)
app.command()(evaluate.accuracy)
app.command("page")(evaluate.write_document)
app.command()(rollout.quantize)
app.command()(rollout.promote)
app.command()(rollout.rollback)
app.command()(plan.plan)
app.command()(provision.provision)
app.command()(importing.import_yolo)
app.command()(importing.import_segmentation)

Run = Annotated[Path, typer.Option("--run", help="Folder of this run: drawn sets and checkpoint.")]
Model = Annotated[Path, typer.Option("--model", help="Folder of model.onnx and manifest.json.")]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="JSON file with knobs that differ from the recipe's own.")
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes or threads to use.")]

Format = Literal["onnx", "opencv", "tflite"]

RUN = Path("runs/segment")
MODEL = Path("model_repository/segment/1")
FINETUNE_PROFILE = "mm-pc"
"""Pictures are located as for this profile; the limits themselves have no part in learning."""

CORES = os.cpu_count() or 1


@app.command()
def synth(
    run: Run = RUN,
    recipe: RecipeFile = None,
    workers: Workers = CORES,
    samples: Annotated[Path | None, typer.Option(help="Draw the demo's pictures into this folder instead.")] = None,
) -> None:
    """Draw the synthetic sets: one to learn from, one to be judged on."""
    if samples is not None:
        paths = draw_samples(samples)
        console.print(f"{len(paths)} samples in {samples}")
        return
    knobs = read_recipe(recipe)
    sets = {"held-out": (knobs.held_out_seed, knobs.held_out_count), "train": (knobs.train_seed, knobs.train_count)}
    with steps() as advance:
        for name, (seed, count) in sets.items():
            told = partial(advance, f"drawing the {name} set", count)
            squares.draw_set(run / name, seed=seed, count=count, workers=workers, progress=told)


@app.command()
def train(
    run: Run = RUN,
    recipe: RecipeFile = None,
    workers: Workers = CORES,
    finetune: Annotated[
        Path | None, typer.Option(help="Labelled pictures to train the finished run's network further on.")
    ] = None,
    cladding_um: evaluate.Cladding = CLADDING_UM,
) -> None:
    """Train, or continue where an interrupted run left off; or learn from your own labels (--finetune FOLDER).

    FOLDER is one that `evaluate` takes. The result lies in RUN/finetune, ready for `export --run RUN/finetune`.
    """
    import torch

    from endface_build.training.batches import SquareSet
    from endface_build.training.train import train as train_network

    torch.set_num_threads(workers)
    if finetune is not None:
        _finetune(finetune, run, cladding_um)
        return
    knobs = read_recipe(recipe)
    with steps() as advance:
        trained = train_network(
            SquareSet(run / "train"),
            knobs,
            run / "checkpoint.pt",
            progress=lambda step, loss: advance("training", knobs.steps, step, f"loss {loss:.3f}"),
        )
    console.print(f"{trained.steps} steps in {trained.seconds / 60:.1f} minutes: {run / 'checkpoint.pt'}")


@app.command()
def export(
    run: Run = RUN,
    model: Model = MODEL,
    file_format: Annotated[
        Format, typer.Option("--format", help="opencv and tflite are made from the model's ONNX file, not from a run.")
    ] = "onnx",
) -> None:
    """Write the network as ONNX with its manifest, once ONNX Runtime agrees with PyTorch, and judge it.

    Where the run has a held-out set, the figures on its squares are entered into the manifest.
    """
    if file_format != "onnx":
        rollout.export_variant(model, file_format)
        return
    from endface_build.export.to_onnx import export as export_network
    from endface_build.training.train import load_trained

    with console.status("exporting and comparing with PyTorch"):
        manifest = export_network(load_trained(run / "checkpoint.pt"), model)
    parity = manifest["parity"]
    console.print(
        f"{model / MODEL_FILE}: {parity['labels_equal']:.2%} of the labels equal, sha256 {manifest['sha256'][:12]}"
    )
    if (run / "held-out").is_dir():
        _enter_metrics(run, model)


@app.command()
def model(run: Run = RUN, recipe: RecipeFile = None, workers: Workers = CORES, model: Model = MODEL) -> None:
    """Everything in turn: synth, train, export, quantize."""
    synth(run, recipe, workers, None)
    train(run, recipe, workers)
    export(run, model)
    rollout.quantize(model)


def read_recipe(path: Path | None) -> Recipe:
    """The recipe with the knobs of a JSON file turned.

    Args:
        path: The file, or None for the recipe as it stands.

    Raises:
        ConfigurationError: The file is missing, not a JSON object, or names an unknown knob.
    """
    if path is None:
        return Recipe()
    try:
        knobs = json.loads(path.read_text())
    except (OSError, ValueError) as exc:
        raise ConfigurationError(
            f'No recipe in {path}: it must be a JSON object with knobs, say {{"steps": 500}}.'
        ) from exc
    if not isinstance(knobs, dict):
        raise ConfigurationError(f'The recipe {path} must be a JSON object with knobs, say {{"steps": 500}}.')
    return Recipe.from_json(knobs)


def _finetune(folder: Path, run: Path, cladding_um: float) -> None:
    """Learn from labelled pictures, and say which of them could not be used."""
    from endface_build.data.label_folder import open_folder
    from endface_build.training.finetune import finetune as finetune_network

    with steps() as advance:
        options = Options(FINETUNE_PROFILE, cladding_um=cladding_um)
        prepared, trained = finetune_network(open_folder(folder), run, options, advance)
    for sentence in prepared.skipped:
        console.print(f"not used: {sentence}", highlight=False)
    console.print(f"{prepared.count} pictures, {trained.steps} steps: {prepared.folder}")


def _enter_metrics(run: Path, model: Path) -> None:
    """Judge the exported network on the run's held-out squares and enter the figures into its manifest."""
    from endface_build.evaluation.square_metrics import metrics_of

    manifest = read_manifest(model)
    with steps() as advance:
        told = partial(advance, "judging on held-out squares", manifest["recipe"]["held_out_count"])
        metrics = metrics_of(model / manifest["file"], run / "held-out", told)
    write_manifest(model, manifest | {"metrics": metrics})
    console.print(_table(metrics))


def _table(metrics: dict[str, Any]) -> Table:
    """Recall, precision, IoU and right type, one row a type or size."""
    table = Table(title=f"{metrics['squares']} held-out squares, defects from 3 um")
    for heading in ("", "recall", "precision", "iou", "right type"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name in metrics["recall"]:
        figures = (metrics[column].get(name) for column in ("recall", "precision", "iou", "right_type"))
        table.add_row(name, *("" if figure is None else f"{figure:.3f}" for figure in figures))
    return table


def main() -> None:
    """Run the command; an error of ours becomes one sentence on stderr and exit status 2."""
    try:
        app()
    except EndfaceError as exc:
        Console(stderr=True).print(f"[red]{exc.code}[/red]: {escape(str(exc))}", highlight=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
