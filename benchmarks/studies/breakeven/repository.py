"""The study's model repository: the product's models as they are, and those that they are compared with."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.studies.breakeven.arrangements import HOPS, hops_model
from endface import contract

MODELS: Final = Path(__file__).parent / "models"
"""A model is NAME.pbtxt, and NAME.py beside it."""


def assemble(product: Path, folder: Path) -> None:
    """Write a repository that one Triton serves.

    Args:
        product: the project's own repository; its models are linked, so the network is the same file.
        folder: an empty folder that becomes the repository.
    """
    for model in contract.MODELS:
        (folder / model.name).symlink_to((product / model.name).resolve(), target_is_directory=True)
    for config in MODELS.glob("*.pbtxt"):
        _add(folder / config.stem, config.read_text(encoding="utf-8"))
        shutil.copy(config.with_suffix(".py"), folder / config.stem / "1" / "model.py")
    for steps in HOPS:
        _add(folder / hops_model(steps), _hops(steps))


def _add(model: Path, config: str) -> None:
    (model / "1").mkdir(parents=True)
    (model / "config.pbtxt").write_text(config, encoding="utf-8")


def _hops(steps: int) -> str:
    """Configuration of an ensemble that hands a tensor through the model ``hop`` so many times."""
    tensors = ["IN", *(f"BETWEEN_{number}" for number in range(1, steps)), "OUT"]
    step = ",\n".join(
        f'  {{ model_name: "hop" model_version: -1 input_map {{ key: "IN" value: "{given}" }}'
        f' output_map {{ key: "OUT" value: "{made}" }} }}'
        for given, made in pairwise(tensors)
    )
    return f"""\
name: "{hops_model(steps)}"
platform: "ensemble"
max_batch_size: 0
input [ {{ name: "IN" data_type: TYPE_UINT8 dims: [ -1 ] }} ]
output [ {{ name: "OUT" data_type: TYPE_UINT8 dims: [ -1 ] }} ]
ensemble_scheduling {{ step [
{step}
] }}
"""
