"""The network that serves, trained further on reviewed pictures: a candidate."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from endface.errors import ConfigurationError
from endface.files import sha256_of
from endface.options import Options
from endface_build.drawing import squares
from endface_build.export.quantize import FP32_FILE, quantize
from endface_build.export.to_onnx import export
from endface_build.learn.reviewed import Split
from endface_build.learn.settings import Progress, Settings
from endface_build.manifest import read_manifest
from endface_build.training.finetune import CHECKPOINT, finetune_from
from endface_build.training.recipe import Recipe
from endface_build.training.train import load_trained

CANDIDATE: Final = "candidate"


def retrain(sides: Split, serving: Path, settings: Settings, progress: Progress) -> tuple[Path, tuple[str, ...]]:
    """Fine-tune the network that serves, export it and write its eight-bit form.

    Args:
        sides: what it learns from.
        serving: the folder of the version that serves.
        settings: how.
        progress: gets what is being done.

    Returns:
        The candidate's folder, and a sentence for each picture that could not be used.

    Raises:
        ConfigurationError: the version was not trained here, no picture can be used, or eight bits cost too much.
    """
    manifest = read_manifest(serving)
    if "recipe" not in manifest or not (serving / FP32_FILE).is_file():
        raise ConfigurationError(
            f"Version {serving.name} was not trained here, so it cannot learn: train it with the tool that made it."
        )
    known = {key: value for key, value in manifest["recipe"].items() if key in Recipe.__dataclass_fields__}
    recipe = replace(
        Recipe.from_json(known | {"train_count": settings.drawn} | settings.recipe),
        start_sha256=sha256_of(serving / FP32_FILE),
    )
    if not (settings.run / "train").is_dir():
        squares.draw_set(
            settings.run / "train",
            seed=recipe.train_seed,
            count=recipe.train_count,
            workers=settings.workers,
            progress=partial(progress, "drawing", recipe.train_count),
        )
    options = Options("mm-pc", cladding_um=settings.cladding_um, any_core=True)  # the profile has no part in learning
    prepared, _ = finetune_from(
        sides.learned,
        settings.run,
        options,
        progress,
        recipe=recipe,
        start=serving / FP32_FILE,
        steps=settings.steps,
    )
    candidate = settings.run / CANDIDATE
    export(load_trained(prepared.folder / CHECKPOINT), candidate)
    quantize(candidate, candidate, progress=partial(progress, "comparing with FP32", recipe.held_out_count))
    return candidate, prepared.skipped
