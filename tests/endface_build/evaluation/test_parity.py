"""Golden pictures decide: a verdict that changes is told and refused, a label map that differs is counted."""

from __future__ import annotations

import numpy as np
import pytest

from endface.errors import PlanError
from endface_build.data.drawn_pictures import draw_labelled
from endface_build.evaluation.golden import Golden
from endface_build.evaluation.parity import compare, refuse_flips

PASS, FAIL = 0, 2
"""Labels that a network gives to every pixel: a blind one passes everything, one that sees pits everywhere nothing."""


@pytest.fixture(scope="module")
def faces():
    """Two drawn faces and a picture without a fiber."""
    blank = draw_labelled("multimode", 0).data[:200]
    drawn = [Golden(f"face-{index}.png", draw_labelled("multimode", index).data, "mm-pc") for index in range(2)]
    return [*drawn, Golden("broken.png", blank, "mm-pc")]


def network(label, *, other_px=0):
    """A network that gives every pixel the same label, but for the first ones."""

    def segment(squares):
        labels = np.full((len(squares), 512, 512), label, np.uint8)
        labels.reshape(-1)[:other_px] = 3
        return labels, np.full_like(labels, 255)

    return segment


def test_same_verdicts(faces):
    """Where all is the same there are no flips; a picture that no network can judge does not count."""
    parity = compare(network(FAIL), network(FAIL), faces)

    assert (parity.pictures, parity.labels_equal, parity.flips) == (2, 1.0, ())


def test_labels_are_counted(faces):
    """The share of equal labels is over all pixels of all pictures."""
    assert compare(network(FAIL), network(FAIL, other_px=2**16), faces).labels_equal == 0.75


def test_flip_is_named(faces):
    """A verdict that changed is told with picture, new verdict and old one."""
    parity = compare(network(FAIL), network(PASS), faces)

    assert parity.flips == ("face-0.png: pass for fail", "face-1.png: pass for fail")


def test_flip_is_refused(faces):
    """One flip is enough to write no plan."""
    with pytest.raises(PlanError, match=r"The plan judges .* FP32 \(face-0.png: fail for pass\): no plan was written"):
        refuse_flips(compare(network(PASS), network(FAIL), faces[:1]), "The plan")


def test_nothing_to_compare(faces):
    """Without a picture that counts nothing is proven, so nothing passes."""
    with pytest.raises(PlanError, match=r"No golden picture can be judged.*--golden"):
        compare(network(PASS), network(PASS), faces[2:])


def test_progress(faces):
    """Each picture is told as it is done."""
    done = []
    compare(network(PASS), network(PASS), faces, done.append)

    assert done == [1, 2, 3]
