"""The loss: weighted cross-entropy, which sharpens every pixel, and Dice, which gives rare classes their weight."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from endface_build.drawing.canvas import UNDECIDED


def segmentation_loss(logits: Tensor, labels: Tensor, class_weights: Tensor, dice_share: float) -> Tensor:
    """Loss of a batch; undecided pixels count for nothing.

    Args:
        logits: float32 (N, 5, H, W).
        labels: int64 (N, H, W), ``Label`` codes and ``UNDECIDED``.
        class_weights: float32 (5,).
        dice_share: Share of the Dice term, 0 to 1.

    Returns:
        A scalar.
    """
    cross_entropy = functional.cross_entropy(logits, labels, weight=class_weights, ignore_index=UNDECIDED)
    known = (labels != UNDECIDED).unsqueeze(1)
    shares = logits.softmax(dim=1) * known
    truth = functional.one_hot(torch.where(known[:, 0], labels, 0), logits.shape[1]).permute(0, 3, 1, 2) * known
    overlap = (shares * truth).sum(dim=(0, 2, 3))[1:]
    total = (shares + truth).sum(dim=(0, 2, 3))[1:]
    any_defect = _dice(1 - shares[:, 0] - (~known[:, 0]).float(), (truth[:, 1:].sum(dim=1)).float())
    dice = (2 * overlap + 50) / (total + 50)  # 50 pixels: a class that is absent from the batch costs little
    return (1 - dice_share) * cross_entropy + dice_share * (2 - dice.mean() - any_defect) / 2


def _dice(shares: Tensor, truth: Tensor) -> Tensor:
    """Dice of two maps over the whole batch."""
    return (2 * (shares * truth).sum() + 50) / (shares.sum() + truth.sum() + 50)
