"""The classical baseline finds what nobody could miss, and leaves a clean face alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from endface.contract import Label
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import Mark, chip, particle, pit, scratch
from endface_build.drawing.squares import to_square
from endface_build.evaluation import baseline


def labels_of(*marks: Mark) -> NDArray[np.uint8]:
    """What the baseline labels on a drawn face."""
    square = to_square(photograph(Face(marks=marks), Camera(640, 640), seed=5)).gray
    labels, confidence = baseline.segment(square[None, None])
    assert labels.shape == confidence.shape == (1, 512, 512)
    assert labels.dtype == confidence.dtype == np.uint8
    return np.asarray(labels[0])


def test_clean_face() -> None:
    """Rims, core and ferrule without marks stay without labels but for a few pixels of 262,144."""
    assert np.count_nonzero(labels_of()) < 100


@pytest.mark.parametrize(
    ("mark", "label"),
    [
        (pit((-60.0, 62.0), 5.0), Label.PIT),
        (scratch((70.0, -90.0), (115.0, 80.0), 2.0, tone=-0.4), Label.SCRATCH),
        (particle((-80.0, -60.0), 18.0), Label.CONTAMINATION),
        (chip(40.0, 9.0, 5.0), Label.CHIP),
    ],
)
def test_strong_marks(mark: Mark, label: Label) -> None:
    """A strong mark of each type is found and told by its place and shape."""
    labels = labels_of(mark)

    assert np.bincount(labels.ravel(), minlength=5)[1:].argmax() + 1 == label
