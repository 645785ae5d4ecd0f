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
from typing import Any

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

CHECKPOINT_EVERY = 200


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
        recipe: Every knob.
        checkpoint: File that is written now and then and at the end.
        start: Checkpoint of another run, whose averaged weights a new run begins with; None to begin with chance.
        until: Stop after this step, as if interrupted; None for the recipe's last.
        progress: Called after each step with its number and the running loss.

    Returns:
        The network with the running average of its weights.

    Raises:
        ConfigurationError: The checkpoint is broken or belongs to another recipe.
    """
    torch.manual_seed(recipe.seed)
    network = SegmentationNetwork(recipe.widths)
    average = SegmentationNetwork(recipe.widths)
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    first, before_s, running = 0, 0.0, 0.0

    if checkpoint.exists():
        state = _load(checkpoint, recipe)
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first, before_s, running = state["step"], state["seconds"], state["running"]
    elif start is not None:
        for each in (network, average):
            each.load_state_dict(_load(start, None)["average"])

    last = min(recipe.steps, until or recipe.steps)
    started = time.monotonic()
    network.train()
    for step in range(first, last):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate * _pace(step, recipe)
        batch = data.batch(np.random.default_rng((recipe.seed, step)), recipe.batch, recipe.crop_px)
        loss = _step(network, optimizer, batch, recipe)
        _follow(average, network, min(recipe.average, (1 + step) / (10 + step)))

        running = loss if step == 0 else 0.98 * running + 0.02 * loss
        if progress is not None:
            progress(step + 1, running)
        if (step + 1) % CHECKPOINT_EVERY == 0 or step + 1 == last:
            state = {
                "recipe": recipe.to_json(),
                "network": network.state_dict(),
                "average": average.state_dict(),
                "optimizer": optimizer.state_dict(),
                "step": step + 1,
                "running": running,
                "seconds": before_s + time.monotonic() - started,
            }
            _save(state, checkpoint)
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
        given_back = recipe.prior_share * torch.tensor(recipe.class_weights).log()
        network.head_bias.sub_(given_back.repeat_interleave(BLOCK**2))
    return Trained(network.eval(), recipe, state["step"], state["seconds"])


def has_bfloat16() -> bool:
    """Whether the processor computes in bfloat16; one that does not is many times slower in it."""
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def _step(
    network: SegmentationNetwork, optimizer: torch.optim.Optimizer, batch: tuple[Tensor, Tensor], recipe: Recipe
) -> float:
    """One step of the optimizer on a batch of planes and labels; its loss."""
    inputs, labels = batch
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=recipe.bfloat16 and has_bfloat16()):
        blocks = network(inputs.contiguous(memory_format=torch.channels_last))
    logits = functional.pixel_shuffle(blocks.float(), BLOCK)
    loss = segmentation_loss(logits, labels, torch.tensor(recipe.class_weights), recipe.dice_share)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()
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
    """An interruption leaves the old checkpoint whole."""
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
