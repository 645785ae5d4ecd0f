"""The ``endface-build`` command: each step of the network's life alone, or all of them by ``model``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from endface.errors import ConfigurationError, EndfaceError
from endface_build import deploying, reporting, synthetic
from endface_build.manifest import MODEL_FILE, read_manifest, write_manifest
from endface_build.recipe import Recipe
from endface_build.samples import draw_samples

app = typer.Typer(help=__doc__, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
console = Console()
app.command()(reporting.gage)
app.command()(reporting.accuracy)
app.command("page")(reporting.write_document)
app.command()(deploying.quantize)

Run = Annotated[Path, typer.Option("--run", help="Folder of this run: drawn sets and checkpoint.")]
Model = Annotated[Path, typer.Option("--model", help="Folder of model.onnx and manifest.json.")]
RecipeFile = Annotated[
    Path | None, typer.Option("--recipe", help="JSON file with knobs that differ from the recipe's own.")
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes or threads to use.")]

RUN = Path("runs/segment")
MODEL = Path("model_repository/segment/1")
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
    for name, (seed, count) in sets.items():
        with _progress(f"drawing the {name} set", count) as advance:
            synthetic.draw_set(run / name, seed=seed, count=count, workers=workers, progress=advance)


@app.command()
def train(run: Run = RUN, recipe: RecipeFile = None, workers: Workers = CORES) -> None:
    """Train, or continue where an interrupted run left off."""
    import torch

    from endface_build.dataset import SquareSet
    from endface_build.train import train as train_network

    knobs = read_recipe(recipe)
    torch.set_num_threads(workers)
    with _progress("training", knobs.steps) as advance:
        trained = train_network(
            SquareSet(run / "train"),
            knobs,
            run / "checkpoint.pt",
            progress=lambda step, loss: advance(step, f"loss {loss:.3f}"),
        )
    console.print(f"{trained.steps} steps in {trained.seconds / 60:.1f} minutes: {run / 'checkpoint.pt'}")


@app.command()
def export(run: Run = RUN, model: Model = MODEL) -> None:
    """Write the network as ONNX with its manifest, once ONNX Runtime agrees with PyTorch."""
    from endface_build.export import export as export_network
    from endface_build.train import load_trained

    with console.status("exporting and comparing with PyTorch"):
        manifest = export_network(load_trained(run / "checkpoint.pt"), model)
    parity = manifest["parity"]
    console.print(
        f"{model / MODEL_FILE}: {parity['labels_equal']:.2%} of the labels equal, sha256 {manifest['sha256'][:12]}"
    )


@app.command()
def evaluate(run: Run = RUN, model: Model = MODEL) -> None:
    """Judge the exported network on the held-out set and enter the figures into its manifest."""
    from endface_build.evaluate import metrics_of

    manifest = read_manifest(model)
    with _progress("evaluating", manifest["recipe"]["held_out_count"]) as advance:
        metrics = metrics_of(model / manifest["file"], run / "held-out", advance)
    write_manifest(model, manifest | {"metrics": metrics})
    console.print(_table(metrics))


@app.command()
def model(run: Run = RUN, recipe: RecipeFile = None, workers: Workers = CORES, model: Model = MODEL) -> None:
    """Everything in turn: synth, train, export, evaluate."""
    synth(run, recipe, workers, None)
    train(run, recipe, workers)
    export(run, model)
    evaluate(run, model)


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


class _Advance:
    """Moves a progress bar; callable with the number done and a remark."""

    def __init__(self, bar: Progress, what: str, total: int):
        self._bar, self._what = bar, what
        self._task = bar.add_task(what, total=total)

    def __call__(self, done: int, remark: str = "") -> None:
        self._bar.update(self._task, completed=done, description=f"{self._what} {remark}".strip())


@contextmanager
def _progress(what: str, total: int) -> Iterator[_Advance]:
    """A progress bar on the terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        yield _Advance(bar, what, total)


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
        Console(stderr=True).print(f"[red]{exc.code}[/red]: {exc}", highlight=False)
        sys.exit(2)


if __name__ == "__main__":
    main()
