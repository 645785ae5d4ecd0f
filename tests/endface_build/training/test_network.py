"""The network's shapes, its indifference to gain and offset, and that it can learn at all."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional

from endface.contract import CANDIDATE, SQUARE_PX, Label
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.canvas import UNDECIDED
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import Mark, chip, particle, pit, scratch
from endface_build.drawing.squares import to_square
from endface_build.training.batches import Batch
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
    pairs = [to_square(photograph(Face(marks=each), camera, seed)).outlined for seed, each in enumerate(marks)]
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


def test_confidence_is_the_probability_of_a_mark() -> None:
    """Confidence is what the background leaves of the softmax; labels are the likeliest mark of every candidate."""
    torch.manual_seed(1)
    network = SegmentationNetwork(TINY).eval()
    torch.nn.init.normal_(network.head.weight)
    squares = faces()[0][:, None]
    with torch.inference_mode():
        labels, confidence = SegmentGraph(network)(squares)
        shares = functional.pixel_shuffle(network(planes(squares)), BLOCK).softmax(dim=1)
    candidate = confidence >= CANDIDATE

    assert len(labels.unique()) > 1
    assert (confidence.float() - 255 * (1 - shares[:, 0])).abs().max() <= 0.6
    assert torch.equal(labels[candidate].long(), 1 + shares[:, 1:].argmax(dim=1)[candidate])
    assert not labels[~candidate].any()


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


def batch_of(labels: torch.Tensor, coverage: torch.Tensor | None = None, inputs: torch.Tensor | None = None) -> Batch:
    """Upright crops with these labels, wholly covered if nothing else is said."""
    covered = (labels > 0).float() if coverage is None else coverage
    crops = torch.zeros(len(labels), 3, *labels.shape[1:]) if inputs is None else inputs
    return Batch(crops, labels, covered, ((0, False),) * len(labels))


def test_undecided_pixels_count_for_nothing() -> None:
    """The loss does not change with the logits of undecided pixels."""
    labels = torch.zeros(2, 32, 32, dtype=torch.int64)
    labels[:, :8] = Label.PIT
    labels[:, 20:] = UNDECIDED
    logits = torch.randn(2, CLASSES, 32, 32, generator=torch.Generator().manual_seed(0))
    changed = logits.clone()
    changed[:, :, 20:] += 5 * torch.randn(CLASSES, 12, 32)
    first, second = (
        segmentation_loss(each, batch_of(labels), torch.ones(CLASSES), dice=0.5, consistency=0.5)
        for each in (logits, changed)
    )

    assert first == second


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_the_least_loss_is_the_share_that_is_covered(share: float) -> None:
    """Of all probabilities that a network could give a half covered pixel, the share itself costs least."""
    labels = torch.full((1, 16, 16), int(Label.SCRATCH))
    batch = batch_of(labels, torch.full((1, 16, 16), share))
    losses = {}
    for percent in range(1, 100):
        given = torch.full((1, CLASSES, 16, 16), -30.0)
        given[:, 0], given[:, Label.SCRATCH] = math.log(1 - percent / 100), math.log(percent / 100)
        losses[percent] = segmentation_loss(given, batch, torch.ones(CLASSES), dice=0.25, consistency=0.5).item()

    assert min(losses, key=losses.__getitem__) == pytest.approx(100 * share, abs=1)


def test_two_poses_that_disagree_cost() -> None:
    """Crops of one window in two poses are compared pixel by pixel in the window's own place."""
    seen = torch.full((1, CLASSES, 8, 8), -8.0)
    seen[0, 0], seen[0, Label.PIT, 1, 2] = 0.0, 8.0
    turned = torch.rot90(seen, 1, dims=(-2, -1)).flip(-1)
    labels = torch.zeros(2, 8, 8, dtype=torch.int64)
    batch = replace(batch_of(labels), poses=((0, False), (1, True)))
    weights = torch.ones(CLASSES)
    agreeing, disagreeing = (
        segmentation_loss(torch.cat(pair), batch, weights, dice=0.0, consistency=1.0)
        - segmentation_loss(torch.cat(pair), batch, weights, dice=0.0, consistency=0.0)
        for pair in ((seen, turned), (seen, seen))
    )

    assert agreeing == pytest.approx(0.0, abs=1e-6)
    assert disagreeing > 0.01


def test_overfits_one_face() -> None:
    """A small network learns the marks of one face within some dozens of steps."""
    torch.manual_seed(0)
    squares, labels = faces()
    window = (slice(176, 304), slice(240, 368))  # the pit and its surroundings: a sixteenth of the work
    targets = labels[:1, *window].long()
    batch = batch_of(targets, inputs=planes(squares[:1, None])[:, :, *window])
    network = SegmentationNetwork(TINY)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    weights = torch.tensor([1.0, 4.0, 8.0, 4.0, 8.0])
    for _ in range(30):
        logits = functional.pixel_shuffle(network(batch.planes), BLOCK)
        loss = segmentation_loss(logits, batch, weights, dice=0.3, consistency=0.5)
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
