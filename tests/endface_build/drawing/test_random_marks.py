"""Random marks are called by the labelling convention."""

from __future__ import annotations

import math

import numpy as np
import pytest

from endface.contract import Label
from endface_build.drawing.faces import Face
from endface_build.drawing.marks import Blob
from endface_build.drawing.random_marks import random_marks


def random_blobs(seed: int) -> list[Blob]:
    """The blobs of a random face that are not chips or parts of scratches."""
    marks = random_marks(np.random.default_rng(seed), Face())
    return [mark for mark in marks if isinstance(mark, Blob) and mark.kind in (Label.PIT, Label.CONTAMINATION)]


def gap_um(one: Blob, other: Blob) -> float:
    """Distance between two blobs' outlines, taken as circles of their long diameters."""
    return math.dist(one.center_um, other.center_um) - (one.length_um + other.length_um) / 2


@pytest.mark.parametrize("seed", range(12))
def test_pits_are_alone_or_in_pairs(seed: int) -> None:
    """No pit has two other compact marks within 7 um or touches another mark, no compact contamination is alone."""
    blobs = random_blobs(seed)
    compact = [blob for blob in blobs if blob.length_um < 14]
    for blob in compact:
        near = sum(gap_um(blob, other) < 7 for other in compact if other is not blob)
        touching = sum(gap_um(blob, other) < 0 for other in blobs if other is not blob)
        if blob.kind == Label.PIT:
            assert near < 2
            assert touching == 0
        else:
            assert near + touching > 0
