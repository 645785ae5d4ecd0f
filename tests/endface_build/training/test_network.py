"""The network's shapes, its indifference to gain and offset, and that it can learn at all."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional

from endface.contract import CANDIDATE, Label, SQUARE_PX
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import Mark, chip, particle, pit, scratch
from endface_build.drawing.squares import to_square
from endface_build.training.losses import segmentation_loss
from endface_build.training.network import BLOCK, CLASSES, SegmentationNetwork, SegmentGraph, planes, to_blocks

TINY = (8, 12, 16)


@cache
def faces() -> tuple[torch.Tensor, torch.Tensor]:
    """Two squares with their labels: one with a pit and a scratch, one with a particle and a chip."""
    camera = Camera(width_px=620, height_px=620)
    marks: list[tuple[Mark, ...]] = [
        (pit((30.0, -20.0), 9.0), scratch((-90.0, 70.0), (90.0, 80.0), 4.0)),
        (particle((70.0, 60.0), 24.0), chip(200.0, 16.0, 7.0)),
    ]
    pairs = [to_square(photograph(Face(marks=each), camera, seed)) for seed, each in enumerate(marks)]
    squares, labels = zip(*pairs, strict=True)
    return torch.from_numpy(np.stack(squares)), torch.from_numpy(np.stack(labels))


def test_logits_come_in_blocks() -> None:
    """Planes of any multiple of 32 give logits for each pixel of each 2x2 block."""
    logits = SegmentationNetwork((4, 4, 4, 4, 4))(torch.zeros(2, 3, 64, 96))

    assert logits.shape == (2, CLASSES * BLOCK**2, 32, 48)
    assert functional.pixel_shuffle(logits, BLOCK).shape == (2, CLASSES, 64, 96)


def test_segment_speaks_bytes() -> None:
    """The whole graph takes uint8 squares and returns uint8 labels within the contract and uint8 confidence."""
    torch.manual_seed(0)
    with torch.inference_mode():
        labels, confidence = SegmentGraph(SegmentationNetwork(TINY).eval())(faces()[0][:, None])

    assert labels.shape == confidence.shape == (2, SQUARE_PX, SQUARE_PX)
    assert labels.dtype == confidence.dtype == torch.uint8
    assert labels.max() <= max(Label)


def test_label_is_the_most_probable_mark_and_confidence_that_of_any() -> None:
    """Class-by-class comparison gives what a softmax says: the best mark from 0.2 on, and the sum of all marks."""
    torch.manual_seed(1)
    network = SegmentationNetwork(TINY).eval()
    torch.nn.init.normal_(network.head.weight)
    squares = faces()[0][:, None]
    with torch.inference_mode():
        labels, confidence = SegmentGraph(network)(squares)
        logits = functional.pixel_shuffle(network(planes(squares)), BLOCK)
    marks = logits.softmax(dim=1)[:, 1:]
    is_candidate = confidence >= CANDIDATE

    assert (confidence.float() - 255 * marks.sum(dim=1)).abs().max() <= 0.55
    assert torch.equal(labels > 0, is_candidate)
    assert torch.equal(labels[is_candidate].long(), marks.argmax(dim=1)[is_candidate] + 1)
    assert len(labels.unique()) == CLASSES


@pytest.mark.parametrize(("gain", "offset"), [(0.5, 0.0), (0.5, 40.0), (1.0, 30.0)])
def test_planes_do_not_depend_on_gain_and_offset(gain: float, offset: float) -> None:
    """A darker, flatter or raised picture looks the same to the network, up to the noise floor."""
    squares = faces()[0][:, None].float()
    change = (planes(squares * gain + offset) - planes(squares)).abs()

    assert change.mean() < 0.06


def test_plane_of_the_radius() -> None:
    """The third plane is the distance from the fiber's center in half sides of the square."""
    radius = planes(torch.zeros(1, 1, SQUARE_PX, SQUARE_PX))[0, 2]

    assert radius[255, 255] == pytest.approx(0.0, abs=0.003)
    assert radius[255, 511] == pytest.approx(1.0, abs=0.005)
    assert torch.equal(radius, radius.T)


def test_undecided_pixels_count_for_nothing() -> None:
    """The loss does not change with the logits of undecided pixels."""
    labels = torch.zeros(1, 32, 32, dtype=torch.int64)
    labels[0, :8] = Label.PIT
    labels[0, 20:] = UNDECIDED
    logits = torch.randn(1, CLASSES, 32, 32, generator=torch.Generator().manual_seed(0))
    changed = logits.clone()
    changed[0, :, 20:] += 5 * torch.randn(CLASSES, 12, 32)
    weights = torch.ones(CLASSES)

    assert segmentation_loss(logits, labels, weights, 0.5) == segmentation_loss(changed, labels, weights, 0.5)


def test_overfits_one_face() -> None:
    """A small network learns the marks of one face within some dozens of steps."""
    torch.manual_seed(0)
    squares, labels = faces()
    window = (slice(176, 304), slice(240, 368))  # the pit and its surroundings: a sixteenth of the work
    inputs, targets = planes(squares[:1, None])[:, :, *window], labels[:1, *window].long()
    network = SegmentationNetwork(TINY)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    weights = torch.tensor([1.0, 4.0, 8.0, 4.0, 8.0])
    for _ in range(30):
        logits = functional.pixel_shuffle(network(inputs), BLOCK)
        loss = segmentation_loss(logits, targets, weights, 0.3)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        optimizer.step()
    found = logits.argmax(dim=1)

    assert (targets == Label.PIT).sum() > 100
    assert ((found > 0) & (targets > 0)).sum() / ((found > 0) | (targets > 0)).sum() > 0.7
    assert (found == targets)[targets > 0].float().mean() > 0.7


def test_blocks_are_torchs_own() -> None:
    """Space-to-depth by slices is the same as PyTorch's."""
    inputs = torch.randn(2, 3, 8, 12)

    assert torch.equal(to_blocks(inputs), functional.pixel_unshuffle(inputs, BLOCK))
