"""Dirt is labelled as people outline it: droplets one by one, what has an outline of its own as a whole."""

from __future__ import annotations

from itertools import islice

import cv2
import numpy as np
import pytest

from endface.contract import Label
from endface_build.drawing.camera import Camera, photograph
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import Blob, Mark
from endface_build.drawing.random_dirt import clusters

SEEDS = range(200)


def patches(*, crowded: bool) -> list[tuple[Mark, ...]]:
    """The first drawn patches of droplets that lie in a drop's bed, or of those that lie in a haze; no other marks."""
    face = Face()
    drawn = (tuple(clusters(np.random.default_rng(seed), face)) for seed in SEEDS)
    first = Label.CONTAMINATION if crowded else Label.BACKGROUND
    return list(islice((marks for marks in drawn if marks[0].kind == first), 5))


def parts(marks: tuple[Mark, ...]) -> int:
    """How many parts their labels have on an evenly gray face."""
    face = Face(zones=Face().zones[:1], ferrule=80.0, marks=marks)
    labels = photograph(face, Camera(noise=0.1, blur_um=0.3), seed=1).labels
    return int(cv2.connectedComponents((labels > 0).astype(np.uint8), connectivity=8)[0]) - 1


@pytest.mark.parametrize("marks", patches(crowded=False))
def test_a_haze_has_no_label(marks: tuple[Mark, ...]) -> None:
    """The residue between scattered droplets is drawn, and labelled as the clean glass that it is judged as."""
    haze = [mark for mark in marks if mark.kind == Label.BACKGROUND]

    assert all(isinstance(mark, Blob) and abs(mark.tone) < 0.08 for mark in haze)
    assert parts(tuple(haze)) == 0


@pytest.mark.parametrize("marks", patches(crowded=True))
def test_a_dried_drop_is_one_mark(marks: tuple[Mark, ...]) -> None:
    """The bed of a dried drop is contamination, with the droplets on it."""
    bed, *droplets = marks

    assert isinstance(bed, Blob)
    assert bed.kind == Label.CONTAMINATION
    assert bed.width_um > max(droplet.width_um for droplet in droplets)
