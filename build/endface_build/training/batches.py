"""Batches for training: crops of the drawn squares, turned and mirrored, with every kind of mark in its fair share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from endface.contract import SQUARE_PX, Label
from endface.errors import ConfigurationError
from endface_build.training.network import planes

POSES = 2
"""Crops from each window of a square: preparing a square costs as much as a crop's training step, and two poses of one
window should be read alike.
"""

MARK_SHARE = 0.8
"""Share of crops that are laid around a mark; the others fall anywhere, so mostly on clean glass and rims."""

Pose = tuple[int, bool]
"""Quarter turns, and whether the turned crop is mirrored."""


@dataclass(frozen=True)
class Batch:
    """Crops and what the network should say of them; neighbors are two poses of one window.

    Attributes:
        planes: float32 (N, 3, crop, crop).
        labels: int64 (N, crop, crop), ``Label`` codes and ``UNDECIDED``.
        coverage: float32 (N, crop, crop), the share of each pixel that its mark covers.
        poses: Of each crop.
    """

    planes: Tensor
    labels: Tensor
    coverage: Tensor
    poses: tuple[Pose, ...]

    def upright(self, maps: Tensor) -> Tensor:
        """Maps (N, crop, crop) of the crops, each turned back."""
        return torch.stack([_turn_back(each, pose) for each, pose in zip(maps, self.poses, strict=True)])

    def __add__(self, other: Batch) -> Batch:
        """Both in one."""
        return Batch(
            torch.cat((self.planes, other.planes)),
            torch.cat((self.labels, other.labels)),
            torch.cat((self.coverage, other.coverage)),
            self.poses + other.poses,
        )


class Batches(Protocol):
    """Source of a training run's batches."""

    def batch(self, rng: np.random.Generator, count: int, crop_px: int) -> Batch:
        """Random crops, ``count`` of them."""


class SquareSet:
    """A drawn set on disk, mapped into memory.

    Args:
        folder: Holds ``squares.npy``, ``labels.npy`` and ``coverage.npy``, uint8 (N, 512, 512).

    Raises:
        ConfigurationError: The set is missing or has another shape.
    """

    def __init__(self, folder: Path):
        try:
            self.squares, self.labels, self.coverage = (
                np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("squares", "labels", "coverage")
            )
        except (OSError, ValueError) as exc:
            raise ConfigurationError(f"No synthetic set in {folder}: draw it with `endface-build synth`.") from exc
        shape = self.squares.shape
        if {self.labels.shape, self.coverage.shape} != {shape} or shape[1:] != (SQUARE_PX, SQUARE_PX):
            raise ConfigurationError(
                f"The synthetic set in {folder} has a wrong shape: draw it anew with `endface-build synth`."
            )

    def __len__(self) -> int:
        return len(self.squares)

    def batch(self, rng: np.random.Generator, count: int, crop_px: int) -> Batch:
        """Random crops.

        Args:
            rng: Source of every choice.
            count: Number of crops; two poses of each window.
            crop_px: Side of the crops.
        """
        chosen = rng.integers(len(self), size=(count + 1) // POSES)
        whole = planes(torch.from_numpy(np.stack([self.squares[i] for i in chosen]))[:, None])
        crops: tuple[list[Tensor], ...] = ([], [], [])
        poses: list[Pose] = []
        for number, square in enumerate(chosen):
            top, left = _corner(rng, self.labels[square], crop_px)
            window = (slice(top, top + crop_px), slice(left, left + crop_px))
            fields = (
                whole[number][:, window[0], window[1]],
                torch.from_numpy(self.labels[square][window].astype(np.int64)),
                torch.from_numpy(self.coverage[square][window].astype(np.float32) / 255),
            )
            for _ in range(min(POSES, count - len(poses))):
                pose = int(rng.integers(4)), bool(rng.integers(2))
                for listed, each in zip(crops, fields, strict=True):
                    listed.append(_turn(each, pose))
                poses.append(pose)
        inputs, labels, coverage = map(torch.stack, crops)
        return Batch(inputs, labels, coverage, tuple(poses))


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


def _turn(field: Tensor, pose: Pose) -> Tensor:
    """Quarter turns and a mirror over the last two axes."""
    turns, mirror = pose
    turned = torch.rot90(field, turns, dims=(-2, -1))
    return (turned.flip(-1) if mirror else turned).contiguous()


def _turn_back(field: Tensor, pose: Pose) -> Tensor:
    """What ``_turn`` did, undone."""
    turns, mirror = pose
    return torch.rot90(field.flip(-1) if mirror else field, -turns, dims=(-2, -1))
