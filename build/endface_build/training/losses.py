"""The loss: weighted cross-entropy, which sharpens every pixel, Dice, which gives rare classes their weight, and the
difference between two poses of one face, which should not exist.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from endface_build.drawing.canvas import UNDECIDED
from endface_build.training.batches import Batch

EMPTY_PX = 50
"""Pixels that Dice adds to both sides, so that a class which is absent from the batch costs little."""


def segmentation_loss(
    logits: Tensor, batch: Batch, class_weights: Tensor, *, dice: float, consistency: float
) -> Tensor:
    """Loss of a batch; undecided pixels count for nothing.

    Args:
        logits: float32 (N, 5, H, W).
        batch: What the network should have said.
        class_weights: float32 (5,).
        dice: Share of the Dice term, 0 to 1.
        consistency: Weight of the squared difference between the two poses of each window.

    Returns:
        A scalar.
    """
    known = (batch.labels != UNDECIDED).unsqueeze(1)
    truth = soft_targets(batch, logits.shape[1]) * known
    weighted = truth * class_weights.view(1, -1, 1, 1)
    likelihood = logits.log_softmax(dim=1)
    cross_entropy = -(weighted * likelihood).sum() / weighted.sum()
    shares = likelihood.exp() * known
    overlap = (shares * truth).sum(dim=(0, 2, 3))[1:]
    total = (shares.square() + truth.square()).sum(dim=(0, 2, 3))[1:]
    classes = (2 * overlap + EMPTY_PX) / (total + EMPTY_PX)
    marks, covered = shares[:, 1:].sum(dim=1), truth[:, 1:].sum(dim=1)
    either = (2 * (marks * covered).sum() + EMPTY_PX) / (marks.square() + covered.square()).sum().add(EMPTY_PX)
    both = (1 - dice) * cross_entropy + dice * (2 - classes.mean() - either) / 2
    return both + consistency * _between_poses(marks, batch)


def soft_targets(batch: Batch, classes: int) -> Tensor:
    """Share of each pixel that each class covers, float32 (N, classes, H, W); undecided ones read as background."""
    decided = torch.where(batch.labels == UNDECIDED, 0, batch.labels)
    target = functional.one_hot(decided, classes).permute(0, 3, 1, 2).float()
    target[:, 1:] *= batch.coverage.unsqueeze(1)
    target[:, 0] = 1 - target[:, 1:].sum(dim=1)
    return target


def _between_poses(marks: Tensor, batch: Batch) -> Tensor:
    """Squared difference between the two poses' probability of a mark, over the pixels where there is something."""
    turned_back = batch.upright(marks)
    first, second = turned_back[0::2], turned_back[1::2]
    if len(second) == 0:
        return marks.new_zeros(())
    something = torch.maximum(first, second[: len(first)]).detach()[: len(second)]
    return (first[: len(second)] - second).square().sum() / (something.sum() + EMPTY_PX)
