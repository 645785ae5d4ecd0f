"""Batches for training: crops of the drawn squares, turned and mirrored, with every kind of mark in its fair share."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from endface.contract import SQUARE_PX, Label
from endface.errors import ConfigurationError
from endface_build.training.network import planes

CROPS_A_SQUARE = 2

MARK_SHARE = 0.8
"""Share of crops that are laid around a mark; the others fall anywhere, so mostly on clean glass and rims."""


class Batches(Protocol):
    """Source of a training run's batches."""

    def batch(self, rng: np.random.Generator, count: int, crop_px: int) -> tuple[Tensor, Tensor]:
        """Planes float32 (count, 3, crop, crop) and labels int64 (count, crop, crop)."""


class SquareSet:
    """A drawn set on disk, mapped into memory.

    Args:
        folder: Holds ``squares.npy`` and ``labels.npy``, uint8 (N, 512, 512).

    Raises:
        ConfigurationError: The set is missing or has another shape.
    """

    def __init__(self, folder: Path):
        try:
            self.squares: NDArray[np.uint8] = np.load(folder / "squares.npy", mmap_mode="r")
            self.labels: NDArray[np.uint8] = np.load(folder / "labels.npy", mmap_mode="r")
        except (OSError, ValueError) as exc:
            raise ConfigurationError(f"No synthetic set in {folder}: draw it with `endface-build synth`.") from exc
        if self.squares.shape != self.labels.shape or self.squares.shape[1:] != (SQUARE_PX, SQUARE_PX):
            raise ConfigurationError(
                f"The synthetic set in {folder} has a wrong shape: draw it anew with `endface-build synth`."
            )

    def __len__(self) -> int:
        return len(self.squares)

    def batch(self, rng: np.random.Generator, count: int, crop_px: int) -> tuple[Tensor, Tensor]:
        """Random crops.

        Args:
            rng: Source of every choice.
            count: Number of crops; two from each square, since preparing a square costs as much as a crop's training
                step.
            crop_px: Side of the crops.

        Returns:
            Planes float32 (count, 3, crop, crop) and labels int64 (count, crop, crop).
        """
        chosen = rng.integers(len(self), size=(count + 1) // CROPS_A_SQUARE)
        squares = torch.from_numpy(np.stack([self.squares[i] for i in chosen]))
        whole = planes(squares[:, None])
        inputs, targets = [], []
        for crop in range(count):
            number = crop // CROPS_A_SQUARE
            labels = self.labels[chosen[number]]
            top, left = _corner(rng, labels, crop_px)
            window = (slice(top, top + crop_px), slice(left, left + crop_px))
            turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
            inputs.append(_turn(whole[number][:, window[0], window[1]], turns, mirror=mirror))
            targets.append(_turn(torch.from_numpy(labels[window].astype(np.int64)), turns, mirror=mirror))
        return torch.stack(inputs), torch.stack(targets)


def _corner(rng: np.random.Generator, labels: NDArray[np.uint8], crop_px: int) -> tuple[int, int]:
    """Top and left of a crop: around a pixel of a random one of the square's classes, or anywhere."""
    room = SQUARE_PX - crop_px
    present = [code for code in np.flatnonzero(np.bincount(labels.ravel(), minlength=256)) if code in tuple(Label)[1:]]
    if not present or rng.random() > MARK_SHARE:
        top, left = rng.integers(0, room + 1, 2)
        return int(top), int(left)
    row, column = divmod(int(rng.choice(np.flatnonzero(labels == rng.choice(present)))), SQUARE_PX)
    top, left = (int(np.clip(place - rng.integers(crop_px), 0, room)) for place in (row, column))
    return top, left


def _turn(field: Tensor, turns: int, *, mirror: bool) -> Tensor:
    """Quarter turns and a mirror over the last two axes."""
    turned = torch.rot90(field, turns, dims=(-2, -1))
    return (turned.flip(-1) if mirror else turned).contiguous()
