"""One training run, read from top to bottom: data, network, optimizer, loop, checkpoint.

Each step draws its batch from the recipe's seed and its own number, so a run that was interrupted continues exactly
where an uninterrupted one would be.
"""

from __future__ import annotations

import math
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from endface.errors import ConfigurationError
from endface.files import whole_file
from endface_build.training.batches import Batches
from endface_build.training.losses import segmentation_loss
from endface_build.training.network import BLOCK, SegmentationNetwork
from endface_build.training.recipe import Recipe
from endface_build.training.served_weights import begin_with

CHECKPOINT_EVERY = 200
START_CROPS = 24
"""Crops on which the normalizations of a served network are measured."""
_LEARNED = ("network", "average", "optimizer")
"""What of a run has a state of its own in PyTorch."""


@dataclass(frozen=True)
class Trained:
    """A finished run: the averaged network in evaluation mode, its recipe and what it took."""

    network: SegmentationNetwork
    recipe: Recipe
    steps: int
    seconds: float


def train(  # noqa: PLR0913 - all but the first three are optional and by keyword
    data: Batches,
    recipe: Recipe,
    checkpoint: Path,
    *,
    start: Path | None = None,
    until: int | None = None,
    progress: Callable[[int, float], None] | None = None,
) -> Trained:
    """Train, or continue from the checkpoint if there is one.

    Args:
        data: What to learn from: the synthetic set, or that and the user's.
        recipe: Every setting of the training.
        checkpoint: File that is written now and then and at the end.
        start: What a new run begins with: the averaged weights of another run's checkpoint, or those of a version that
            serves (``model.fp32.onnx``); None to begin with random ones.
        until: Stop after this step, as if interrupted; None for the recipe's last.
        progress: Called after each step with its number and the running loss.

    Returns:
        The network with the running average of its weights.

    Raises:
        ConfigurationError: The checkpoint is broken or belongs to another recipe.
    """
    run = _Run.begin(recipe)
    if checkpoint.exists():
        run.restore(_load(checkpoint, recipe))
    elif start is not None:
        if start.suffix == ".onnx":
            examples = data.batch(np.random.default_rng(recipe.seed), START_CROPS, recipe.crop_px)
            begin_with(run.network, start, examples.planes)
            with torch.no_grad():
                run.network.head_bias.add_(_prior(recipe))
        else:
            run.network.load_state_dict(_load(start, None)["average"])
        run.average.load_state_dict(run.network.state_dict())

    last = min(recipe.steps, until or recipe.steps)
    before_s, started = run.seconds, time.monotonic()
    run.network.train()
    for step in range(run.step, last):
        loss = _step(run, data, recipe)
        run.running = loss if step == 0 else 0.98 * run.running + 0.02 * loss
        run.step = step + 1
        if progress is not None:
            progress(run.step, run.running)
        if run.step % CHECKPOINT_EVERY == 0 or run.step == last:
            run.seconds = before_s + time.monotonic() - started
            _save({"recipe": recipe.to_json()} | run.state(), checkpoint)
    return load_trained(checkpoint)


def load_trained(checkpoint: Path) -> Trained:
    """The averaged network of a checkpoint, with the class weights' prior given back.

    Args:
        checkpoint: A file that ``train`` wrote.

    Raises:
        ConfigurationError: The checkpoint is missing or broken.
    """
    state = _load(checkpoint, None)
    recipe = Recipe.from_json(state["recipe"])
    network = SegmentationNetwork(recipe.widths)
    network.load_state_dict(state["average"])
    with torch.no_grad():
        network.head_bias.sub_(_prior(recipe))
    return Trained(network.eval(), recipe, state["step"], state["seconds"])


def _prior(recipe: Recipe) -> Tensor:
    """What the class weights make the network say too much of each class, as part of the head's bias, (20,)."""
    return (recipe.prior_share * torch.tensor(recipe.class_weights).log()).repeat_interleave(BLOCK**2)


def has_bfloat16() -> bool:
    """Whether the processor computes in bfloat16; one that does not is many times slower in it."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


@dataclass
class _Run:
    """What a checkpoint keeps of a run.

    Attributes:
        network: The network that learns.
        average: The running average of its weights.
        optimizer: What moves the weights.
        step: Number of steps done.
        running: Running average of the loss.
        seconds: Time that the steps took.
    """

    network: SegmentationNetwork
    average: SegmentationNetwork
    optimizer: torch.optim.Optimizer
    step: int = 0
    running: float = 0.0
    seconds: float = 0.0

    @classmethod
    def begin(cls, recipe: Recipe) -> Self:
        """A run before its first step, with weights that the recipe's seed decides."""
        torch.manual_seed(recipe.seed)
        network, average = SegmentationNetwork(recipe.widths), SegmentationNetwork(recipe.widths)
        average.load_state_dict(network.state_dict())
        optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        return cls(network, average, optimizer)

    def state(self) -> dict[str, Any]:
        """The content of a checkpoint, but for the recipe."""
        learned = {name: getattr(self, name).state_dict() for name in _LEARNED}
        return learned | {"step": self.step, "running": self.running, "seconds": self.seconds}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from the content of a checkpoint."""
        for name in _LEARNED:
            getattr(self, name).load_state_dict(state[name])
        self.step, self.running, self.seconds = state["step"], state["running"], state["seconds"]


def _step(run: _Run, data: Batches, recipe: Recipe) -> float:
    """Learn from one batch, which the recipe's seed and the step's number decide; gives its loss."""
    for group in run.optimizer.param_groups:
        group["lr"] = recipe.learning_rate * _pace(run.step, recipe)
    batch = data.batch(np.random.default_rng((recipe.seed, run.step)), recipe.batch, recipe.crop_px)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bfloat16 and has_bfloat16()):
        blocks = run.network(batch.planes.contiguous(memory_format=torch.channels_last))
    logits = functional.pixel_shuffle(blocks.float(), BLOCK)
    weights = torch.tensor(recipe.class_weights)
    loss = segmentation_loss(logits, batch, weights, dice=recipe.dice_share, consistency=recipe.consistency)
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 1.0)
    run.optimizer.step()
    _follow(run.average, run.network, min(recipe.average, (1 + run.step) / (10 + run.step)))
    return loss.item()


def _pace(step: int, recipe: Recipe) -> float:
    """Share of the peak learning rate: a ramp, then a cosine down to a hundredth."""
    if step < recipe.warmup:
        return (step + 1) / recipe.warmup
    done = (step - recipe.warmup) / max(1, recipe.steps - recipe.warmup)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2


@torch.no_grad()
def _follow(average: SegmentationNetwork, network: SegmentationNetwork, decay: float) -> None:
    """Move the running average of weights and statistics towards the network."""
    for mean, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.dtype.is_floating_point:
            mean.lerp_(now, 1 - decay)
        else:
            mean.copy_(now)


def _save(state: dict[str, object], checkpoint: Path) -> None:
    """Write a checkpoint; an interruption leaves the old one whole."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(checkpoint) as file:
        torch.save(state, file)


def _load(checkpoint: Path, recipe: Recipe | None) -> dict[str, Any]:
    """The state in a checkpoint, which must belong to ``recipe`` if one is given."""
    try:
        state = torch.load(checkpoint, weights_only=True)
        recipe_json = state["recipe"]
    except (OSError, EOFError, KeyError, RuntimeError, TypeError, ValueError, pickle.UnpicklingError) as exc:
        raise ConfigurationError(f"No usable checkpoint in {checkpoint}: delete it and train anew. ({exc})") from exc
    if recipe is not None and recipe_json != recipe.to_json():
        raise ConfigurationError(
            f"The checkpoint {checkpoint} belongs to another recipe: delete it, or train in another folder."
        )
    return dict(state)
