"""Warm-up of a stage: it inspects a picture before it takes requests."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from endface import contract, stages
from endface.errors import ConfigurationError
from endface.options import Options

PICTURE: Final = "warmup/face.png"
"""The picture in a stage's model folder."""

_PROFILE: Final = "mm-pc"  # every server has it, and the verdict does not matter


def read_picture(model: Path) -> bytes:
    """The picture of a stage.

    Args:
        model: the stage's folder in the model repository.

    Raises:
        ConfigurationError: it is missing.
    """
    try:
        return (model / PICTURE).read_bytes()
    except OSError as exc:
        raise ConfigurationError(
            f"the warm-up picture {model / PICTURE} is missing; restore it from version control"
        ) from exc


def warm_up(model: Path) -> None:
    """Inspect a picture through the stages, so that no client pays for first calls and a broken stage never gets ready.

    Triton's own ``model_warmup`` cannot do this: its requests carry no parameters, so they name no profile.

    Args:
        model: the stage's folder in the model repository.

    Raises:
        ConfigurationError: the picture is missing, or the stages do not find its fiber.
    """
    _, frame = stages.preprocess(read_picture(model), Options(profile=_PROFILE))
    if frame.problem is not None:
        raise ConfigurationError(f"the warm-up picture {model / PICTURE} cannot be inspected: {frame.problem.message}")
    blank = np.zeros((contract.SQUARE_PX, contract.SQUARE_PX), np.uint8)
    stages.postprocess(blank, blank, frame)  # its scratch is not marked here, so there is no verdict
