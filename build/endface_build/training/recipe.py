"""Recipe: every option of one training run, saved in the checkpoint and in the manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from endface.errors import ConfigurationError


@dataclass(frozen=True)
class Recipe:
    """Options of making the network, from the first drawn face to the last step.

    Attributes:
        seed: Fixes the weights' start and the order and cutting of the crops.
        start_sha256: Of the served network's file that the weights begin with; empty for random ones.
        train_seed: The synthetic set to learn from.
        train_count: Its number of squares.
        held_out_seed: The synthetic set to be judged on; never learned from.
        held_out_count: Its number of squares.
        widths: Channels of the levels from 1 um to 16 um a pixel.
        crop_px: Side of the training crops.
        batch: Crops a step.
        steps: Optimizer steps.
        learning_rate: Peak of the cosine.
        warmup: Steps until the peak.
        weight_decay: Decoupled weight decay.
        class_weights: Weight of each ``Label`` in the cross-entropy.
        prior_share: Share of the class weights' logarithm that the finished network gives back: the weights help to
            learn rare marks, but would leave their outlines too wide and their alarms too many; with this share a
            probability of one half means that half of such a pixel is covered.
        dice_share: Share of the Dice term in the loss.
        consistency: Weight of the difference between two poses of one window in the loss.
        bfloat16: Whether forward passes run in bfloat16 where the processor has it, which is a third faster.
        average: Decay of the running average of the weights, which is what gets exported.
        opset: ONNX operator set of the exported file.
    """

    seed: int = 7
    start_sha256: str = ""
    train_seed: int = 20_001
    train_count: int = 5_000
    held_out_seed: int = 20_002
    held_out_count: int = 200
    widths: tuple[int, ...] = (16, 32, 48, 64, 96)
    crop_px: int = 256
    batch: int = 12
    steps: int = 7_000
    learning_rate: float = 2e-3
    warmup: int = 150
    weight_decay: float = 1e-4
    class_weights: tuple[float, ...] = (1.0, 4.0, 6.0, 3.0, 6.0)
    prior_share: float = 0.6
    dice_share: float = 0.25
    consistency: float = 0.5
    bfloat16: bool = True
    average: float = 0.998
    opset: int = 18

    def to_json(self) -> dict[str, Any]:
        """The recipe as JSON values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Recipe:
        """The recipe from JSON values.

        Raises:
            ConfigurationError: An option is unknown.
        """
        unknown = sorted(set(values) - set(cls.__dataclass_fields__))
        if unknown:
            raise ConfigurationError(
                f"The recipe has unknown options {', '.join(unknown)}; another version wrote it: train anew."
            )
        options: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
        return cls(**options)

    @property
    def sha256(self) -> str:
        """Hash of all options."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()
