from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from endface.contract import Label
from endface.engines import graph_ends
from endface_build.training.network import planes, to_blocks


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


def test_the_largest_logit_wins() -> None:
    """Every class can win, and equal logits give the first one, at a confidence of one half."""
    for label in Label:
        labels, confidence = graph_ends.to_labels(logits_of(*(10.0 * (label == other) for other in Label)))

        assert (labels == label).all()
        assert (confidence == 255).all()

    labels, confidence = graph_ends.to_labels(logits_of(0, 0, 0, 0, 0))

    assert (labels == Label.BACKGROUND).all()
    assert (confidence == 128).all()


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=5, max_size=5, unique=True),
    st.integers(0, 511),
    st.integers(0, 511),
)
def test_each_pixel_has_its_own_place(classes: list[float], row: int, column: int) -> None:
    """A pixel's logits lie in its block, in the channel of its place there; its confidence is its lead's logistic."""
    logits = logits_of(9, 0, 0, 0, 0).copy()
    place = row % 2 * 2 + column % 2
    logits[0, place::4, row // 2, column // 2] = classes

    labels, confidence = graph_ends.to_labels(logits)

    second, best = sorted(classes)[-2:]
    assert labels[0, row, column] == int(np.argmax(np.array(classes, np.float32)))
    assert abs(int(confidence[0, row, column]) - 255 / (1 + np.exp(second - best))) <= 0.51
    labels[0, row, column] = Label.BACKGROUND
    assert not labels.any()
