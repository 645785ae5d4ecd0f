"""Settings of learning from reviews."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from endface.contract import CLADDING_UM
from endface_build.evaluation.false_passes import DRAWN
from endface_build.training.finetune import STEPS

Progress = Callable[[str, int, int], None]
"""Gets what is being done, the number of all steps, and the number done."""


@dataclass(frozen=True)
class Settings:
    """How to learn.

    Attributes:
        run: folder for what is made on the way: drawn squares, checkpoint, candidate.
        steps: optimizer steps.
        drawn: drawn squares that keep the network from forgetting.
        faces: drawn faces of each fiber that both networks are judged on.
        gage_parts: held-out pictures of the repeatability study.
        gage_repeats: trials of each under each condition.
        cladding_um: cladding diameter.
        recipe: what differs from the recipe of the network that serves.
        workers: processes that draw.
        promotes: whether the candidate is promoted if nothing speaks against it.
        accept_flips: whether verdicts of pictures may change where the right one is not known.
    """

    run: Path
    steps: int = STEPS
    drawn: int = 600
    faces: int = DRAWN
    gage_parts: int = 6
    gage_repeats: int = 2
    cladding_um: float = CLADDING_UM
    recipe: dict[str, Any] = field(default_factory=dict)
    workers: int = 1
    promotes: bool = True
    accept_flips: bool = False
