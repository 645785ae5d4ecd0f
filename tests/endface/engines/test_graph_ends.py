from __future__ import annotations

from collections.abc import Sequence
from math import log

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from endface.contract import CANDIDATE, Label
from endface.engines import graph_ends
from endface_build.training.network import SegmentationNetwork, SegmentGraph, planes, to_blocks


def random_square(seed: int) -> NDArray[np.uint8]:
    """Noise around a random level, uint8 (1, 512, 512)."""
    rng = np.random.default_rng(seed)
    return rng.normal(rng.uniform(20, 230), rng.uniform(0, 40), (1, 512, 512)).clip(0, 255).astype(np.uint8)


def logits_of(*classes: float) -> NDArray[np.float32]:
    """The same logits at every pixel, float32 (1, 20, 256, 256)."""
    return np.broadcast_to(np.repeat(classes, 4)[None, :, None, None], (1, *graph_ends.LOGIT_DIMS)).astype(np.float32)


def test_planes_are_those_of_the_networks_own_graph() -> None:
    """What numpy hands to the convolutions is what PyTorch traced into the graph, a blank square included."""
    squares = np.stack([random_square(1), random_square(2), np.zeros((1, 512, 512), np.uint8)])

    wanted = to_blocks(planes(torch.from_numpy(squares))).numpy()

    assert np.allclose(graph_ends.to_planes(squares), wanted, atol=1e-5)


def expected(classes: Sequence[float]) -> tuple[int, float]:
    """Label and confidence of a pixel by the softmax of its logits, in double precision."""
    shares = np.exp(np.array(classes) - max(classes))
    mark = 1 - shares[Label.BACKGROUND] / shares.sum()
    return (int(np.argmax(shares[1:])) + 1 if round(255 * mark) >= CANDIDATE else 0), 255 * mark


@pytest.mark.parametrize(
    ("classes", "label", "confidence"),
    [
        ((0, 0, 0, 0, 0), Label.SCRATCH, 204),  # four marks of five classes; of equal ones the first
        ((20, 0, 0, 0, 0), Label.BACKGROUND, 0),
        ((0, 20, 0, 0, 0), Label.SCRATCH, 255),
        ((0, 0, 20, 0, 0), Label.PIT, 255),
        ((0, 0, 0, 20, 0), Label.CONTAMINATION, 255),
        ((0, 0, 0, 0, 20), Label.CHIP, 255),
        ((0, -90, -90, 0, -90), Label.CONTAMINATION, 128),  # one half: the outline
        ((log(4), -90, 0, -90, -90), Label.PIT, 51),  # 0.2: just a candidate
        ((log(4.1), -90, 0, -90, -90), Label.BACKGROUND, 50),
    ],
)
def test_the_most_probable_mark(classes: tuple[float, ...], label: Label, confidence: int) -> None:
    """A candidate's label is its most probable mark; the confidence is the probability of a mark of any kind."""
    labels, found = graph_ends.to_labels(logits_of(*classes))

    assert (labels == label).all()
    assert (found == confidence).all()


@given(
    st.lists(st.integers(-3000, 3000), min_size=5, max_size=5, unique=True),  # no two so near that rounding makes a tie
    st.integers(0, 511),
    st.integers(0, 511),
)
def test_each_pixel_has_its_own_place(hundredths: list[int], row: int, column: int) -> None:
    """A pixel's logits lie in its block, in the channel of its place there; the others are not touched."""
    classes = [each / 100 for each in hundredths]
    logits = logits_of(9, 0, 0, 0, 0).copy()
    place = row % 2 * 2 + column % 2
    logits[0, place::4, row // 2, column // 2] = classes

    labels, confidence = graph_ends.to_labels(logits)

    label, sure = expected(classes)
    assert abs(int(confidence[0, row, column]) - sure) <= 0.6
    if abs(sure - CANDIDATE) > 1:
        assert labels[0, row, column] == label
    labels[0, row, column] = Label.BACKGROUND
    assert not labels.any()


def test_ends_are_those_of_the_networks_own_graph() -> None:
    """From the same logits PyTorch and numpy give the same labels and the same bytes."""
    logits = np.random.default_rng(3).normal(0, 4, (2, *graph_ends.LOGIT_DIMS)).astype(np.float32)

    class Fixed(SegmentationNetwork):
        def forward(self, _: Tensor) -> Tensor:
            return torch.from_numpy(logits)

    squares = torch.zeros((2, 1, 512, 512), dtype=torch.uint8)
    wanted_labels, wanted = (each.numpy() for each in SegmentGraph(Fixed((1, 1)))(squares))
    labels, confidence = graph_ends.to_labels(logits)

    assert np.abs(confidence.astype(int) - wanted).max() <= 1
    assert np.array_equal(labels[confidence == wanted], wanted_labels[confidence == wanted])
